/* rules 48 to 53: I-frame playlists, text, keys. */
#include <math.h>
#include <string.h>

#include "ops/validate/rules.h"

#define EACH_KIND(s, c, wanted) \
    EACH_STREAM(s, (c)->p)      \
    if ((s)->kind == (wanted) && !(s)->representation && (s)->playlist.text.len)

static void check_iframe_part(struct check *c, const struct stream *s, const struct part *part)
{
    const struct segment *seg = &part->object->segment;

    CHECK(c, part->init, s->shown, part->line, NULL, "no EXT-X-MAP applies");
    if (!part->init || part->init->track.fault || part_is_sealed(part))
        return;
    CHECK(c, !seg->fault, s->shown, part->line, seg->fault_box, "the range: %s", seg->fault);
    if (!seg->fault && part->object->range.given)
        CHECK(c, seg->fragments_n == 1 && seg->fragments[0].offset == 0, s->shown, part->line, NULL,
              "the range does not begin with its one moof");
    if (part->object->range.given && part->init->range.given && strcmp(part->init->url, part->object->url) == 0)
        CHECK(c, part->object->range.from >= part->init->range.from + part->init->range.len, s->shown, part->line,
              NULL, "the range holds the init");
}

void check_iframe_playlist(struct check *c)
{
    const struct stream *video = package_video(c->p);
    double lasts = video ? stream_real(video) : -1;

    EACH_KIND(s, c, STREAM_IFRAMES)
    {
        CHECK(c, s->playlist.iframes_only, s->shown, 0, NULL, "EXT-X-I-FRAMES-ONLY is missing");
        EACH_PART(part, s)
        if (part->object)
            check_iframe_part(c, s, part);
        if (lasts >= 0 && s->playlist.ended)
            CHECK(c, fabs(stream_claimed(s) - lasts) < package_frame(c->p) + 1e-3, s->shown, 0, NULL,
                  "EXTINF adds up to %.3f s, and the pictures last %.3f s", stream_claimed(s), lasts);
    }
}

void check_iframe_pictures(struct check *c)
{
    EACH_KIND(s, c, STREAM_IFRAMES)
    EACH_PART(part, s)
    {
        const struct segment *seg = part->object ? &part->object->segment : NULL;

        if (!seg || seg->fault || !seg->fragments_n || !part->init)
            continue;
        CHECK(c, seg->fragments[0].starts_with_sync, s->shown, part->line, NULL, "its picture is no IDR");
        CHECK(c, seg->fragments[0].pictures_in_first == 1, s->shown, part->line, NULL,
              "its sample holds %u pictures", seg->fragments[0].pictures_in_first);
        if (part->object->range.given)
            CHECK(c, seg->fragments[0].first_end == seg->size, s->shown, part->line, NULL,
                  "the range has %llu bytes, and its picture ends at %llu", (unsigned long long)seg->size,
                  (unsigned long long)seg->fragments[0].first_end);
    }
}

/* ---- text */

static bool vtt_has(const struct vtt *v, const struct vtt_cue *cue, int64_t shift)
{
    for (size_t i = 0; i < v->cues_n; i++)
        if (v->cues[i].from + v->offset == cue->from + shift && v->cues[i].to + v->offset == cue->to + shift &&
            strcmp(v->cues[i].text, cue->text) == 0)
            return true;
    return false;
}

/* Cues that last into the next segment are in it too. */
static void check_cues(struct check *c, const struct part *part, const struct part *next, double end)
{
    const struct vtt *v = &part->object->vtt;

    for (size_t i = 0; i < v->cues_n; i++)
        if ((double)(v->cues[i].to + v->offset) > end * 1000 + 1)
            CHECK(c, vtt_has(&next->object->vtt, &v->cues[i], v->offset), next->object->shown, 0, NULL,
                  "a cue of %s that lasts until %.3f s is not in it", part->object->shown,
                  (double)(v->cues[i].to + v->offset) / 1000);
}

static double first_start(const struct package *p)
{
    const struct stream *video = package_video(p);

    if (!video || !part_is_read(&video->parts[0]))
        return 0;
    return (double)video->parts[0].object->segment.earliest / video->parts[0].init->track.timescale;
}

void check_webvtt(struct check *c)
{
    const struct stream *video = package_video(c->p);
    double lasts = video ? stream_claimed(video) : 0;

    EACH_KIND(s, c, STREAM_TEXT)
    {
        double end = first_start(c->p);

        for (size_t i = 0; i < s->parts_n; i++) {
            const struct part *part = &s->parts[i];
            const struct object *x = part->object, *next = i + 1 < s->parts_n ? part[1].object : NULL;

            end += part->claimed;
            if (!x || x->kind != OBJECT_VTT || (x->status != 200 && x->status != 206))
                continue;
            CHECK(c, !x->vtt.fault, x->shown, x->vtt.fault_line, NULL, "%s", x->vtt.fault);
            CHECK(c, x->vtt.has_map, x->shown, 0, NULL, "no X-TIMESTAMP-MAP");
            if (next && next->kind == OBJECT_VTT)
                check_cues(c, part, &part[1], end);
        }
        if (s->playlist.ended && lasts > 0)
            CHECK(c, stream_claimed(s) >= lasts - 1, s->shown, 0, NULL, "it ends at %.1f s, the film at %.1f s",
                  stream_claimed(s), lasts);
    }
}

