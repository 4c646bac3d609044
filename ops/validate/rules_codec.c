/* rules 43 to 46: what decoders must cope with. */
#include <math.h>
#include <string.h>

#include "ops/validate/rules.h"

/* Every stream of pictures, or of sound, whose init could be read. */
/* NOLINTBEGIN(bugprone-macro-parentheses): what is declared cannot stand in parentheses */
#define EACH_TRACK(s, t, c, wanted)                                     \
    EACH_STREAM(s, (c)->p)                                              \
    if (stream_counts(s) && (s)->track && (s)->track->kind == (wanted)) \
        for (const struct track *t = (s)->track; t; t = NULL)
/* NOLINTEND(bugprone-macro-parentheses) */

static const char *init_shown(const struct stream *s)
{
    return s->parts[0].init ? s->parts[0].init->shown : s->shown;
}

void check_profile(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_VIDEO)
    {
        if (t->codec == CODEC_AVC)
            CHECK(c,
                  (t->profile == 66 || t->profile == 77 || t->profile == 88 || t->profile == 100) &&
                      t->level <= 52,
                  init_shown(s), 0, "avcC", "profile %u, level %u.%u", t->profile, t->level / 10, t->level % 10);
        else if (t->codec == CODEC_HEVC)
            CHECK(c, t->profile <= 2 && t->level <= 153, init_shown(s), 0, "hvcC", "profile %u, level %.1f",
                  t->profile, t->level / 30.0);
    }
}

void check_some_low_level(struct check *c)
{
    unsigned least = 255;
    const char *file = "";

    EACH_TRACK(s, t, c, TRACK_VIDEO)
    {
        if (t->codec == CODEC_AVC && t->level < least) {
            least = t->level;
            file = init_shown(s);
        }
    }
    if (least < 255)
        CHECK(c, least <= 41, file, 0, "avcC", "the lowest level is %u.%u", least / 10, least % 10);
}

void check_high_profile(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_VIDEO)
    if (t->codec == CODEC_AVC)
        CHECK(c, t->profile == 100, init_shown(s), 0, "avcC", "profile %u", t->profile);
}

/* ISO/IEC 14496-10, table A-1: macroblocks a second, macroblocks a picture, kb/s of the High profile. */
static const struct {
    unsigned level;
    double rate, size, kbps;
} levels[] = {
    { 10, 1485, 99, 80 },           { 11, 3000, 396, 240 },        { 12, 6000, 396, 480 },
    { 13, 11880, 396, 960 },        { 20, 11880, 396, 2500 },      { 21, 19800, 792, 5000 },
    { 22, 20250, 1620, 5000 },      { 30, 40500, 1620, 12500 },    { 31, 108000, 3600, 17500 },
    { 32, 216000, 5120, 25000 },    { 40, 245760, 8192, 25000 },   { 41, 245760, 8192, 62500 },
    { 42, 522240, 8704, 62500 },    { 50, 589824, 22080, 168750 }, { 51, 983040, 36864, 300000 },
    { 52, 2073600, 36864, 300000 },
};

static unsigned level_needed(const struct track *t, double fps)
{
    double size = ceil(t->width / 16.0) * ceil(t->height / 16.0);

    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (size * fps <= levels[i].rate && size <= levels[i].size)
            return levels[i].level;
    return 62;
}

/* A rate far above what the pictures' size suggests needs a higher level: one step is let pass. */
void check_level_needed(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_VIDEO)
    {
        double frame = stream_frame(s);
        unsigned needed;

        if (t->codec != CODEC_AVC || frame <= 0)
            continue;
        needed = level_needed(t, 1 / frame);
        for (size_t i = 0; i + 1 < sizeof(levels) / sizeof(*levels); i++)
            if (levels[i].level == needed && stream_measure(s).peak / 1000 > levels[i].kbps)
                needed = levels[i + 1].level;
        CHECK(c, t->level <= needed + 1 || (needed % 10 == 2 && t->level == needed + 8), init_shown(s), 0, "avcC",
              "level %u.%u, where %u.%u is enough for %ux%u at %.3f", t->level / 10, t->level % 10, needed / 10,
              needed % 10, t->width, t->height, 1 / frame);
    }
}

