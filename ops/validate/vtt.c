#include "ops/validate/vtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/validate/limits.h"

/* [h:]mm:ss.ttt; answers what follows, or NULL. */
static const char *vtt_time(const char *text, int64_t *ret)
{
    int64_t parts[3] = { 0 };
    unsigned n = 0;
    size_t digits;

    for (;;) {
        digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 9 || n == 3)
            return NULL;
        parts[n++] = strtoll(text, NULL, 10);
        text += digits;
        if (*text != ':')
            break;
        text++;
    }
    if (n < 2 || *text != '.' || strspn(text + 1, "0123456789") != 3 || parts[n - 1] > 59 ||
        parts[n - 2] > (n == 3 ? 59 : 99))
        return NULL;
    *ret = ((n == 3 ? parts[0] * 3600 : 0) + parts[n - 2] * 60 + parts[n - 1]) * 1000 +
           strtoll(text + 1, NULL, 10);
    return text + 4;
}

static void vtt_fault(struct vtt *v, unsigned line, const char *why)
{
    if (!v->fault) {
        v->fault = why;
        v->fault_line = line;
    }
}

/* X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000, in either order. */
static void vtt_map(struct vtt *v, unsigned line, const char *text)
{
    const char *local = strstr(text, "LOCAL:"), *ts = strstr(text, "MPEGTS:");
    int64_t at;

    if (!local || !ts || !vtt_time(local + 6, &at) || strspn(ts + 7, "0123456789") == 0)
        return vtt_fault(v, line, "X-TIMESTAMP-MAP has no LOCAL and MPEGTS");
    v->has_map = true;
    v->offset = strtoll(ts + 7, NULL, 10) / 90 - at;
}

static bool vtt_cue(const char *line, struct vtt_cue *ret)
{
    const char *at = vtt_time(line, &ret->from);

    if (!at || *at != ' ')
        return false;
    at += strspn(at, " \t");
    if (strncmp(at, "-->", 3) != 0)
        return false;
    at += 3;
    return vtt_time(at + strspn(at, " \t"), &ret->to) != NULL;
}

void vtt_parse(struct arena *arena, struct bytes text, struct vtt *ret)
{
    char *copy = arena_strndup(arena, text.len ? text.data : "", text.len), *rest = copy, *line;
    struct vtt_cue *cues = NULL, *open = NULL;
    size_t most = 0;
    unsigned number = 0;

    *ret = (struct vtt) { 0 };
    if (strncmp(rest, "\xef\xbb\xbf", 3) == 0)
        rest += 3;
    for (const char *at = strstr(rest, "-->"); at; at = strstr(at + 3, "-->"))
        most++;
    most = most < CUES_MOST ? most : CUES_MOST;
    cues = arena_alloc_n(arena, most ? most : 1, sizeof(*cues));
    while ((line = strsep(&rest, "\n"))) {
        number++;
        line[strcspn(line, "\r")] = 0;
        if (number == 1 && (strncmp(line, "WEBVTT", 6) != 0 || (line[6] && line[6] != ' ' && line[6] != '\t')))
            return vtt_fault(ret, 1, "it does not begin with WEBVTT");
        if (strncmp(line, "X-TIMESTAMP-MAP=", 16) == 0 && !ret->cues_n)
            vtt_map(ret, number, line + 16);
        else if (strstr(line, "-->")) {
            if (ret->cues_n == most || !vtt_cue(line, &cues[ret->cues_n]) ||
                cues[ret->cues_n].to < cues[ret->cues_n].from) {
                vtt_fault(ret, number, "a cue without proper times");
                continue;
            }
            open = &cues[ret->cues_n++];
            open->text = "";
        } else if (open) {
            open->text = line;
            open = NULL;
        }
    }
    ret->cues = cues;
}
