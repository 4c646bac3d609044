/* unit - figures as people read them. Each writes into `to`, which has UNIT_SIZE bytes, and answers it. */
#pragma once

#include <stdint.h>

#include <jansson.h>

enum { UNIT_SIZE = 32 };

const char *unit_us(char *to, int64_t us); /* 420us 3.2ms 12s; "-" below 0 */
const char *unit_ms(char *to, int64_t ms); /* an age or a span: 340ms 12s 5m10s 3h20m 4d2h; "-" for 0 */
const char *unit_bytes(char *to, int64_t n);
const char *unit_rate(char *to, double per_s); /* 0 0.4 12 3.1k */
const char *unit_time(char *to, int64_t ms);   /* UTC: 2026-05-01 14:03:22; "-" for 0 */

/* By the member's name in an answer of $sys: `_us`, `_ms`, and the names that are moments. */
const char *unit_member(char *to, const char *name, const json_t *value);

/* "90", "90s", "5m", "2h", "1d" as milliseconds; -1: none of them. */
int64_t unit_parse_ms(const char *text);
