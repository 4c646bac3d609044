/* rules 59 and 60: the MPD, by itself and against the HLS playlists. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ops/validate/mpd.h"
#include "ops/validate/rules.h"

#define EACH_REPRESENTATION(s, c) EACH_STREAM(s, (c)->p) if ((s)->representation)

static bool is_media(const struct stream *s)
{
    return s->kind == STREAM_VIDEO || s->kind == STREAM_AUDIO;
}

static const char *own(const struct stream *s, const char *name)
{
    const char *value = mpd_inherited(s, name);

    return value ? value : "";
}

static void check_mpd_root(struct check *c)
{
    const struct xml_element *mpd = c->p->mpd;
    const char *file = c->p->mpd_shown, *profiles = xml_attribute(mpd, "profiles"),
               *type = xml_attribute(mpd, "type");
    const struct xml_element *period = xml_child(mpd, "Period", NULL);

    CHECK(c, strcmp(mpd->name, "MPD") == 0 && strcmp(mpd->space, "urn:mpeg:dash:schema:mpd:2011") == 0, file,
          mpd->line, mpd->name, "it is no MPD of urn:mpeg:dash:schema:mpd:2011");
    CHECK(c, profiles && strstr(profiles, "urn:mpeg:dash:profile:isoff-live:2011"), file, mpd->line, "MPD",
          "profiles is \"%s\"", profiles ? profiles : "");
    CHECK(c, !type || strcmp(type, "static") == 0, file, mpd->line, "MPD", "type is \"%s\"", type);
    CHECK(c, c->p->mpd_duration > 0, file, mpd->line, "MPD", "mediaPresentationDuration is no duration");
    CHECK(c, mpd_duration(xml_attribute(mpd, "minBufferTime")) > 0, file, mpd->line, "MPD",
          "minBufferTime is no duration");
    CHECK(c, period && !xml_child(mpd, "Period", period), file, mpd->line, "MPD", "not exactly one Period");
}

static bool is_true(const char *text)
{
    return strcmp(text, "true") == 0 || strtoul(text, NULL, 10) > 0;
}

static void check_mpd_set(struct check *c, const struct stream *s)
{
    const char *file = c->p->mpd_shown, *media;
    unsigned line = s->representation->line;

    CHECK(c, is_true(own(s, "segmentAlignment")), file, s->set->line, "AdaptationSet",
          "segmentAlignment is not true");
    CHECK(c, strcmp(own(s, "startWithSAP"), "1") == 0, file, s->set->line, "AdaptationSet",
          "startWithSAP is not 1");
    CHECK(c, s->template, file, line, "Representation", "no SegmentTemplate");
    if (!s->template)
        return;
    media = xml_attribute(s->template, "media");
    CHECK(c, media && strstr(media, "$Number"), file, s->template->line, "SegmentTemplate",
          "media has no $Number$");
    CHECK(c, xml_child(s->template, "SegmentTimeline", NULL), file, s->template->line, "SegmentTemplate",
          "no SegmentTimeline");
    CHECK(c, s->parts_n, file, s->template->line, "SegmentTemplate", "it names no segments");
}

static void check_mpd_same(struct check *c, const struct stream *s)
{
    const char *file = c->p->mpd_shown, *id = own(s, "id");
    unsigned line = s->representation->line;

    CHECK(c, s->twin, file, line, "Representation", "no HLS playlist has the segments of \"%s\"", id);
    if (!s->twin)
        return;
    CHECK(c, s->twin->parts_n == s->parts_n, file, line, "Representation", "%zu segments, and %s has %zu",
          s->parts_n, s->twin->shown, s->twin->parts_n);
    for (size_t i = 0; i < s->parts_n && i < s->twin->parts_n; i++)
        CHECK(c, s->parts[i].object == s->twin->parts[i].object && s->parts[i].init == s->twin->parts[i].init,
              file, line, "Representation", "segment %zu of \"%s\" is not that of %s", i + 1, id, s->twin->shown);
}

static bool is_represented(const struct check *c, const struct stream *stream)
{
    EACH_REPRESENTATION(s, c)
    if (s->twin == stream)
        return true;
    return false;
}

void check_mpd(struct check *c)
{
    if (!c->p->mpd_object)
        return;
    CHECK(c, c->p->mpd, c->p->mpd_shown, c->p->mpd_fault_line, NULL, "%s", c->p->mpd_fault);
    if (!c->p->mpd)
        return;
    check_mpd_root(c);
    EACH_REPRESENTATION(s, c)
    {
        if (!is_media(s))
            continue;
        check_mpd_set(c, s);
        if (c->p->has_master)
            check_mpd_same(c, s);
    }
    EACH_STREAM(s, c->p)
    if (c->p->has_master && !s->representation && is_media(s))
        CHECK(c, is_represented(c, s), c->p->mpd_shown, 0, NULL, "no representation has the segments of %s",
              s->shown);
}

/* ---- values */

