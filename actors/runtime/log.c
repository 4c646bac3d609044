#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "schemas/wire/clock.h"
#include "schemas/wire/time.h"

#define LOG_LINE 2048

static const char *log_actor = "?";
static enum log_at log_level = LOG_AT_INFO;

void log_open(const char *actor)
{
    log_actor = actor;
}

void log_set_level(enum log_at level)
{
    log_level = level;
}

void log_vline(enum log_at level, const char *what, const char *format, va_list args)
{
    static const char *const names[] = { "?", "error", "warning", "info", "debug" };
    char line[LOG_LINE], time[TIME_TEXT_SIZE];
    size_t len;

    if (level > log_level)
        return;
    time_format(clock_utc_ms(), time); /* the log's own time: when it was written, also under a simulator */
    len = (size_t)snprintf(line, sizeof(line), "time=%s level=%s actor=%s what=%s ", time, names[level], log_actor,
                           what);
    if (len < sizeof(line))
        len += (size_t)vsnprintf(line + len, sizeof(line) - len, format, args);
    if (len >= sizeof(line))
        len = sizeof(line) - 1;
    while (len && line[len - 1] == ' ')
        len--;
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0) /* one write: lines of several processes do not mix */
        return;
}

void log_line(enum log_at level, const char *what, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_vline(level, what, format, args);
    va_end(args);
}

const char *log_quote(const char *text, char *to, size_t size)
{
    size_t len = 0;
    int plain = text && *text;

    for (const char *s = text ? text : ""; *s && plain; s++)
        plain = *s > ' ' && *s != '"' && *s != '=' && *s != '\\' && *s != 0x7f;
    if (!plain)
        to[len++] = '"';
    for (const char *s = text ? text : ""; *s && len + 6 < size; s++) {
        if (*s == '"' || *s == '\\')
            to[len++] = '\\';
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            len += (size_t)snprintf(to + len, size - len, "\\x%02x", (unsigned char)*s);
        else
            to[len++] = *s;
    }
    if (!plain)
        to[len++] = '"';
    to[len] = 0;
    return to;
}
