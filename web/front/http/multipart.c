/* multipart - see multipart.h */
#include "web/front/http/multipart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"
#include "schemas/wire/plant.h"
#include "schemas/wire/wire.h"

enum multipart_state {
    MULTIPART_PREAMBLE, /* before the first boundary */
    MULTIPART_AFTER,    /* behind a boundary: "--" or CRLF */
    MULTIPART_HEADERS,
    MULTIPART_BODY,
    MULTIPART_EPILOGUE, /* behind the last boundary: nothing counts */
};

/* What came and is not used yet lies in hold; the room is for a part's headers, or for the beginning of a
 * boundary with enough beside it that a body does not pass in crumbs. */
#define MULTIPART_HOLD (32 * 1024)

struct multipart {
    const struct multipart_events *events;
    void *ctx;
    const char *reason;
    enum multipart_state state;
    unsigned parts;
    size_t mark_len; /* of "\r\n--boundary" */
    char mark[4 + MULTIPART_BOUNDARY + 1];
    size_t len;
    char hold[MULTIPART_HOLD];
};

/* The value of a parameter of a header, quotes taken off: "a; name=x; b=\"y z\"". False: absent, or longer
 * than room. */
static bool multipart_parameter(const char *header, const char *name, char *to, size_t room)
{
    const char *p = strchr(header, ';');

    while (p) {
        size_t n = 0, key;
        bool wanted;

        p += 1 + strspn(p + 1, " \t");
        key = strcspn(p, "=;");
        wanted = p[key] == '=' && key == strlen(name) && strncasecmp(p, name, key) == 0;
        if (p[key] != '=') {
            p = strchr(p, ';');
            continue;
        }
        p += key + 1;
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++) {
                if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
                    p++;
                if (n < room && wanted)
                    to[n] = *p;
                n++;
            }
        } else {
            for (; *p && *p != ';' && *p != ' '; p++, n++)
                if (n < room && wanted)
                    to[n] = *p;
        }
        if (wanted) {
            if (n >= room)
                return false;
            to[n] = '\0';
            return true;
        }
        p = strchr(p, ';');
    }
    return false;
}