static void check_mpd_video(struct check *c, const struct stream *s)
{
    const char *file = c->p->mpd_shown;
    unsigned line = s->representation->line;
    const struct track *t = s->track;
    double frame = stream_frame(s), rate = mpd_rate(own(s, "frameRate"));

    CHECK(c, mpd_number(own(s, "width"), 0) == t->width && mpd_number(own(s, "height"), 0) == t->height, file,
          line, "Representation", "%sx%s, and the init says %ux%u", own(s, "width"), own(s, "height"), t->width,
          t->height);
    if (frame > 0)
        CHECK(c, fabs(rate - 1 / frame) < 0.001, file, line, "Representation",
              "frameRate is \"%s\", and the pictures have %.3f", own(s, "frameRate"), 1 / frame);
}

/* A client that holds minBufferTime at this rate never runs dry (5.3.5.4): each run of segments weighs no more than
 * what arrives until its last one must be there. */
static bool bandwidth_holds(const struct stream *s, double bandwidth, double buffer)
{
    double ahead = 0;

    EACH_PART(part, s)
    {
        double bits = part->object ? (double)part->object->size * 8 : 0;

        ahead = fmax(ahead, 0) + bits - part->claimed * bandwidth;
        if (ahead > buffer * bandwidth * 1.001)
            return false;
    }
    return true;
}

static void check_mpd_times(struct check *c, const struct stream *s)
{
    const char *file = c->p->mpd_shown, *id = own(s, "id");
    uint64_t shift = mpd_number(xml_attribute(s->template, "presentationTimeOffset"), 0);
    unsigned line = s->template->line;
    double frame = stream_frame(s);

    CHECK(c, s->timescale && fabs(stream_claimed(s) - c->p->mpd_duration) < 6, file, line, "SegmentTimeline",
          "S of \"%s\" adds up to %.3f s, and the presentation to %.3f s", id, stream_claimed(s),
          c->p->mpd_duration);
    EACH_PART(part, s)
    {
        double at, is;

        if (!part_is_read(part) || !s->timescale)
            continue;
        at = ((double)part->time - (double)shift) / (double)s->timescale;
        is = (double)part->object->segment.earliest / part->init->track.timescale -
             (double)shift / (double)s->timescale;
        CHECK(c, fabs(at - is) < 1e-3 + frame / 2, file, line, "SegmentTimeline",
              "%s begins at %.3f s, and S@t says %.3f s", part->object->shown, is, at);
    }
}

/* The presentation lasts as long as its longest representation. */
static void check_mpd_longest(struct check *c)
{
    double longest = 0;

    EACH_REPRESENTATION(s, c)
    longest = fmax(longest, stream_claimed(s));
    if (longest > 0)
        CHECK(c, fabs(longest - c->p->mpd_duration) < 0.05, c->p->mpd_shown, c->p->mpd->line, "MPD",
              "mediaPresentationDuration is %.3f s, and the longest representation %.3f s", c->p->mpd_duration,
              longest);
}

