/* rules 7 to 14 and 17 to 21: media playlists, alone and beside each other. */
#include <math.h>
#include <string.h>

#include "ops/validate/rules.h"

#define EACH_MEDIA(s, c) EACH_STREAM(s, (c)->p) if (!(s)->representation && (s)->playlist.text.len)

static bool is_sound_or_pictures(const struct stream *s)
{
    return s->kind == STREAM_VIDEO || s->kind == STREAM_AUDIO;
}

void check_target(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        const struct tag *tag = playlist_find(&s->playlist, TAG_TARGETDURATION);

        CHECK(c, s->playlist.target >= 1, s->shown, tag ? tag->line : 0, NULL, "%s",
              tag ? "it is no whole number from 1 up" : "EXT-X-TARGETDURATION is missing");
        if (s->has_later)
            CHECK(c, s->later.target == s->playlist.target, s->shown, 0, NULL, "it was %u, and %.1f s later %u",
                  s->playlist.target, s->later_after, s->later.target);
    }
}

void check_extinf(struct check *c)
{
    EACH_MEDIA(s, c)
    EACH_PART(part, s)
    CHECK(c, floor(part->claimed + 0.5) <= s->playlist.target && part->claimed <= s->playlist.target + 0.5,
          s->shown, part->line, NULL, "EXTINF %s with a target duration of %u", part->duration_text,
          s->playlist.target);
}

/* Most: more than half of those before the last. Films shorter than a segment have none that counts. */
void check_six_seconds(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        size_t near = 0;

        if (!is_sound_or_pictures(s))
            continue;
        CHECK(c, s->playlist.target == 6, s->shown, 0, NULL, "the target duration is %u", s->playlist.target);
        EACH_PART(part, s)
        near += fabs(part->claimed - 6) < 0.5;
        if (stream_claimed(s) > 60)
            CHECK(c, near * 2 > s->parts_n, s->shown, 0, NULL, "%zu of %zu segments last about 6 s", near,
                  s->parts_n);
    }
}

void check_same_target(struct check *c)
{
    const struct stream *first = NULL;

    EACH_MEDIA(s, c)
    {
        if (!is_sound_or_pictures(s) && s->playlist.ended && stream_is_vod(s))
            continue;
        if (!first)
            first = s;
        CHECK(c, s->playlist.target == first->playlist.target, s->shown, 0, NULL, "%u here, %u in %s",
              s->playlist.target, first->playlist.target, first->shown);
    }
}

/* The error of a run from i to j is the difference of two sums, so that the extremes of the sums bound all runs. */
void check_extinf_true(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        double most = package_frame(c->p), sum = 0, low = 0, high = 0;

        if (!stream_counts(s) || stream_real(s) < 0)
            continue;
        most = most > 0 ? most : stream_frame(s);
        check_looked(c);
        EACH_PART(part, s)
        {
            double real = (double)part->object->segment.duration / part->init->track.timescale;

            sum += part->claimed - real;
            low = sum < low ? sum : low;
            high = sum > high ? sum : high;
            if (high - low >= most) {
                check_broken(c, s->shown, part->line, NULL,
                             "up to here EXTINF adds up to %.1f ms %s than the samples", fabs(sum) * 1000,
                             sum > 0 ? "more" : "less");
                break;
            }
        }
    }
}

/* closely: within a sample of each; else within a target duration. */
static void check_durations(struct check *c, bool closely)
{
    const struct stream *video = package_video(c->p);
    double lasts = video ? stream_real(video) : -1;

    EACH_STREAM(s, c->p)
    {
        double own = stream_counts(s) ? stream_real(s) : -1, most;

        if (own < 0 || lasts < 0 || s == video || (!s->playlist.ended && !s->representation))
            continue;
        most = closely                  ? stream_frame(s) + stream_frame(video) + 1e-6
               : video->playlist.target ? video->playlist.target
                                        : 6;
        CHECK(c, fabs(own - lasts) < most, s->shown, 0, NULL, "%.3f s, and %s %.3f s", own, video->shown, lasts);
    }
}

void check_same_duration(struct check *c)
{
    check_durations(c, false);
}

void check_same_duration_closely(struct check *c)
{
    check_durations(c, true);
}

void check_type(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        const struct tag *tag = playlist_find(&s->playlist, TAG_PLAYLIST_TYPE);

        if (stream_is_vod(s))
            CHECK(c, s->playlist.ended, s->shown, tag->line, NULL, "VOD without EXT-X-ENDLIST");
        else if (s->playlist.ended)
            CHECK(c, tag, s->shown, 0, NULL, "EXT-X-ENDLIST without EXT-X-PLAYLIST-TYPE");
        else if (tag)
            check_looked(c);
    }
}

