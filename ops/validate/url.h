/* url - references resolved against a base (RFC 3986, 5.2). A folder's files have addresses too: dir:///master.m3u8. */
#pragma once

#include <stdbool.h>

#include "schemas/wire/arena.h"

/* NULL when the result has no scheme that is looked at (http, https, dir), or is too long. */
const char *url_resolve(struct arena *arena, const char *base, const char *reference);
bool url_is_http(const char *url);
/* How a reader is told of it: relative to the folder of base where it lies below that. */
const char *url_shown(const char *base, const char *url);
