/* civet - a request cut up in place as civetweb 1.15 does it, for the tests of what reads its view.
 *
 * The same steps as its parse_http_request and parse_http_headers, faults included: bare LF ends a line,
 * spaces may stand before a colon, a line that begins with a space ends the headers, what comes after the
 * 64th is dropped. */
#pragma once

#include <stddef.h>

#include <civetweb.h>

/* text must have a writable byte at [len]. Bytes used by the head; 0: not whole yet; -1: civetweb itself
 * refuses it. */
int civet_parse(char *text, size_t len, struct mg_request_info *ret);
