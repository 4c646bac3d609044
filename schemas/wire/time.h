/* time - moments in ms UTC since 1970 on the bus, RFC 3339 in JSON. 0 is absent. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 32
#define TIME_MAX       INT64_C(253402300799999) /* the last ms of the year 9999 */

/* 2026-11-21T05:10:00.123Z, or without the fraction when it is 0. Answers `to`; a moment outside of 0..TIME_MAX is
 * clamped. */
const char *time_format(int64_t ms, char to[static TIME_TEXT_SIZE]);

/* RFC 3339 with any offset; digits of the fraction past ms are cut off. ERR_INVALID for all else, also for days that
 * no month has, and for moments before 1970. A leap second is the last ms of its minute. */
int time_parse(const char *text, int64_t *ret);