void check_progressive(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_VIDEO)
    {
        uint32_t shortest = 0;

        CHECK(c, !t->interlaced, init_shown(s), 0, NULL, "the parameter set allows fields");
        EACH_PART(part, s)
        if (part_is_read(part) && (!shortest || part->object->segment.longest < shortest))
            shortest = part->object->segment.longest;
        if (shortest)
            CHECK(c, (double)t->timescale / shortest < 60.5, s->shown, 0, NULL, "%.2f pictures a second",
                  (double)t->timescale / shortest);
    }
}

void check_sets_in_entry(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_VIDEO)
    {
        if (t->codec != CODEC_AVC && t->codec != CODEC_HEVC)
            continue;
        CHECK(c, strcmp(t->entry, "avc1") == 0 || strcmp(t->entry, "hvc1") == 0 || t->encrypted, init_shown(s), 0,
              "stsd", "the sample entry is %s", t->entry);
        CHECK(c, t->parameter_sets, init_shown(s), 0, "stsd", "no parameter sets in the sample entry");
        EACH_PART(part, s)
        if (part_is_read(part))
            CHECK(c, !part->object->segment.sets_in_samples, part->object->shown, 0, "mdat",
                  "parameter sets beside the pictures");
    }
}

void check_one_sound(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_AUDIO)
    {
        CHECK(c, t->tracks == 1, init_shown(s), 0, "moov", "%u tracks", t->tracks);
        EACH_PART(part, s)
        if (part_is_read(part))
            for (size_t i = 0; i < part->object->segment.fragments_n; i++)
                CHECK(c, part->object->segment.fragments[i].trafs == 1, part->object->shown, 0, "moof",
                      "%u tracks in fragment %zu", part->object->segment.fragments[i].trafs, i + 1);
    }
}

/* Sound of one channel is played by whatever plays two. */
void check_stereo_offered(struct check *c)
{
    bool any = false, offered = false;
    const char *file = "";

    EACH_TRACK(s, t, c, TRACK_AUDIO)
    {
        any = true;
        file = init_shown(s);
        offered |= t->codec == CODEC_AAC && t->channels <= 2 && t->channels > 0;
    }
    if (any)
        CHECK(c, offered, file, 0, "stsd", "no rendition is AAC in stereo");
}

void check_he_aac(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_AUDIO)
    if (t->codec == CODEC_AAC && (t->object_type == 5 || t->object_type == 29))
        CHECK(c, stream_measure(s).average <= 64000 * 1.1, init_shown(s), 0, "esds", "HE-AAC at %.0f kb/s",
              stream_measure(s).average / 1000);
}

void check_loudness(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_AUDIO)
    CHECK(c, t->has_loudness, init_shown(s), 0, "moov/trak/udta/ludt", "missing");
}

void check_shape(struct check *c)
{
    EACH_TRACK(s, t, c, TRACK_VIDEO)
    {
        const struct colour *box = &t->colour, *set = &t->vui;

        CHECK(c, !t->turned, init_shown(s), 0, "moov/trak/tkhd", "a matrix that turns or scales");
        CHECK(c, t->has_aspect && t->aspect_h == t->aspect_v, init_shown(s), 0, "stsd/pasp", "%u:%u", t->aspect_h,
              t->aspect_v);
        CHECK(c, t->has_colour_box, init_shown(s), 0, "stsd/colr", "missing");
        if (box->told && set->told)
            CHECK(c,
                  box->primaries == set->primaries && box->transfer == set->transfer &&
                      box->matrix == set->matrix && box->full == set->full,
                  init_shown(s), 0, "stsd/colr", "%u/%u/%u%s, and the parameter set says %u/%u/%u%s",
                  box->primaries, box->transfer, box->matrix, box->full ? " full" : "", set->primaries,
                  set->transfer, set->matrix, set->full ? " full" : "");
    }
}
