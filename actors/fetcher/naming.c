/* naming - see naming.h */
#include "actors/fetcher/naming.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { NAMING_CHARACTERS = 255, NAMING_RAW = 2048 };

/* The length of the UTF-8 character at p, of at most len bytes; 0: it is none. */
static size_t naming_character(const uint8_t *p, size_t len)
{
    uint32_t c = p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4 || n > len)
        return 0;
    c &= 0xffu >> (n + 1);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < (n == 2 ? 0x80u : n == 3 ? 0x800u : 0x10000u) || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    return n;
}

static void naming_clean(const char *raw, size_t len, char ret[static NAMING_SIZE])
{
    size_t at = 0, characters = 0, n;

    for (size_t i = 0; i < len; i++)
        if (raw[i] == '/' || raw[i] == '\\')
            at = i + 1;
    for (; at < len && characters < NAMING_CHARACTERS; at += n) {
        n = naming_character((const uint8_t *)raw + at, len - at);
        if (n == 0)
            break;
        if (n == 1 && iscntrl((unsigned char)raw[at]))
            continue;
        memcpy(ret, raw + at, n);
        ret += n;
        characters++;
    }
    *ret = 0;
}

static int naming_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX; what looks so and is not stays as it is. */
static size_t naming_decode(const char *from, size_t len, char ret[static NAMING_RAW])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < NAMING_RAW; i++) {
        int high = from[i] == '%' && i + 2 < len ? naming_hex(from[i + 1]) : -1;
        int low = high >= 0 ? naming_hex(from[i + 2]) : -1;

        ret[n++] = low >= 0 ? (char)(high << 4 | low) : from[i];
        i += low >= 0 ? 2 : 0;
    }
    return n;
}

void naming_of_url(const char *url, char ret[static NAMING_SIZE])
{
    const char *scheme = strstr(url, "://"), *path = scheme ? scheme + 3 : url;
    char raw[NAMING_RAW];
    size_t len, from;

    path += strcspn(path, "/?#");
    len = strcspn(path, "?#");
    for (from = len; from > 0 && path[from - 1] != '/'; from--)
        ;
    naming_clean(raw, naming_decode(path + from, len - from, raw), ret);
}

/* The value of the parameter at *at, unquoted; *at moves behind it. */
static size_t naming_value(const char **at, char ret[static NAMING_RAW])
{
    const char *p = *at;
    bool quoted = *p == '"';
    size_t n = 0;

    for (p += quoted; *p && (quoted ? *p != '"' : *p != ';'); p++) {
        if (quoted && *p == '\\' && p[1])
            p++;
        if (n < NAMING_RAW)
            ret[n++] = *p;
    }
    *at = p + (quoted && *p);
    while (!quoted && n > 0 && ret[n - 1] == ' ')
        n--;
    return n;
}

void naming_of_disposition(const char *value, char ret[static NAMING_SIZE])
{
    char raw[NAMING_RAW], decoded[NAMING_RAW];
    bool extended = false;

    *ret = 0;
    for (const char *at = value + strcspn(value, ";"); *at;) {
        size_t name, len;
        const char *key;

        key = at += strspn(at, "; \t");
        name = strcspn(at, "=;");
        at += name;
        if (*at != '=')
            continue;
        at++;
        len = naming_value(&at, raw);
        if (name == 9 && strncasecmp(key, "filename*", 9) == 0 && len > 7 && strncasecmp(raw, "UTF-8'", 6) == 0) {
            const char *text = memchr(raw + 6, '\'', len - 6);

            if (text)
                naming_clean(decoded, naming_decode(text + 1, len - (size_t)(text + 1 - raw), decoded), ret);
            extended = text && *ret;
        } else if (!extended && name == 8 && strncasecmp(key, "filename", 8) == 0) {
            naming_clean(raw, len, ret);
        }
    }
}
