#include "actors/transcode/worker/cue.h"

#include <libavutil/avstring.h>
#include <stdlib.h>
#include <string.h>

enum { CUE_FIELDS = 8 }; /* before the text of an event */
enum { CUE_BOLD = 1, CUE_ITALIC = 2, CUE_UNDERLINE = 4, CUE_STYLES = 3 };

struct cue {
    struct buf *out;
    size_t begin;
    unsigned want, have; /* styles */
    bool in_line, line_due, drawing, top;
};

static void cue_tag(struct cue *c, unsigned style, bool closing)
{
    char tag[] = { '<', '/', "biu"[style], '>' };

    if (closing)
        buf_put(c->out, tag, 4);
    else
        buf_printf(c->out, "<%c>", tag[2]);
}

/* Tags nest: those that are open are closed, then those that are wanted are opened. */
static void cue_style(struct cue *c, unsigned want)
{
    if (want == c->have)
        return;
    for (unsigned i = CUE_STYLES; i-- > 0;)
        if (c->have >> i & 1)
            cue_tag(c, i, true);
    for (unsigned i = 0; i < CUE_STYLES; i++)
        if (want >> i & 1)
            cue_tag(c, i, false);
    c->have = want;
}

static void cue_put(struct cue *c, const char *bytes, size_t len)
{
    if (c->drawing || c->out->len - c->begin + len > CUE_TEXT_MOST)
        return;
    if (*bytes == ' ' && !c->in_line)
        return;
    if (c->line_due) {
        cue_style(c, 0);
        buf_put_text(c->out, "\n");
    }
    cue_style(c, c->want);
    switch (*bytes) {
    case '<': buf_put_text(c->out, "&lt;"); break;
    case '>': buf_put_text(c->out, "&gt;"); break;
    case '&': buf_put_text(c->out, "&amp;"); break;
    default: buf_put(c->out, bytes, len);
    }
    c->in_line = true;
    c->line_due = false;
}

static void cue_end_line(struct cue *c)
{
    c->line_due = c->out->len > c->begin;
    c->in_line = false;
}

/* One override, what stands behind its backslash: b1, i0, an8, p1, r. */
static void cue_override(struct cue *c, const char *at)
{
    static const char styles[] = "biu";
    const char *style = strchr(styles, *at);
    bool number = at[1] >= '0' && at[1] <= '9';
    unsigned value = number ? (unsigned)strtoul(at + 1, NULL, 10) : 0;

    if (*at && style && number)
        c->want = (c->want & ~(1u << (style - styles))) | (unsigned)(value != 0) << (style - styles);
    else if (*at == 'p' && number)
        c->drawing = value != 0;
    else if (*at == 'r')
        c->want = 0;
    else if (strncmp(at, "an", 2) == 0)
        c->top = at[2] >= '7' && at[2] <= '9';
}

/* A block of overrides; answers where it ends. One that does not is a brace like any other letter. */
static const char *cue_block(struct cue *c, const char *at)
{
    const char *end = strchr(at, '}');

    if (!end)
        return NULL;
    for (at++; at < end; at++)
        if (*at == '\\')
            cue_override(c, at + 1);
    return end + 1;
}

/* A letter; what is malformed or a control is passed over. */
static const char *cue_letter(struct cue *c, const char *at)
{
    const uint8_t *next = (const uint8_t *)at;
    int32_t code = 0;
    int r = av_utf8_decode(&code, &next, next + strlen(at), 0);

    if ((const char *)next == at)
        next++;
    if (code == '\n' || code == '\r')
        cue_end_line(c);
    else if (r >= 0 && code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code != 0xfeff)
        cue_put(c, at, (size_t)((const char *)next - at));
    return (const char *)next;
}

void cue_text(const char *event, struct buf *out, bool *ret_top)
{
    struct cue c = { .out = out, .begin = out->len };
    const char *at = event;

    for (unsigned i = 0; i < CUE_FIELDS && at; i++) {
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    while (at && *at) {
        const char *next = *at == '{' ? cue_block(&c, at) : NULL;

        if (next) {
            at = next;
        } else if (*at == '\\' && (at[1] == 'N' || at[1] == 'n')) {
            cue_end_line(&c);
            at += 2;
        } else if (*at == '\\' && at[1] == 'h') {
            cue_put(&c, "\xc2\xa0", 2);
            at += 2;
        } else {
            at = cue_letter(&c, at);
        }
    }
    cue_style(&c, 0);
    *ret_top = c.top;
}
