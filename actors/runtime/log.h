/* log - one line an operator can search, on stderr: time=... level=info actor=catalog what=call key=value ... */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum log_at { LOG_AT_ERROR = 1, LOG_AT_WARNING, LOG_AT_INFO, LOG_AT_DEBUG };

void log_open(const char *actor);
void log_set_level(enum log_at level);

/* format: " key=value" pairs; a value that a sender chose goes through log_quote. */
void log_line(enum log_at level, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_vline(enum log_at level, const char *what, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* The text in quotes where it needs them, control characters escaped, cut at `size`. Answers `to`. */
const char *log_quote(const char *text, char *to, size_t size);
