/* rules 22 to 24 and 29 to 33: variants of the multivariant playlist. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/validate/rules.h"

#define EACH_IFRAMES(tag, c) EACH_TAG(tag, &(c)->p->master) if ((tag)->kind == TAG_IFRAME_STREAM_INF)

static const char *master_file(const struct check *c)
{
    return c->p->first->shown;
}

static uint64_t variant_number(const struct tag *tag, const char *name)
{
    uint64_t number = 0;

    (void)text_number(tag_text(tag, name), &number);
    return number;
}

static bool variant_size(const struct tag *tag, unsigned *ret_width, unsigned *ret_height)
{
    return sscanf(tag_text(tag, "RESOLUTION"), "%9ux%9u", ret_width, ret_height) == 2;
}

void check_variant_attributes(struct check *c)
{
    static const struct {
        const char *name;
        bool pictures;
    } wanted[] = { { "BANDWIDTH", false },
                   { "CODECS", false },
                   { "AVERAGE-BANDWIDTH", true },
                   { "RESOLUTION", true },
                   { "FRAME-RATE", true } };

    EACH_VARIANT(tag, c)
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        if (!wanted[i].pictures || tag_is_video(c->p, tag))
            CHECK(c, tag_attribute(tag, wanted[i].name), master_file(c), tag->line, NULL, "%s is missing",
                  wanted[i].name);
}

void check_iframe_attributes(struct check *c)
{
    static const char *const wanted[] = { "BANDWIDTH", "URI", "CODECS", "RESOLUTION" };
    static const char *const unwanted[] = { "FRAME-RATE", "AUDIO", "SUBTITLES", "CLOSED-CAPTIONS" };

    EACH_IFRAMES(tag, c)
    for (size_t i = 0; i < 4; i++) {
        CHECK(c, tag_attribute(tag, wanted[i]), master_file(c), tag->line, NULL, "%s is missing", wanted[i]);
        CHECK(c, !tag_attribute(tag, unwanted[i]), master_file(c), tag->line, NULL, "%s must not be here",
              unwanted[i]);
    }
}

/* Pictures of the presentation are whole: some variant's playlist is a VOD. */
static bool master_is_vod(const struct check *c)
{
    EACH_VARIANT(tag, c)
    {
        const struct stream *s = package_stream(c->p, tag->uri);

        if (s && stream_is_vod(s) && tag_is_video(c->p, tag))
            return true;
    }
    return false;
}

void check_iframe_there(struct check *c)
{
    if (master_is_vod(c))
        CHECK(c, playlist_count(&c->p->master, TAG_IFRAME_STREAM_INF), master_file(c), 0, NULL,
              "no EXT-X-I-FRAME-STREAM-INF");
}

/* Where there are pictures of one size alone, one I-frame playlist is all that can be. */
void check_iframe_rates(struct check *c)
{
    size_t n = playlist_count(&c->p->master, TAG_IFRAME_STREAM_INF);

    if (n && playlist_count(&c->p->master, TAG_STREAM_INF) > 1)
        CHECK(c, n > 1, master_file(c), playlist_find(&c->p->master, TAG_IFRAME_STREAM_INF)->line, NULL,
              "a single I-frame playlist");
}

void check_two_rates(struct check *c)
{
    uint64_t first = 0;
    bool two = false, any = false;

    EACH_VARIANT(tag, c)
    {
        if (!tag_is_video(c->p, tag))
            continue;
        two |= any && variant_number(tag, "BANDWIDTH") != first;
        first = any ? first : variant_number(tag, "BANDWIDTH");
        any = true;
    }
    if (any && master_is_vod(c))
        CHECK(c, two, master_file(c), 0, NULL, "all variants have the same BANDWIDTH");
}

void check_two_at_top(struct check *c)
{
    unsigned width, height, top = 0, n = 0;

    EACH_VARIANT(tag, c)
    {
        unsigned short_side;

        if (!variant_size(tag, &width, &height))
            continue;
        short_side = width < height ? width : height;
        n = short_side > top ? 1 : n + (short_side == top);
        top = short_side > top ? short_side : top;
    }
    if (top >= 720)
        CHECK(c, n > 1, master_file(c), 0, NULL, "one variant of %u lines", top);
}

static double variant_distance(const struct tag *tag)
{
    uint64_t rate = variant_number(tag,
                                   tag_attribute(tag, "AVERAGE-BANDWIDTH") ? "AVERAGE-BANDWIDTH" : "BANDWIDTH");

    return fabs((double)rate - 2000000);
}

void check_first_rate(struct check *c)
{
    const struct tag *first = NULL;
    double nearest = INFINITY;

    EACH_VARIANT(tag, c)
    {
        if (!tag_is_video(c->p, tag))
            continue;
        first = first ? first : tag;
        nearest = fmin(nearest, variant_distance(tag));
    }
    if (first) /* two that are about as far away may stand in either order */
        CHECK(c, variant_distance(first) <= nearest + 200000, master_file(c), first->line, NULL,
              "another variant is nearer to 2000 kb/s by %.0f kb/s", (variant_distance(first) - nearest) / 1000);
}

