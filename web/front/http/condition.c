/* condition - see condition.h */
#include "web/front/http/condition.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "web/front/http/gate.h"

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

const char *condition_date(int64_t ms, char to[static CONDITION_DATE_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (ms < 0 || ms > INT64_C(253402300799999) || !gmtime_r(&seconds, &tm))
        memset(&tm, 0, sizeof(tm)), tm.tm_mday = 1;
    snprintf(to, CONDITION_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
             (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return to;
}

static int condition_month(const char *name)
{
    for (int i = 0; i < 12; i++)
        if (strncmp(name, months[i], 3) == 0)
            return i;
    return -1;
}

/* Digits at fixed places: what does not print back as itself was no date. */
int64_t condition_parse_date(const char *text)
{
    struct tm tm = { 0 };
    char month[4], again[CONDITION_DATE_SIZE];
    int64_t ms;

    if (strlen(text) != CONDITION_DATE_SIZE - 1 ||
        sscanf(text + 5, "%2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon = condition_month(month);
    if (tm.tm_mon < 0 || tm.tm_year < 70)
        return -1;
    ms = (int64_t)timegm(&tm) * 1000;
    return strcmp(condition_date(ms, again), text) == 0 ? ms : -1;
}

/* Whether a list of tags names ours. weak: W/ in front does not matter (If-None-Match); else it never
 * matches. */
static bool condition_lists(const char *list, const char *etag, bool weak)
{
    size_t len = strlen(etag);

    for (;;) {
        bool is_weak;
        const char *end;

        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        is_weak = strncmp(list, "W/", 2) == 0;
        list += is_weak ? 2 : 0;
        if (*list != '"' || !(end = strchr(list + 1, '"')))
            return false;
        if ((weak || !is_weak) && (size_t)(end + 1 - list) == len && memcmp(list, etag, len) == 0)
            return true;
        list = end + 1;
    }
}

/* modified, cut to the second that a date can tell */
static int64_t condition_second(const struct condition_state *state)
{
    return state->modified / 1000 * 1000;
}

int condition_check(const struct mg_request_info *request, const struct condition_state *state)
{
    const char *match = gate_header(request, "If-Match");
    const char *none = gate_header(request, "If-None-Match");
    const char *since = gate_header(request, "If-Modified-Since");
    const char *unmodified = gate_header(request, "If-Unmodified-Since");
    bool reads = strcmp(request->request_method, "GET") == 0 || strcmp(request->request_method, "HEAD") == 0;
    int64_t date;

    if (match) {
        if (!condition_lists(match, state->etag, false))
            return 412;
    } else if (unmodified && state->modified) {
        date = condition_parse_date(unmodified);
        if (date >= 0 && condition_second(state) > date)
            return 412;
    }
    if (none) {
        if (condition_lists(none, state->etag, true))
            return reads ? 304 : 412;
    } else if (since && state->modified && reads) {
        date = condition_parse_date(since);
        if (date >= 0 && condition_second(state) <= date)
            return 304;
    }
    return 0;
}

bool condition_range(const struct mg_request_info *request, const struct condition_state *state)
{
    const char *text = gate_header(request, "If-Range");

    if (!text)
        return true;
    if (*text == '"')
        return strcmp(text, state->etag) == 0;
    return state->modified && condition_parse_date(text) == condition_second(state);
}
