#include "actors/transcode/media/vtt.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/wire/wire.h"

static const char vtt_head[] = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n";

void vtt_begin(struct buf *out)
{
    buf_put_text(out, vtt_head);
}

static void vtt_time(struct buf *out, int64_t ms)
{
    buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64, ms / 3600000, ms / 60000 % 60,
               ms / 1000 % 60, ms % 1000);
}

void vtt_cue(struct buf *out, int64_t from, int64_t to, bool top, const char *text)
{
    buf_put_text(out, "\n");
    vtt_time(out, from);
    buf_put_text(out, " --> ");
    vtt_time(out, to);
    buf_printf(out, "%s\n%s\n", top ? " line:0" : "", text);
}

/* ---- reading */

struct vtt_reader {
    const char *at, *end;
};

static bool vtt_take(struct vtt_reader *r, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

static bool vtt_digits(struct vtt_reader *r, unsigned n, int64_t below, int64_t *to)
{
    int64_t value = 0;

    for (unsigned i = 0; i < n; i++, r->at++) {
        if (r->at == r->end || *r->at < '0' || *r->at > '9')
            return false;
        value = value * 10 + (*r->at - '0');
    }
    *to = value;
    return value < below;
}

static bool vtt_take_time(struct vtt_reader *r, int64_t *ms)
{
    int64_t h, m, s, t;

    if (!vtt_digits(r, 2, 100, &h) || !vtt_take(r, ":") || !vtt_digits(r, 2, 60, &m) || !vtt_take(r, ":") ||
        !vtt_digits(r, 2, 60, &s) || !vtt_take(r, ".") || !vtt_digits(r, 3, 1000, &t))
        return false;
    *ms = ((h * 60 + m) * 60 + s) * 1000 + t;
    return true;
}

/* What may begin with < or &. */
static bool vtt_take_mark(struct vtt_reader *r)
{
    static const char *const marks[] = { "&amp;", "&lt;", "&gt;", "<b>", "</b>", "<i>", "</i>", "<u>", "</u>" };

    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (vtt_take(r, marks[i]))
            return true;
    return false;
}

static bool vtt_take_line(struct vtt_reader *r)
{
    const char *begin = r->at;

    while (r->at < r->end && *r->at != '\n') {
        unsigned char c = (unsigned char)*r->at;

        if (c == '<' || c == '&') {
            if (!vtt_take_mark(r))
                return false;
        } else if (c < 0x20 || c == 0x7f || c == '>') {
            return false;
        } else {
            r->at++;
        }
    }
    return r->at > begin && vtt_take(r, "\n");
}

static const char *vtt_take_cue(struct vtt_reader *r, int64_t *last)
{
    int64_t from, to;

    if (!vtt_take(r, "\n") || !vtt_take_time(r, &from) || !vtt_take(r, " --> ") || !vtt_take_time(r, &to))
        return "a cue has no proper times";
    if (to <= from || from < *last)
        return "a cue ends before it begins, or begins before the one above it";
    vtt_take(r, " line:0");
    if (!vtt_take(r, "\n"))
        return "behind a cue's times stands something unknown";
    do {
        if (!vtt_take_line(r))
            return "a cue's text is empty or holds what is not written there";
    } while (r->at < r->end && *r->at != '\n');
    *last = from;
    return NULL;
}

int vtt_check(struct bytes file, uint32_t *ret_cues, const char **why)
{
    struct vtt_reader r = { file.data, (const char *)file.data + file.len };
    int64_t last = 0;
    size_t characters;

    *ret_cues = 0;
    *why = NULL;
    if (file.len > VTT_MOST || !wire_utf8(file.data, file.len, &characters))
        *why = "it is too long, or not UTF-8";
    else if (!vtt_take(&r, vtt_head))
        *why = "it does not begin as it should";
    while (!*why && r.at < r.end) {
        *why = vtt_take_cue(&r, &last);
        ++*ret_cues;
    }
    return *why ? -1 : 0;
}