/* Every cue of the forced track is in a regular one of the same language. */
static bool forced_is_covered(const struct check *c, const struct tag *forced)
{
    const struct stream *own = package_stream(c->p, tag_attribute(forced, "URI"));

    EACH_TAG(tag, &c->p->master)
    {
        const struct stream *s;
        bool all = true;

        if (tag->kind != TAG_MEDIA || !tag_is(tag, "TYPE", "SUBTITLES") || tag_is(tag, "FORCED", "YES") ||
            strcmp(tag_text(tag, "LANGUAGE"), tag_text(forced, "LANGUAGE")) != 0)
            continue;
        s = package_stream(c->p, tag_attribute(tag, "URI"));
        for (size_t i = 0; own && s && i < own->parts_n; i++)
            for (size_t k = 0; own->parts[i].object && k < own->parts[i].object->vtt.cues_n; k++) {
                bool found = false;

                EACH_PART(part, s)
                found |= part->object && vtt_has(&part->object->vtt, &own->parts[i].object->vtt.cues[k],
                                                 own->parts[i].object->vtt.offset);
                all &= found;
            }
        if (all)
            return true;
    }
    return false;
}

void check_text_kinds(struct check *c)
{
    EACH_TAG(tag, &c->p->master)
    {
        const char *kinds = tag_text(tag, "CHARACTERISTICS");

        if (tag->kind != TAG_MEDIA || !tag_is(tag, "TYPE", "SUBTITLES"))
            continue;
        if (strstr(kinds, "public.accessibility"))
            CHECK(c, tag_is(tag, "AUTOSELECT", "YES"), c->p->first->shown, tag->line, NULL,
                  "text for the deaf without AUTOSELECT=YES");
        if (tag_is(tag, "FORCED", "YES"))
            CHECK(c, forced_is_covered(c, tag), c->p->first->shown, tag->line, NULL,
                  "no regular track of its language has all of its cues");
    }
}

/* ---- keys */

static void check_key(struct check *c, const char *file, const struct tag *tag)
{
    const char *method = tag_text(tag, "METHOD");

    CHECK(c, *method, file, tag->line, NULL, "METHOD is missing");
    CHECK(c, strcmp(method, "SAMPLE-AES-CTR") != 0, file, tag->line, NULL, "METHOD is SAMPLE-AES-CTR");
    if (strcmp(method, "NONE") == 0)
        CHECK(c, tag->kind == TAG_KEY && tag->attributes_n == 1, file, tag->line, NULL,
              "METHOD=NONE with other attributes");
    else
        CHECK(c, tag_attribute(tag, "URI"), file, tag->line, NULL, "URI is missing");
}

static void check_sample_encryption(struct check *c, const struct stream *s, const struct part *part)
{
    const struct track *t = part->init && !part->init->track.fault ? &part->init->track : NULL;
    bool sampled = part->entry && part->entry->key && tag_is(part->entry->key, "METHOD", "SAMPLE-AES");

    if (!t || (!t->encrypted && !sampled))
        return;
    CHECK(c, !sampled || strcmp(t->scheme, "cbcs") == 0, part->init->shown, 0, "stsd/sinf/schm",
          "the scheme is \"%s\"", t->scheme);
    if (t->kind == TRACK_VIDEO && strcmp(t->scheme, "cbcs") == 0)
        CHECK(c, t->crypt_blocks == 1 && t->skip_blocks == 9, part->init->shown, 0, "stsd/sinf/schi/tenc",
              "the pattern is %u:%u", t->crypt_blocks, t->skip_blocks);
    (void)s;
}

void check_keys(struct check *c)
{
    EACH_LIST(l, c->p)
    EACH_TAG(tag, l->playlist)
    if (tag->kind == TAG_KEY || tag->kind == TAG_SESSION_KEY)
        check_key(c, l->file, tag);
    EACH_STREAM(s, c->p)
    {
        const struct object *last = NULL;

        EACH_PART(part, s)
        {
            /* A map is encrypted by the key that stands before it. */
            if (part->entry && part->entry->map && part->entry->key &&
                part->entry->key->line < part->entry->map->line && tag_is(part->entry->key, "METHOD", "AES-128") &&
                part->init != last)
                CHECK(c, tag_attribute(part->entry->key, "IV"), s->shown, part->entry->key->line, NULL,
                      "AES-128 applies to EXT-X-MAP, and has no IV");
            if (part->init != last)
                check_sample_encryption(c, s, part);
            last = part->init;
        }
    }
}

void check_sealed_iframes(struct check *c)
{
    EACH_KIND(s, c, STREAM_IFRAMES)
    EACH_PART(part, s)
    CHECK(c, !part_is_sealed(part) || !part->entry->range.given, s->shown, part->line, NULL,
          "a range of a segment that AES-128 encrypts as a whole");
}
