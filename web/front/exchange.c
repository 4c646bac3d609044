/* exchange - see exchange.h */
#include "web/front/exchange.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"
#include "web/front/door.h"
#include "web/front/http/condition.h"
#include "web/front/http/problem.h"

#define EXCHANGE_BODY_MS 30000 /* for a body that is taken as a whole */

/* What a page of ours may do: nothing but talk to where it came from. hls.js needs blob: for media and its
 * worker, and data: for the empty text track that it fills with cues. */
#define EXCHANGE_PAGE_POLICY                                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "    \
    "connect-src 'self'; media-src 'self' blob: data:; worker-src 'self' blob:; manifest-src 'self'; base-uri " \
    "'none'; "                                                                                                  \
    "object-src 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

bool exchange_is(const struct exchange *x, const char *method)
{
    return strcmp(x->method, method) == 0;
}

bool exchange_reads(const struct exchange *x)
{
    return exchange_is(x, "GET") || exchange_is(x, "HEAD");
}

bool exchange_type_is(const struct exchange *x, const char *type)
{
    const char *header = gate_header(x->request, "Content-Type");
    size_t len = strlen(type);

    return header && strncasecmp(header, type, len) == 0 && strchr("; ", header[len]);
}

/* ---- the answer */

void exchange_header(struct exchange *x, const char *name, const char *format, ...)
{
    char value[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    buf_printf(&x->headers, "%s: %s\r\n", name, value);
}

static const char *exchange_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 302, "Found" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 423, "Locked" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 460, "Checksum Mismatch" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 507, "Insufficient Storage" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Answer";
}