static bool multipart_boundary_ok(const char *boundary)
{
    size_t len = strlen(boundary);

    return len > 0 && boundary[len - 1] != ' ' &&
           strspn(boundary, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+_,-./:=? ") == len;
}

struct multipart *multipart_new(const char *content_type, const struct multipart_events *events, void *ctx)
{
    static const char type[] = "multipart/form-data";
    char boundary[MULTIPART_BOUNDARY + 1];
    struct multipart *m;

    if (!content_type || strncasecmp(content_type, type, sizeof(type) - 1) != 0 ||
        !strchr("; \t", content_type[sizeof(type) - 1]) ||
        !multipart_parameter(content_type, "boundary", boundary, sizeof(boundary)) ||
        !multipart_boundary_ok(boundary))
        return NULL;
    m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->events = events;
    m->ctx = ctx;
    m->mark_len = (size_t)(stpcpy(stpcpy(m->mark, "\r\n--"), boundary) - m->mark);
    /* The first boundary may stand at the very beginning, where no CRLF can be: give it one. */
    memcpy(m->hold, "\r\n", 2);
    m->len = 2;
    return m;
}

void multipart_free(struct multipart **reader)
{
    free(*reader);
    *reader = NULL;
}

const char *multipart_reason(const struct multipart *reader)
{
    return reader->reason ? reader->reason : "";
}

static int multipart_refuse(struct multipart *m, const char *reason)
{
    m->reason = reason;
    return ERR_MALFORMED;
}

static void multipart_consume(struct multipart *m, size_t n)
{
    memmove(m->hold, m->hold + n, m->len - n);
    m->len -= n;
}

/* One header line, NUL-terminated. */
static int multipart_header(struct multipart *m, const char *line, struct multipart_part *part)
{
    static const char wanted[] = "content-disposition:";
    const char *value;

    if (strncasecmp(line, wanted, sizeof(wanted) - 1) != 0)
        return 0; /* what a part says of its type is not believed anyway */
    value = line + sizeof(wanted) - 1;
    value += strspn(value, " \t");
    if (strncasecmp(value, "form-data", 9) != 0)
        return multipart_refuse(m, "A part of the form is not form-data.");
    if (!multipart_parameter(value, "name", part->name, sizeof(part->name)))
        return multipart_refuse(m, "A part of the form has no name, or one of more than 64 bytes.");
    part->is_file = multipart_parameter(value, "filename", part->filename, sizeof(part->filename));
    return 0;
}

/* The headers of a part, when the empty line behind them is here. *ret_n: bytes used, 0: more must come. */
static int multipart_headers(struct multipart *m, size_t *ret_n)
{
    struct multipart_part part = { 0 };
    char *end = m->len >= 2 && memcmp(m->hold, "\r\n", 2) == 0 ? m->hold : memmem(m->hold, m->len, "\r\n\r\n", 4);
    char *line = m->hold;
    size_t chars;

    *ret_n = 0;
    if (!end && m->len < MULTIPART_HEAD + 4) /* it may lie half in what is to come */
        return 0;
    if (!end || end - m->hold > MULTIPART_HEAD)
        return multipart_refuse(m, "The headers of a part are longer than 2048 bytes.");
    if (memchr(m->hold, '\0', (size_t)(end - m->hold)))
        return multipart_refuse(m, "The headers of a part hold a NUL.");
    *ret_n = (size_t)(end - m->hold) + (end == m->hold ? 2 : 4);
    *end = '\0';
    while (*line) {
        char *stop = strstr(line, "\r\n");
        int r;

        if (stop)
            *stop = '\0';
        r = multipart_header(m, line, &part);
        if (r < 0)
            return r;
        line = stop ? stop + 2 : line + strlen(line);
    }
    if (!part.name[0] || !wire_utf8(part.name, strlen(part.name), &chars) ||
        !wire_utf8(part.filename, strlen(part.filename), &chars))
        return multipart_refuse(m, "A part of the form has no name in UTF-8.");
    if (++m->parts > MULTIPART_PARTS)
        return multipart_refuse(m, "The form has more than 64 parts.");
    PLANT(m->parts > 3);
    return m->events->begin(m->ctx, &part);
}

/* Up to the next boundary, or as much as cannot be part of one. */
static int multipart_body(struct multipart *m, bool emit, size_t *ret_n, bool *ret_ended)
{
    char *mark = memmem(m->hold, m->len, m->mark, m->mark_len);
    size_t n = mark ? (size_t)(mark - m->hold) : m->len >= m->mark_len ? m->len - (m->mark_len - 1) : 0;
    int r = n > 0 && emit ? m->events->data(m->ctx, m->hold, n) : 0;

    *ret_ended = mark != NULL;
    *ret_n = n + (mark ? m->mark_len : 0);
    if (r == 0 && mark && emit)
        r = m->events->end(m->ctx);
    return r;
}

/* Behind a boundary; spaces may stand before the CRLF. */
static int multipart_after(struct multipart *m, size_t *ret_n)
{
    size_t n = 0;

    *ret_n = 0;
    if (m->len < 2)
        return 0;
    if (memcmp(m->hold, "--", 2) == 0) {
        *ret_n = 2;
        m->state = MULTIPART_EPILOGUE;
        return 0;
    }
    while (n < m->len && (m->hold[n] == ' ' || m->hold[n] == '\t'))
        n++;
    if (n > MULTIPART_BOUNDARY)
        return multipart_refuse(m, "A boundary of the form is followed by too many spaces.");
    if (m->len < n + 2)
        return 0;
    if (memcmp(m->hold + n, "\r\n", 2) != 0)
        return multipart_refuse(m, "A boundary of the form is followed by something that is no end of line.");
    *ret_n = n + 2;
    m->state = MULTIPART_HEADERS;
    return 0;
}

/* As far as what is held goes. */
static int multipart_run(struct multipart *m)
{
    for (;;) {
        enum multipart_state before = m->state;
        bool ended = false;
        size_t n = 0;
        int r = 0;

        switch (m->state) {
        case MULTIPART_PREAMBLE:
        case MULTIPART_BODY:
            r = multipart_body(m, m->state == MULTIPART_BODY, &n, &ended);
            if (ended)
                m->state = MULTIPART_AFTER;
            break;
        case MULTIPART_AFTER: r = multipart_after(m, &n); break;
        case MULTIPART_HEADERS:
            r = multipart_headers(m, &n);
            if (n > 0)
                m->state = MULTIPART_BODY;
            break;
        case MULTIPART_EPILOGUE: n = m->len; break;
        }
        if (r < 0)
            return r;
        multipart_consume(m, n);
        if (m->state == before)
            return 0;
    }
}

int multipart_feed(struct multipart *reader, const void *data, size_t len)
{
    const char *from = data;

    while (len > 0) {
        size_t n = MULTIPART_HOLD - reader->len;
        int r;

        n = n < len ? n : len;
        memcpy(reader->hold + reader->len, from, n);
        reader->len += n;
        from += n;
        len -= n;
        r = multipart_run(reader);
        if (r < 0)
            return r;
    }
    return 0;
}

int multipart_finish(struct multipart *reader)
{
    if (reader->state == MULTIPART_EPILOGUE)
        return 0;
    return multipart_refuse(reader, "The form ends before its last boundary.");
}