void check_cellular(struct check *c)
{
    uint64_t least = UINT64_MAX;

    EACH_VARIANT(tag, c)
    least = variant_number(tag, "BANDWIDTH") < least ? variant_number(tag, "BANDWIDTH") : least;
    if (least != UINT64_MAX)
        CHECK(c, least <= 192000, master_file(c), 0, NULL, "the smallest BANDWIDTH is %llu",
              (unsigned long long)least);
}

void check_sound_alone(struct check *c)
{
    bool pictures = false;

    EACH_VARIANT(tag, c)
    pictures |= tag_is_video(c->p, tag);
    EACH_VARIANT(tag, c)
    CHECK(c, !pictures || tag_is_video(c->p, tag), master_file(c), tag->line, NULL, "a variant of sound alone");
}

void check_independent_in_master(struct check *c)
{
    if (c->p->has_master)
        CHECK(c, playlist_find(&c->p->master, TAG_INDEPENDENT), master_file(c), 0, NULL,
              "no EXT-X-INDEPENDENT-SEGMENTS");
}

void check_independent(struct check *c)
{
    bool told = playlist_find(&c->p->master, TAG_INDEPENDENT);

    EACH_STREAM(s, c->p)
    if (c->p->has_master && s->kind == STREAM_VIDEO && !s->representation && s->playlist.text.len)
        CHECK(c, told || playlist_find(&s->playlist, TAG_INDEPENDENT), s->shown, 0, NULL,
              "no EXT-X-INDEPENDENT-SEGMENTS here or in the multivariant playlist");
}

/* Pictures a second, from the samples; 0 when they could not be read. */
static double stream_fps(const struct stream *s)
{
    double seconds = stream_real(s), samples = 0;

    if (seconds <= 0)
        return 0;
    EACH_PART(part, s)
    for (size_t i = 0; i < part->object->segment.fragments_n; i++)
        samples += part->object->segment.fragments[i].samples;
    return samples / seconds;
}

void check_resolution(struct check *c)
{
    EACH_TAG(tag, &c->p->master)
    {
        const char *uri = tag->kind == TAG_STREAM_INF ? tag->uri : tag_attribute(tag, "URI");
        bool variant = tag->kind == TAG_STREAM_INF;
        const struct stream *s = variant || tag->kind == TAG_IFRAME_STREAM_INF ? package_stream(c->p, uri) : NULL;
        unsigned width, height;
        double fps, told;

        if (!s || !s->track || s->track->kind != TRACK_VIDEO)
            continue;
        if (variant_size(tag, &width, &height)) {
            CHECK(c, width == s->track->width && height == s->track->height, master_file(c), tag->line, NULL,
                  "RESOLUTION=%ux%u, and the sample entry of %s says %ux%u", width, height, s->shown,
                  s->track->width, s->track->height);
            if (s->track->coded_width)
                CHECK(c, width == s->track->coded_width && height == s->track->coded_height, master_file(c),
                      tag->line, NULL, "RESOLUTION=%ux%u, and the parameter set of %s says %ux%u", width, height,
                      s->shown, s->track->coded_width, s->track->coded_height);
        }
        fps = variant ? stream_fps(s) : 0;
        if (fps > 0 && text_decimal(tag_text(tag, "FRAME-RATE"), &told))
            CHECK(c, fabs(told - fps) < 0.001, master_file(c), tag->line, NULL,
                  "FRAME-RATE=%s, and the pictures of %s have %.3f", tag_text(tag, "FRAME-RATE"), s->shown, fps);
    }
}

/* Even sizes cannot keep a ratio exactly: two pixels are let pass. */
void check_aspect(struct check *c)
{
    unsigned width, height, w, h;
    const struct tag *first = NULL;

    EACH_TAG(tag, &c->p->master)
    {
        if (tag->kind != TAG_STREAM_INF || !variant_size(tag, &w, &h) || !h)
            continue;
        if (!first) {
            first = tag;
            width = w;
            height = h;
        }
        CHECK(c, height && fabs(w - (double)h * width / height) <= 2.0 * fmax(1, (double)w / width),
              master_file(c), tag->line, NULL, "%ux%u has another shape than %ux%u", w, h, width, height);
    }
}

static const char *range_of(const struct track *t)
{
    unsigned transfer = t->colour.told ? t->colour.transfer : t->vui.told ? t->vui.transfer : 1;

    return transfer == 16 ? "PQ" : transfer == 18 ? "HLG" : "SDR";
}

void check_video_range(struct check *c)
{
    bool all_sdr = true;

    EACH_STREAM(s, c->p)
    if (s->track && s->track->kind == TRACK_VIDEO)
        all_sdr &= strcmp(range_of(s->track), "SDR") == 0;
    EACH_TAG(tag, &c->p->master)
    {
        const char *told = tag_attribute(tag, "VIDEO-RANGE");
        const struct stream *s = tag->kind == TAG_STREAM_INF ? package_stream(c->p, tag->uri)
                                 : tag->kind == TAG_IFRAME_STREAM_INF
                                     ? package_stream(c->p, tag_attribute(tag, "URI"))
                                     : NULL;

        if (s && s->track && s->track->kind == TRACK_VIDEO)
            CHECK(c, told ? strcmp(told, range_of(s->track)) == 0 : all_sdr, master_file(c), tag->line, NULL,
                  "VIDEO-RANGE is %s, and the pictures are %s", told ? told : "missing", range_of(s->track));
    }
}