void check_same_type(struct check *c)
{
    const struct stream *first = NULL, *timed = NULL;

    EACH_MEDIA(s, c)
    {
        const struct segment *own = s->parts_n && part_is_read(&s->parts[0]) ? &s->parts[0].object->segment : NULL;

        first = first ? first : s;
        CHECK(c, strcmp(s->playlist.type, first->playlist.type) == 0, s->shown, 0, NULL,
              "type \"%s\" here, \"%s\" in %s", s->playlist.type, first->playlist.type, first->shown);
        if (!own || !is_sound_or_pictures(s) || !stream_is_vod(s))
            continue;
        timed = timed ? timed : s;
        double from = (double)own->earliest / s->parts[0].init->track.timescale;
        double other = (double)timed->parts[0].object->segment.earliest / timed->parts[0].init->track.timescale;
        double frame = package_frame(c->p);
        CHECK(c, fabs(from - other) < (frame > 0 ? frame : 0.03), s->shown, s->parts[0].line, NULL,
              "begins at %.3f s, and %s at %.3f s", from, timed->shown, other);
    }
}

void check_map(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        bool mapped = playlist_find(&s->playlist, TAG_MAP);

        EACH_PART(part, s)
        {
            const struct segment *seg = part->object ? &part->object->segment : NULL;

            if (seg && (mapped || (seg->fragments_n && !seg->transport_stream)))
                CHECK(c, part->init, s->shown, part->line, NULL, "no EXT-X-MAP applies to %s",
                      part->object->shown);
        }
    }
}

/* The nth discontinuity of a stream: when it is, or -1. */
static double discontinuity_at(const struct stream *s, size_t n)
{
    double at = 0;

    EACH_PART(part, s)
    {
        if (part->entry && part->entry->discontinuity && part > s->parts && n-- == 0)
            return at;
        at += part->claimed;
    }
    return -1;
}

void check_discontinuity(struct check *c)
{
    const struct stream *first = NULL;

    EACH_MEDIA(s, c)
    {
        if (!is_sound_or_pictures(s) || !s->parts_n)
            continue;
        first = first ? first : s;
        for (size_t i = 1; i < s->parts_n; i++) {
            const struct part *was = &s->parts[i - 1], *is = &s->parts[i];

            if (!was->init || !is->init || was->init == is->init)
                continue;
            CHECK(c,
                  is->entry->discontinuity || (was->init->track.id == is->init->track.id &&
                                               was->init->track.timescale == is->init->track.timescale &&
                                               strcmp(was->init->track.name, is->init->track.name) == 0),
                  s->shown, is->line, NULL, "another format begins here without EXT-X-DISCONTINUITY");
        }
        for (size_t n = 0;; n++) {
            double own = discontinuity_at(s, n), other = discontinuity_at(first, n);

            CHECK(c, (own < 0) == (other < 0) && fabs(own - other) < 0.5, s->shown, 0, NULL,
                  "its discontinuities are not where those of %s are", first->shown);
            if (own < 0 || other < 0)
                break;
        }
    }
}

void check_boundaries(struct check *c)
{
    const struct stream *video = package_video(c->p);

    EACH_STREAM(s, c->p)
    {
        double own = 0, other = 0, most;

        if (!video || s == video || !stream_counts(s) || s->representation || stream_real(s) < 0)
            continue;
        most = stream_frame(s->kind == STREAM_AUDIO ? s : video) + 1e-3;
        CHECK(c, s->parts_n == video->parts_n, s->shown, 0, NULL, "%zu segments, and %s has %zu", s->parts_n,
              video->shown, video->parts_n);
        for (size_t i = 0; i + 1 < s->parts_n && i + 1 < video->parts_n; i++) {
            own += s->parts[i].claimed;
            other += video->parts[i].claimed;
            if (fabs(own - other) <= most)
                continue;
            check_broken(c, s->shown, s->parts[i + 1].line, NULL, "begins at %.3f s, and in %s at %.3f s", own,
                         video->shown, other);
            break;
        }
    }
}

/* What the second look no longer lists must be counted by EXT-X-MEDIA-SEQUENCE. */
static uint64_t removed_since(const struct stream *s)
{
    const char *first = s->later.entries_n ? s->later.entries[0].uri : "";

    for (size_t i = 0; i < s->playlist.entries_n; i++)
        if (strcmp(s->playlist.entries[i].uri, first) == 0)
            return i;
    return UINT64_MAX;
}

void check_live_window(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        uint64_t removed;

        if (!stream_is_live(s) || s->kind == STREAM_IFRAMES)
            continue;
        CHECK(c, s->parts_n >= 6 && stream_claimed(s) >= 3.0 * s->playlist.target, s->shown, 0, NULL,
              "%zu segments, %.1f s, with a target duration of %u", s->parts_n, stream_claimed(s),
              s->playlist.target);
        if (!s->has_later || !s->later.entries_n)
            continue;
        removed = removed_since(s);
        if (removed != UINT64_MAX)
            CHECK(c, s->later.sequence - s->playlist.sequence == removed, s->shown, 0, NULL,
                  "%llu segments were removed, and EXT-X-MEDIA-SEQUENCE went from %llu to %llu",
                  (unsigned long long)removed, (unsigned long long)s->playlist.sequence,
                  (unsigned long long)s->later.sequence);
    }
}

void check_live_date(struct check *c)
{
    EACH_MEDIA(s, c)
    {
        bool dated = false;

        if (!stream_is_live(s))
            continue;
        EACH_PART(part, s)
        dated |= part->entry->dated;
        CHECK(c, dated, s->shown, 0, NULL, "no EXT-X-PROGRAM-DATE-TIME");
    }
}
