/* condition - conditional requests of RFC 9110 §13: entity tags and dates.
 *
 * A tag is kept with its quotes, as it is sent ("\"5f...\""), and is strong. A header that cannot be read
 * counts as one that matches nothing, except If-Range: there the whole object is sent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <civetweb.h>

#define CONDITION_DATE_SIZE 30

struct condition_state {
    const char *etag; /* of what would be sent */
    int64_t modified; /* ms UTC; 0: not told, dates are not looked at */
};

/* 0: go on, 304: it has not changed, 412: it is not what the caller takes it for. */
int condition_check(const struct mg_request_info *request, const struct condition_state *state);

/* Whether a Range header counts: no If-Range, or one that names what would be sent. */
bool condition_range(const struct mg_request_info *request, const struct condition_state *state);

/* IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". */
const char *condition_date(int64_t ms, char to[static CONDITION_DATE_SIZE]);
/* The second, in ms; -1: not such a date. */
int64_t condition_parse_date(const char *text);
