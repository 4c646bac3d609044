/* tapped - one message of the bus as a JSON object, seen as it went by or found where it lies, and its ways to print. */
#pragma once

#include <stdio.h>

#include "ops/cli/link.h"

#include <jansson.h>

/* time kind from to name seq size outcome, and where they apply latency_us attempt key job trace why dropped body. */
json_t *tapped_object(const struct bus_tapped *tapped, bool headers_only);
/* An event out of an answer of $sys.events: kind "append". */
json_t *tapped_event(const json_t *row, bool headers_only);

/* One line for people, cut to so many columns; 0: as long as it is. */
void tapped_line(FILE *out, const json_t *object, size_t width, bool colour);

#define TAPPED_FORMAT_HELP                                                                            \
    "                %t time %k kind %f from %o to %n name %q number %s size %l latency %e outcome\n" \
    "                %T trace %K key %j job %a attempt %b body %% a percent sign"
/* By such a format; the letters that it uses must have passed tapped_format_ok(). */
void tapped_format(FILE *out, const json_t *object, const char *format);
bool tapped_format_ok(const char *format);
