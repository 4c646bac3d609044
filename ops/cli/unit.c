#include "ops/cli/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPAN_MOST_S = 366 * 86400 };

const char *unit_us(char *to, int64_t us)
{
    if (us < 0)
        snprintf(to, UNIT_SIZE, "-");
    else if (us < 1000)
        snprintf(to, UNIT_SIZE, "%lldus", (long long)us);
    else if (us < 1000000)
        snprintf(to, UNIT_SIZE, us < 10000 ? "%.1fms" : "%.0fms", (double)us / 1000);
    else if (us < 60000000)
        snprintf(to, UNIT_SIZE, "%.1fs", (double)us / 1000000);
    else
        return unit_ms(to, us / 1000);
    return to;
}

const char *unit_ms(char *to, int64_t ms)
{
    int64_t s = ms / 1000;
    if (ms <= 0)
        snprintf(to, UNIT_SIZE, "-");
    else if (ms < 1000)
        snprintf(to, UNIT_SIZE, "%lldms", (long long)ms);
    else if (s < 60)
        snprintf(to, UNIT_SIZE, "%llds", (long long)s);
    else if (s < 3600)
        snprintf(to, UNIT_SIZE, "%lldm%02llds", (long long)s / 60, (long long)s % 60);
    else if (s < 86400)
        snprintf(to, UNIT_SIZE, "%lldh%02lldm", (long long)s / 3600, (long long)s % 3600 / 60);
    else if (s % 86400 < 3600)
        snprintf(to, UNIT_SIZE, "%lldd", (long long)s / 86400);
    else
        snprintf(to, UNIT_SIZE, "%lldd%lldh", (long long)s / 86400, (long long)s % 86400 / 3600);
    return to;
}

const char *unit_rate(char *to, double per_s)
{
    if (per_s <= 0)
        snprintf(to, UNIT_SIZE, "0");
    else if (per_s < 9.95)
        snprintf(to, UNIT_SIZE, "%.1f", per_s);
    else if (per_s < 9999.5)
        snprintf(to, UNIT_SIZE, "%.0f", per_s);
    else
        snprintf(to, UNIT_SIZE, "%.1fk", per_s / 1000);
    return to;
}

const char *unit_bytes(char *to, int64_t n)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)n;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        value /= 1024;
    snprintf(to, UNIT_SIZE, unit && value < 99.95 ? "%.1f%s" : "%.0f%s", value, units[unit]);
    return to;
}

const char *unit_time(char *to, int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    if (ms <= 0 || !gmtime_r(&s, &tm) || strftime(to, UNIT_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(to, UNIT_SIZE, "-");
    return to;
}

static bool unit_ends(const char *name, const char *with)
{
    size_t len = strlen(name), end = strlen(with);
    return len >= end && strcmp(name + len - end, with) == 0;
}

const char *unit_member(char *to, const char *name, const json_t *value)
{
    static const char *const moments[] = { "since_ms", "time_ms", "put_ms", "at_ms" };
    int64_t n = json_integer_value(value);
    for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
        if (strcmp(name, moments[i]) == 0)
            return unit_time(to, n);
    }
    if (unit_ends(name, "_ms"))
        return unit_ms(to, n);
    if (unit_ends(name, "_us"))
        return unit_us(to, n);
    if (unit_ends(name, "bytes"))
        return unit_bytes(to, n);
    if (json_is_boolean(value))
        snprintf(to, UNIT_SIZE, json_is_true(value) ? "yes" : "no");
    else
        snprintf(to, UNIT_SIZE, "%lld", (long long)n);
    return to;
}

int64_t unit_parse_ms(const char *text)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "", 1000 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (end == text || *text == '-' || n > SPAN_MOST_S)
        return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (strcmp(end, units[i].name) == 0)
            return (int64_t)n * units[i].ms;
    }
    return -1;
}
