#include "ops/validate/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/validate/limits.h"

void check_all(const struct package *p, struct check *checks)
{
    for (size_t i = 0; i < rules_n; i++) {
        checks[i] = (struct check) { .p = p, .rule = &rules[i] };
        checks[i].findings = arena_alloc_n(p->arena, FINDINGS_SHOWN, sizeof(struct finding));
        rules[i].check(&checks[i]);
    }
}

void check_looked(struct check *c)
{
    c->looked++;
}

void check_broken(struct check *c, const char *file, unsigned line, const char *box, const char *format, ...)
{
    struct arena *arena = c->p->arena;
    struct finding *f;
    va_list args;

    if (c->broken++ >= FINDINGS_SHOWN)
        return;
    f = &c->findings[c->findings_n++];
    f->place = line ? arena_printf(arena, "%s:%u", file, line) : file;
    if (box && *box)
        f->place = arena_printf(arena, "%s %s", f->place, box);
    va_start(args, format);
    f->what = arena_vprintf(arena, format, args);
    va_end(args);
}

bool part_is_read(const struct part *part)
{
    return part->object && part->init && !part->init->track.fault && !part->object->segment.fault &&
           part->object->segment.fragments_n;
}

double stream_frame(const struct stream *s)
{
    EACH_PART(part, s)
    if (part_is_read(part) && part->object->segment.longest)
        return (double)part->object->segment.longest / part->init->track.timescale;
    return 0;
}

const struct stream *package_video(const struct package *p)
{
    EACH_STREAM(s, p)
    if (stream_counts(s) && s->track && s->track->kind == TRACK_VIDEO)
        return s;
    return NULL;
}

double package_frame(const struct package *p)
{
    const struct stream *video = package_video(p);

    return video ? stream_frame(video) : 0;
}

bool tag_is_video(const struct package *p, const struct tag *variant)
{
    const struct stream *s = package_stream(p, variant->uri);

    return tag_attribute(variant, "RESOLUTION") || (s && s->track && s->track->kind == TRACK_VIDEO) ||
           strstr(tag_text(variant, "CODECS"), "avc") || strstr(tag_text(variant, "CODECS"), "hvc") ||
           strstr(tag_text(variant, "CODECS"), "av01");
}

bool stream_is_live(const struct stream *s)
{
    return s->playlist.media && !*s->playlist.type && !s->playlist.ended;
}