static void exchange_security(struct exchange *x, struct buf *head)
{
    buf_put_text(head, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
    if (x->is_media) {
        buf_put_text(head, "Content-Security-Policy: sandbox; default-src 'none'\r\n"
                           "Cross-Origin-Resource-Policy: cross-origin\r\n");
    } else {
        buf_put_text(head,
                     "Content-Security-Policy: " EXCHANGE_PAGE_POLICY "\r\n"
                     "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
                     "Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()\r\n");
    }
    if (x->front->secure)
        buf_put_text(head, "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
}

void exchange_begin(struct exchange *x, int status, const char *type, uint64_t length)
{
    char date[CONDITION_DATE_SIZE], trace[TRACE_TEXT_SIZE];
    struct buf *head = &x->unsent;
    bool close = x->hurried || x->left > 0 || length == UINT64_MAX || !x->facts.keep_alive ||
                 atomic_load(&x->front->draining) || door_crowded();

    x->status = status;
    buf_printf(head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, exchange_reason(status),
               condition_date(front_now(), date));
    if (type)
        buf_printf(head, "Content-Type: %s\r\n", type);
    if (length != UINT64_MAX && status != 204 && status != 304)
        buf_printf(head, "Content-Length: %" PRIu64 "\r\n", length);
    buf_printf(head, "Cache-Control: %s\r\nX-Request-Id: %s\r\nTraceparent: %s\r\nConnection: %s\r\n",
               x->cache ? x->cache : "no-store", x->request_id, trace_format(&x->trace, trace),
               close ? "close" : "keep-alive");
    exchange_security(x, head);
    buf_put(head, x->headers.data, x->headers.len);
    buf_put_text(head, "\r\n");
    if (close)
        mg_disable_connection_keep_alive(x->conn);
}

static void exchange_out(struct exchange *x, const void *data, size_t len)
{
    if (mg_write(x->conn, data, len) == (int)len)
        return;
    x->broken = true;
    mg_disable_connection_keep_alive(x->conn);
}

void exchange_flush(struct exchange *x)
{
    if (x->unsent.len > 0 && !x->broken)
        exchange_out(x, x->unsent.data, x->unsent.len);
    buf_reset(&x->unsent);
}

int exchange_write(struct exchange *x, const void *data, size_t len)
{
    const char *from = data;

    if (x->unsent.len > 0 && len <= EXCHANGE_PIECE) { /* one packet, where it fits one */
        buf_put(&x->unsent, data, len);
        exchange_flush(x);
        x->sent += x->broken ? 0 : len;
        return x->broken ? ERR_INTERRUPTED : 0;
    }
    exchange_flush(x);
    while (len > 0 && !x->broken) {
        size_t n = len < 4 * EXCHANGE_PIECE ? len : 4 * EXCHANGE_PIECE;

        exchange_out(x, from, n);
        x->sent += x->broken ? 0 : n;
        from += n;
        len -= n;
    }
    return x->broken ? ERR_INTERRUPTED : 0;
}

void exchange_send(struct exchange *x, int status, const char *type, struct bytes body)
{
    exchange_begin(x, status, type, body.len);
    if (!exchange_is(x, "HEAD"))
        exchange_write(x, body.data, body.len);
}

void exchange_empty(struct exchange *x, int status)
{
    exchange_send(x, status, NULL, bytes_of(NULL, 0));
}

const char *exchange_path(struct exchange *x)
{
    static const char *const with_rights[] = { "/media/", "/blobs/" };
    const char *p = x->facts.path;

    for (size_t i = 0; i < sizeof(with_rights) / sizeof(*with_rights); i++) {
        size_t len = strlen(with_rights[i]);

        if (strncmp(p, with_rights[i], len) == 0)
            return arena_printf(x->arena, "%s-%s", with_rights[i], p + len + strcspn(p + len, "/"));
    }
    return p;
}

int exchange_problem_body(struct exchange *x, int err, const char *by, const struct problem *body)
{
    struct problem_doc doc = { .err = err,
                               .by = by ? by : "front",
                               .body = body,
                               .instance = exchange_path(x),
                               .request_id = x->request_id };
    struct buf text = { 0 };

    x->err = err;
    if (x->broken || x->status)
        return err;
    if (err == ERR_UNAUTHENTICATED)
        exchange_header(x, "WWW-Authenticate", "Bearer");
    if (err_retryable(err))
        exchange_header(x, "Retry-After", "%" PRIu64,
                        body && body->retry_after_ms ? (body->retry_after_ms + 999) / 1000 : UINT64_C(1));
    x->cache = NULL;
    problem_write(&doc, &text);
    exchange_send(x, err_http(err), "application/problem+json", buf_bytes(&text));
    buf_free(&text);
    return err;
}

int exchange_problem(struct exchange *x, int err, const char *format, ...)
{
    struct problem body = { 0 };
    va_list args;

    va_start(args, format);
    body.detail = arena_vprintf(x->arena, format, args);
    va_end(args);
    return exchange_problem_body(x, err, NULL, &body);
}

int exchange_problem_field(struct exchange *x, int err, const char *field, const char *sentence)
{
    struct problem_field error = { .field = field, .message = sentence };
    struct problem body = { .detail = sentence };

    if (field && *field) {
        body.detail = arena_printf(x->arena, "%s %s", field, sentence);
        body.errors = &error;
        body.errors_n = 1;
    }
    return exchange_problem_body(x, err, NULL, &body);
}

/* ---- the request */

int exchange_read(struct exchange *x, void *to, size_t room, size_t *ret_n)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    int n;

    *ret_n = 0;
    if (x->left == 0)
        return 0;
    if (x->broken)
        return ERR_INTERRUPTED;
    if (!x->asked_for && x->facts.expects_continue)
        mg_write(x->conn, go_on, sizeof(go_on) - 1);
    x->asked_for = true;
    n = mg_read(x->conn, to, room < x->left ? room : (size_t)x->left);
    if (n <= 0) {
        x->broken = true;
        mg_disable_connection_keep_alive(x->conn);
        return ERR_INTERRUPTED;
    }
    x->left -= (uint64_t)n;
    *ret_n = (size_t)n;
    return 0;
}

int exchange_each(struct exchange *x, exchange_piece *each, void *ctx)
{
    char *piece = malloc(EXCHANGE_PIECE);
    int r = 0;

    if (!piece)
        abort();
    while (r == 0 && x->left > 0) {
        size_t n;

        r = exchange_read(x, piece, EXCHANGE_PIECE, &n);
        if (r == 0)
            r = each(ctx, piece, n);
        if (r == 0 && atomic_load(&x->front->draining))
            r = ERR_INTERRUPTED;
    }
    free(piece);
    return r;
}

int exchange_body(struct exchange *x, size_t max, struct bytes *ret)
{
    int64_t end = front_monotonic() + EXCHANGE_BODY_MS;
    size_t len = 0, n;
    char *body;

    if (x->left > max)
        return ERR_TOO_LARGE;
    body = arena_alloc(x->arena, (size_t)x->left + 1);
    while (x->left > 0) {
        int r = exchange_read(x, body + len, EXCHANGE_PIECE / 4, &n);

        if (r == 0 && front_monotonic() > end)
            x->broken = true, r = ERR_INTERRUPTED;
        if (r < 0)
            return r;
        len += n;
    }
    *ret = bytes_of(body, len);
    return 0;
}

/* Decodes %XX and + in place of text. False: it is not UTF-8, or holds a NUL. */
static bool exchange_decode(char *text)
{
    char *to = text;
    size_t chars;

    for (const char *p = text; *p; p++) {
        unsigned byte;
        int used = 0;

        if (*p == '%') {
            if (sscanf(p + 1, "%2x%n", &byte, &used) != 1 || used != 2 || byte == 0 || strchr(" +-", p[1]))
                return false;
            *to++ = (char)byte;
            p += 2;
        } else {
            *to++ = *p == '+' ? ' ' : *p;
        }
    }
    *to = '\0';
    return wire_utf8(text, (size_t)(to - text), &chars);
}

const char *exchange_query(struct exchange *x, const char *name)
{
    size_t name_len = strlen(name);

    for (const char *p = x->request->query_string; p && *p;) {
        size_t len = strcspn(p, "&");

        if (len > name_len && p[name_len] == '=' && memcmp(p, name, name_len) == 0) {
            char *value = arena_strndup(x->arena, p + name_len + 1, len - name_len - 1);

            return exchange_decode(value) ? value : NULL;
        }
        p += len + (p[len] == '&');
    }
    return NULL;
}
