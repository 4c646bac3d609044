/* trace - see trace.h */
#include "web/front/http/trace.h"

#include <string.h>

#include <sodium.h>

#include "web/front/http/random.h"

/* Lower-case hex, as the standard demands. */
static bool trace_hex(const char *text, uint8_t *to, size_t n)
{
    if (strspn(text, "0123456789abcdef") < 2 * n)
        return false;
    return sodium_hex2bin(to, n, text, 2 * n, NULL, NULL, NULL) == 0;
}

bool trace_parse(const char *header, struct trace *ret)
{
    struct trace t;
    uint8_t version;

    /* 2-32-16-2; a version we do not know may have more behind a dash */
    if (!header || strlen(header) < TRACE_TEXT_SIZE - 1 || header[2] != '-' || header[35] != '-' ||
        header[52] != '-' || !trace_hex(header, &version, 1) || version == 0xff ||
        !trace_hex(header + 3, t.trace, 16) || !trace_hex(header + 36, t.span, 8) ||
        !trace_hex(header + 53, &t.flags, 1))
        return false;
    if (header[55] != '\0' && (version == 0 || header[55] != '-'))
        return false;
    if (sodium_is_zero(t.trace, sizeof(t.trace)) || sodium_is_zero(t.span, sizeof(t.span)))
        return false;
    *ret = t;
    return true;
}

const char *trace_format(const struct trace *trace, char to[static TRACE_TEXT_SIZE])
{
    memcpy(to, "00-", 3);
    sodium_bin2hex(to + 3, 33, trace->trace, 16);
    to[35] = '-';
    sodium_bin2hex(to + 36, 17, trace->span, 8);
    to[52] = '-';
    sodium_bin2hex(to + 53, 3, &trace->flags, 1);
    return to;
}

void trace_begin(const char *header, struct trace *ret)
{
    if (!trace_parse(header, ret)) {
        random_bytes(ret->trace, sizeof(ret->trace));
        ret->flags = 0;
    }
    random_bytes(ret->span, sizeof(ret->span));
}
