#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "gen/errors.h"
#include "schemas/wire/time.h"

const char *time_format(int64_t ms, char to[static TIME_TEXT_SIZE])
{
    struct tm tm;
    time_t seconds;
    int len;

    if (ms < 0)
        ms = 0;
    if (ms > TIME_MAX)
        ms = TIME_MAX;
    seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    len = (int)strftime(to, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    if (ms % 1000)
        len += snprintf(to + len, (size_t)(TIME_TEXT_SIZE - len), ".%03d", (int)(ms % 1000));
    to[len] = 'Z';
    to[len + 1] = 0;
    return to;
}

/* Exactly n digits. */
static bool time_digits(const char **text, int n, int *ret)
{
    *ret = 0;
    while (n--) {
        if (**text < '0' || **text > '9')
            return false;
        *ret = *ret * 10 + (*(*text)++ - '0');
    }
    return true;
}

static bool time_char(const char **text, char upper, char lower)
{
    if (**text != upper && **text != lower)
        return false;
    (*text)++;
    return true;
}

static int time_month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool time_parse_date(const char **text, struct tm *tm)
{
    int year, month, day;

    if (!time_digits(text, 4, &year) || !time_char(text, '-', '-') || !time_digits(text, 2, &month) ||
        !time_char(text, '-', '-') || !time_digits(text, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > time_month_days(year, month))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

static bool time_parse_clock(const char **text, struct tm *tm, int *ret_ms)
{
    int scale = 100;

    *ret_ms = 0;
    if (!time_digits(text, 2, &tm->tm_hour) || !time_char(text, ':', ':') || !time_digits(text, 2, &tm->tm_min) ||
        !time_char(text, ':', ':') || !time_digits(text, 2, &tm->tm_sec))
        return false;
    if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return false;
    if (**text == '.') {
        if ((*text)[1] < '0' || (*text)[1] > '9')
            return false;
        for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, scale /= 10)
            *ret_ms += (**text - '0') * scale;
    }
    if (tm->tm_sec == 60) {
        tm->tm_sec = 59;
        *ret_ms = 999;
    }
    return true;
}

static bool time_parse_offset(const char **text, int *ret_minutes)
{
    int sign, hours, minutes;

    *ret_minutes = 0;
    if (time_char(text, 'Z', 'z'))
        return true;
    if (**text != '+' && **text != '-')
        return false;
    sign = *(*text)++ == '-' ? -1 : 1;
    if (!time_digits(text, 2, &hours) || !time_char(text, ':', ':') || !time_digits(text, 2, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

int time_parse(const char *text, int64_t *ret)
{
    struct tm tm = { 0 };
    int ms, offset;
    int64_t moment;

    if (!time_parse_date(&text, &tm) || !(time_char(&text, 'T', 't') || time_char(&text, ' ', ' ')) ||
        !time_parse_clock(&text, &tm, &ms) || !time_parse_offset(&text, &offset) || *text)
        return ERR_INVALID;
    moment = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
    if (moment < 0 || moment > TIME_MAX)
        return ERR_INVALID;
    *ret = moment;
    return 0;
}
