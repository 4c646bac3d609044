/* range - see range.h */
#include "web/front/http/range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "schemas/wire/plant.h"

static const char *range_space(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* Digits at *p; a number past 2^63 stays there, which is past every object. False: no digit. */
static bool range_number(const char **p, uint64_t *ret)
{
    const char *start = *p;

    *ret = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++)
        *ret = *ret >= UINT64_MAX / 32 ? UINT64_MAX / 2 : *ret * 10 + (uint64_t)(**p - '0');
    return *p != start;
}

/* One range-spec. -1: malformed; 0: well formed, holds no byte of the object; 1: ret. */
static int range_spec(const char **p, uint64_t size, struct range *ret)
{
    uint64_t from, to;

    if (**p == '-') {
        (*p)++;
        if (!range_number(p, &from))
            return -1;
        if (from == 0 || size == 0)
            return 0;
        *ret = (struct range) { from < size ? size - from : 0, size - 1 };
        return 1;
    }
    if (!range_number(p, &from) || **p != '-')
        return -1;
    (*p)++;
    if (!range_number(p, &to))
        to = UINT64_MAX;
    else if (to < from)
        return -1;
    if (from >= size)
        return 0;
    *ret = (struct range) { from, to < size ? to : size - 1 };
    return 1;
}

/* Adds a range in order, joining it with those it meets. False: too many. */
static bool range_add(struct range *set, size_t *n, struct range add)
{
    size_t at = 0, end;

    while (at < *n && set[at].to + 1 < add.from)
        at++;
    for (end = at; end < *n && set[end].from <= add.to + 1; end++) {
        add.from = set[end].from < add.from ? set[end].from : add.from;
        add.to = set[end].to > add.to ? set[end].to : add.to;
    }
    if (end == at && *n == RANGE_MAX)
        return false;
    memmove(set + at + 1, set + end, (*n - end) * sizeof(*set));
    set[at] = add;
    *n = *n - (end - at) + 1;
    return true;
}

enum range_kind range_parse(const char *header, uint64_t size, struct range ret[static RANGE_MAX], size_t *ret_n)
{
    const char *p = header;
    bool any = false;

    *ret_n = 0;
    if (!header || strncasecmp(header, "bytes=", 6) != 0)
        return RANGE_WHOLE;
    for (p = range_space(p + 6);; p = range_space(p + 1)) {
        struct range one = { 0 };
        int r;

        if (*p == ',')
            continue; /* an empty element of a list means nothing */
        if (*p == '\0' && any)
            break;
        r = range_spec(&p, size, &one);
        p = range_space(p);
        if (r < 0 || (*p != ',' && *p != '\0') || (r > 0 && !range_add(ret, ret_n, one))) {
            *ret_n = 0;
            return RANGE_WHOLE;
        }
        any = true;
        if (*p == '\0')
            break;
    }
    PLANT(*ret_n > 1 && ret[1].from > 5);
    return *ret_n > 0 ? RANGE_PARTS : RANGE_OUTSIDE;
}
