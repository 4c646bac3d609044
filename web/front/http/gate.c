/* gate - see gate.h */
#include "web/front/http/gate.h"

#include <string.h>
#include <strings.h>

#include "gen/errors.h"
#include "schemas/wire/plant.h"
#include "schemas/wire/wire.h"

/* Headers of which a second one would be read by some and not by others. */
static const char *const once[] = {
    "Host",
    "Content-Length",
    "Content-Type",
    "Authorization",
    "Cookie",
    "Origin",
    "Expect",
    "Range",
    "If-Range",
    "Sec-Fetch-Site",
    "Idempotency-Key",
    "Traceparent",
    "Tus-Resumable",
    "Upload-Offset",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Checksum",
    "Upload-Concat",
    "Upload-Defer-Length",
    "X-HTTP-Method-Override",
    "X-Edge",
    "X-Forwarded-For",
    "X-Kinobus",
    "Last-Event-ID",
};

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

const char *gate_header(const struct mg_request_info *request, const char *name)
{
    for (int i = 0; i < request->num_headers; i++)
        if (strcasecmp(request->http_headers[i].name, name) == 0)
            return request->http_headers[i].value;
    return NULL;
}

static unsigned gate_count(const struct mg_request_info *request, const char *name)
{
    unsigned n = 0;

    for (int i = 0; i < request->num_headers; i++)
        n += strcasecmp(request->http_headers[i].name, name) == 0;
    return n;
}

static bool gate_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 127 || strchr("\"(),/:;<=>?@[\\]{}", *text))
            return false;
    return true;
}

/* civetweb parses in place: it writes a NUL over the space, colon, CR or LF that ended a thing, and what lies
 * between two things tells how they were written. Line ends other than CRLF, spaces before a colon, a line
 * that begins with a space (civetweb takes it for the end of the headers) and two spaces in the request line
 * all move something. */
static bool gate_layout(const struct mg_request_info *request)
{
    const char *uri_end = request->query_string ? request->query_string + strlen(request->query_string)
                                                : request->request_uri + strlen(request->request_uri);
    const char *next = request->http_version + strlen(request->http_version) + 2;

    if (request->request_method + strlen(request->request_method) + 1 != request->request_uri ||
        uri_end + 1 + strlen("HTTP/") != request->http_version)
        return false;
    for (int i = 0; i < request->num_headers; i++) {
        const char *name = request->http_headers[i].name, *value = request->http_headers[i].value;

        if (name != next)
            return false;
        for (const char *gap = name + strlen(name) + 1; gap < value; gap++)
            if (*gap != ' ')
                return false;
        next = value + strlen(value) + 2;
    }
    /* Here the empty line follows: CR, and a NUL over the last LF. The bound keeps the look inside of the
     * buffer. */
    return next - request->request_method <= GATE_REQUEST_MAX - 2 && next[-1] == '\0' && next[0] == '\r' &&
           next[1] == '\0';
}

static bool gate_host(const char *host)
{
    size_t len = strlen(host);

    return len > 0 && len <= 255 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == len;
}

/* At most 12 digits and nothing else; -1 when it is anything else. */
static int64_t gate_length(const char *text)
{
    size_t len = strlen(text);
    int64_t value = 0;

    if (len < 1 || len > 12 || strspn(text, "0123456789") != len)
        return -1;
    for (; *text; text++)
        value = value * 10 + (*text - '0');
    return value;
}

static int gate_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* A segment of nothing but dots, or none at all before another one. */
static bool gate_segments(const char *path)
{
    while (*path == '/') {
        size_t len = strcspn(++path, "/");

        if (len == 0 && *path == '/')
            return false;
        if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += len;
    }
    return *path == '\0';
}

int gate_decode_path(const char *raw, char to[static GATE_URI_MAX + 1])
{
    size_t n = 0, chars;

    if (raw[0] != '/')
        return -1;
    for (; *raw; raw++) {
        unsigned char c = (unsigned char)*raw;

        if (c <= ' ' || c >= 127 || c == '\\' || n == GATE_URI_MAX)
            return -1;
        if (c == '%') {
            int high = gate_hex(raw[1]), low = high < 0 ? -1 : gate_hex(raw[2]);

            if (low < 0)
                return -1;
            c = (unsigned char)(high << 4 | low);
            if (c < ' ' || c == 127 || c == '/' || c == '\\')
                return -1;
            raw += 2;
        }
        to[n++] = (char)c;
    }
    to[n] = '\0';
    return wire_utf8(to, n, &chars) && gate_segments(to) ? 0 : -1;
}

static bool gate_query(const char *query)
{
    for (; *query; query++)
        if (*query <= ' ' || *query >= 127)
            return false;
    return true;
}

static const char *gate_headers(const struct mg_request_info *request, struct gate_facts *ret)
{
    const char *text;

    for (int i = 0; i < request->num_headers; i++)
        if (!gate_token(request->http_headers[i].name))
            return "A header's name holds characters that no name may hold.";
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        if (gate_count(request, once[i]) > 1)
            return "A header that may be sent once was sent twice.";
    text = gate_header(request, "Host");
    if (!text || !gate_host(text))
        return "Exactly one Host header that names a host is needed.";
    if (gate_header(request, "Transfer-Encoding"))
        return "Transfer-Encoding is not taken here: send Content-Length.";
    text = gate_header(request, "Content-Length");
    ret->length = text ? gate_length(text) : -1;
    if (text && ret->length < 0)
        return "Content-Length must be 1 to 12 digits.";
    text = gate_header(request, "Expect");
    if (text && strcasecmp(text, "100-continue") != 0)
        return "Expect knows 100-continue alone.";
    ret->expects_continue = text && strcmp(request->http_version, "1.1") == 0;
    text = gate_header(request, "Connection");
    ret->keep_alive = text ? strcasecmp(text, "keep-alive") == 0 : strcmp(request->http_version, "1.1") == 0;
    return NULL;
}

static bool gate_method(const char *method)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

int gate_check(const struct mg_request_info *request, struct gate_facts *ret, const char **ret_reason)
{
    size_t query = request->query_string ? strlen(request->query_string) + 1 : 0;

    ret->length = -1;
    ret->expects_continue = ret->keep_alive = false;
    if (request->num_headers >= MG_MAX_HEADERS) {
        *ret_reason = "At most 63 headers are taken.";
        return ERR_HEADERS_TOO_LARGE;
    }
    if (request->num_headers ==
        0) { /* civetweb then writes over the end of the head: there is nothing to look at */
        *ret_reason = "Exactly one Host header that names a host is needed.";
        return ERR_MALFORMED;
    }
    if (!gate_layout(request)) {
        *ret_reason = "A line does not end in CRLF, is folded, or has spaces where none may be.";
        return ERR_MALFORMED;
    }
    *ret_reason = gate_headers(request, ret);
    if (*ret_reason)
        return ERR_MALFORMED;
    if (strlen(request->request_uri) + query > GATE_URI_MAX ||
        (request->query_string && !gate_query(request->query_string)) ||
        gate_decode_path(request->request_uri, ret->path) < 0) {
        *ret_reason = "The address is longer than 2048 bytes or holds something that no path here holds.";
        return ERR_MALFORMED;
    }
    if (!gate_method(request->request_method)) {
        *ret_reason = "This method is not known here.";
        return ERR_METHOD_NOT_ALLOWED;
    }
    PLANT(ret->keep_alive && strchr(ret->path, ' '));
    return 0;
}
