/* naming - what a file from the net is called: text for people, and for nothing else. Pure.
 *
 * Folders before the name go, and control characters; bytes that are no UTF-8 end it; it has at most 255 characters. An empty
 * name: there is none. */
#pragma once

#include <stddef.h>

enum { NAMING_SIZE = 255 * 4 + 1 };

/* Content-Disposition: filename*, if it is UTF-8, else filename (RFC 6266). */
void naming_of_disposition(const char *value, char ret[static NAMING_SIZE]);
/* The last part of its path. */
void naming_of_url(const char *url, char ret[static NAMING_SIZE]);
