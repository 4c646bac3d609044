/* trace - W3C trace context (traceparent, version 00). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TRACE_TEXT_SIZE 56

struct trace {
    uint8_t trace[16];
    uint8_t span[8];
    uint8_t flags;
};

/* False: header NULL or no traceparent; ret is untouched then. */
bool trace_parse(const char *header, struct trace *ret);
const char *trace_format(const struct trace *trace, char to[static TRACE_TEXT_SIZE]);

/* The caller's trace with a span of our own, or a new one. */
void trace_begin(const char *header, struct trace *ret);