void check_mpd_values(struct check *c)
{
    double buffer = c->p->mpd ? mpd_duration(xml_attribute(c->p->mpd, "minBufferTime")) : 0;

    if (c->p->mpd)
        check_mpd_longest(c);
    EACH_REPRESENTATION(s, c)
    {
        const char *file = c->p->mpd_shown;
        unsigned line = s->representation->line;
        double bandwidth = (double)mpd_number(own(s, "bandwidth"), 0);

        if (!is_media(s) || !s->template)
            continue;
        CHECK(c, bandwidth > 0 && bandwidth_holds(s, bandwidth, buffer), file, line, "Representation",
              "bandwidth \"%s\" does not carry \"%s\" with minBufferTime %.1f s", own(s, "bandwidth"),
              own(s, "id"), buffer);
        check_mpd_times(c, s);
        if (!s->track)
            continue;
        if (s->track->name[0])
            CHECK(c, strcasecmp(own(s, "codecs"), s->track->name) == 0, file, line, "Representation",
                  "codecs is \"%s\", and the init says %s", own(s, "codecs"), s->track->name);
        if (s->track->kind == TRACK_VIDEO)
            check_mpd_video(c, s);
        else if (s->track->kind == TRACK_AUDIO)
            CHECK(c, mpd_number(own(s, "audioSamplingRate"), 0) == s->track->rate, file, line, "Representation",
                  "audioSamplingRate is \"%s\", and the init says %u", own(s, "audioSamplingRate"),
                  s->track->rate);
    }
}

static const struct xml_element *property(const struct xml_element *at, const char *name, const char *scheme)
{
    for (const struct xml_element *e = xml_child(at, name, NULL); e; e = xml_child(at, name, e)) {
        const char *is = xml_attribute(e, "schemeIdUri");

        if (is && strcmp(is, scheme) == 0)
            return e;
    }
    return NULL;
}

static void check_mpd_thumbnails(struct check *c, const struct stream *s)
{
    const char *scheme = "http://dashif.org/guidelines/thumbnail_tile";
    const struct xml_element *tile = property(s->representation, "EssentialProperty", scheme);
    const char *value;

    tile = tile ? tile : property(s->set, "EssentialProperty", scheme);
    value = tile ? xml_attribute(tile, "value") : NULL;
    CHECK(c, value && strchr(value, 'x'), c->p->mpd_shown, s->representation->line, "Representation",
          "thumbnails without EssentialProperty thumbnail_tile");
}

void check_mpd_labels(struct check *c)
{
    EACH_REPRESENTATION(s, c)
    {
        const struct xml_element *trick = property(s->set, "EssentialProperty",
                                                   "http://dashif.org/guidelines/trickmode");

        if (strncmp(own(s, "mimeType"), "image/", 6) == 0)
            check_mpd_thumbnails(c, s);
        if (s->kind == STREAM_AUDIO) {
            CHECK(c, *own(s, "lang"), c->p->mpd_shown, s->set->line, "AdaptationSet", "lang is missing");
            CHECK(c, xml_child(s->set, "Role", NULL), c->p->mpd_shown, s->set->line, "AdaptationSet",
                  "Role is missing");
            CHECK(c, xml_child(s->set, "Label", NULL), c->p->mpd_shown, s->set->line, "AdaptationSet",
                  "Label is missing");
        }
        /* A set without sound whose pictures are all IDRs, and which nothing says is for trick play, would be chosen. */
        if (s->kind == STREAM_VIDEO && s->set && mpd_number(own(s, "maxPlayoutRate"), 0) > 1)
            CHECK(c, trick, c->p->mpd_shown, s->set->line, "AdaptationSet",
                  "for trick play, and selectable as a normal one");
    }
}
