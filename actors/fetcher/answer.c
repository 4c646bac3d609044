/* answer - see answer.h */
#include "actors/fetcher/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"
#include "schemas/wire/plant.h"

enum { ANSWER_LINES = 200, ANSWER_BYTES = 64 * 1024, ANSWER_VALUE = 4096 };

/* Decimal digits and nothing else, up to end; *p moves behind them. */
static bool answer_number(const char **p, uint64_t *ret)
{
    const char *at = *p;

    *ret = 0;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(*ret, (uint64_t)10, ret) ||
            __builtin_add_overflow(*ret, (uint64_t)(*at - '0'), ret))
            return false;
    if (at == *p || *ret > INT64_MAX)
        return false;
    *p = at;
    return true;
}

static int answer_length(struct answer *a, const char *value)
{
    uint64_t length;

    if (!answer_number(&value, &length) || *value || (a->has_length && a->length != length))
        return ERR_MALFORMED;
    a->has_length = true;
    a->length = length;
    return 0;
}

/* "bytes FROM-LAST/TOTAL", where a star stands for a range or a total that is not told */
static int answer_range(struct answer *a, const char *value)
{
    uint64_t last = 0;
    bool has_range = false;

    if (strncasecmp(value, "bytes ", 6) != 0)
        return ERR_MALFORMED;
    value += 6;
    if (*value == '*') {
        value++;
    } else {
        if (!answer_number(&value, &a->from) || *value++ != '-' || !answer_number(&value, &last) || last < a->from)
            return ERR_MALFORMED;
        has_range = true;
    }
    if (*value++ != '/')
        return ERR_MALFORMED;
    if (*value == '*')
        value++;
    else if (answer_number(&value, &a->total))
        a->has_total = true;
    if (*value || (has_range && a->has_total && last >= a->total) || (!has_range && !a->has_total))
        return ERR_MALFORMED;
    a->until = last + 1;
    a->has_range = has_range;
    PLANT(has_range && !a->has_total);
    return 0;
}

static int answer_encoding(struct answer *a, const char *value)
{
    a->encoded = *value && strcasecmp(value, "identity") != 0;
    return 0;
}

static int answer_etag(struct answer *a, const char *value)
{
    size_t len = strlen(value);

    if (len >= 2 && len < sizeof(a->etag) && value[0] == '"' && strchr(value + 1, '"') == value + len - 1)
        memcpy(a->etag, value, len + 1);
    return 0;
}

static int answer_modified(struct answer *a, const char *value)
{
    if (strlen(value) < sizeof(a->modified))
        strcpy(a->modified, value);
    return 0;
}

static int answer_type(struct answer *a, const char *value)
{
    snprintf(a->type, sizeof(a->type), "%.*s", (int)strcspn(value, "; \t"), value);
    return 0;
}

static int answer_disposition(struct answer *a, const char *value)
{
    naming_of_disposition(value, a->name);
    return 0;
}

static int answer_status(struct answer *a, const char *line)
{
    const char *space = strchr(line, ' ');
    unsigned lines = a->lines;
    size_t bytes = a->bytes;

    if (!space || !isdigit((unsigned char)space[1]) || !isdigit((unsigned char)space[2]) ||
        !isdigit((unsigned char)space[3]) || isdigit((unsigned char)space[4]))
        return ERR_MALFORMED;
    *a = (struct answer) { .lines = lines, .bytes = bytes };
    a->status = (unsigned)((space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0'));
    return 0;
}

int answer_line(struct answer *a, const char *line, size_t len)
{
    static const struct {
        const char *name;
        int (*read)(struct answer *a, const char *value);
    } known[] = {
        { "content-length", answer_length },           { "content-range", answer_range },
        { "content-encoding", answer_encoding },       { "etag", answer_etag },
        { "last-modified", answer_modified },          { "content-type", answer_type },
        { "content-disposition", answer_disposition },
    };
    char text[ANSWER_VALUE];
    const char *colon, *value;
    size_t name;

    a->bytes += len;
    if (++a->lines > ANSWER_LINES || a->bytes > ANSWER_BYTES)
        return ERR_MALFORMED;
    while (len > 0 && strchr("\r\n \t", line[len - 1]))
        len--;
    if (len >= sizeof(text)) /* none of those that matter is so long */
        return 0;
    memcpy(text, line, len);
    text[len] = 0;
    if (strlen(text) != len)
        return ERR_MALFORMED;
    if (strncmp(text, "HTTP/", 5) == 0)
        return answer_status(a, text);
    colon = strchr(text, ':');
    if (!colon)
        return 0;
    name = (size_t)(colon - text);
    value = colon + 1 + strspn(colon + 1, " \t");
    for (const char *p = value; *p; p++)
        if (iscntrl((unsigned char)*p) && *p != '\t')
            return ERR_MALFORMED;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strlen(known[i].name) == name && strncasecmp(known[i].name, text, name) == 0)
            return known[i].read(a, value);
    return 0;
}
