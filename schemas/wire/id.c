#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/id.h"

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

bool id_is_zero(struct id id)
{
    return id_equal(id, ID_NONE);
}

bool id_equal(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

int id_compare(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof(a.b));
}

struct id id_make(int64_t now_ms, const uint8_t random[10])
{
    struct id id;

    for (int i = 0; i < 6; i++)
        id.b[i] = (uint8_t)((uint64_t)now_ms >> (40 - 8 * i));
    memcpy(id.b + 6, random, 10);
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f)); /* version 7 */
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f)); /* RFC 9562's variant */
    return id;
}

int64_t id_time(struct id id)
{
    uint64_t ms = 0;

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.b[i];
    return (int64_t)ms;
}

/* 26 digits of 5 bits are 130: the first digit carries only 3 of the 128. */
static void id_encode(struct id id, char to[static 26])
{
    unsigned __int128 n = 0;

    for (int i = 0; i < 16; i++)
        n = n << 8 | id.b[i];
    for (int i = 25; i >= 0; i--, n >>= 5)
        to[i] = digits[(unsigned)n & 31];
}

static int id_decode(const char *text, struct id *ret)
{
    unsigned __int128 n = 0;
    const char *at;

    for (int i = 0; i < 26; i++) {
        at = text[i] ? strchr(digits, text[i]) : NULL;
        if (!at || (i == 0 && at - digits > 7))
            return ERR_INVALID;
        n = n << 5 | (unsigned)(at - digits);
    }
    if (text[26])
        return ERR_INVALID;
    for (int i = 15; i >= 0; i--, n >>= 8)
        ret->b[i] = (uint8_t)n;
    return 0;
}

const char *id_format(const char *prefix, struct id id, char to[static ID_TEXT_SIZE])
{
    size_t len = prefix ? strnlen(prefix, ID_PREFIX_MAX) : 0;

    if (len) {
        memcpy(to, prefix, len);
        to[len++] = '_';
    }
    id_encode(id, to + len);
    to[len + 26] = 0;
    return to;
}

int id_parse(const char *prefix, const char *text, struct id *ret)
{
    size_t len = prefix ? strlen(prefix) : 0;

    if (len) {
        if (strncmp(text, prefix, len) != 0 || text[len] != '_')
            return ERR_INVALID;
        text += len + 1;
    }
    return id_decode(text, ret);
}
