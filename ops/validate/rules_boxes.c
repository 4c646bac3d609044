/* rules 39 to 42 and 47: inits, fragments, and how they follow each other. */
#include <math.h>
#include <string.h>

#include "ops/validate/rules.h"

void check_init(struct check *c)
{
    static const char *const brands[] = { "iso6", "iso7", "iso8", "iso9", "isoa", "isob", "isoc", "cmfc", "cmf2" };

    for (size_t i = 0; i < c->p->objects_n; i++) {
        const struct object *x = c->p->objects[i];
        const struct track *t = &x->track;
        bool branded = false;

        if (x->kind != OBJECT_INIT || (x->status != 200 && x->status != 206))
            continue;
        CHECK(c, !t->fault, x->shown, 0, t->fault_box, "%s", t->fault);
        if (t->fault)
            continue;
        for (size_t k = 0; k < sizeof(brands) / sizeof(*brands); k++)
            branded |= track_has_brand(t, brands[k]);
        CHECK(c, branded, x->shown, 0, "ftyp", "brands %s", t->brands);
        CHECK(c, t->extends && t->extends == t->tracks, x->shown, 0, "moov/mvex", "%u trex for %u tracks",
              t->extends, t->tracks);
        CHECK(c, !t->has_samples, x->shown, 0, "moov/trak/mdia/minf/stbl", "it has samples");
        CHECK(c, !t->movie_duration && !t->track_duration, x->shown, 0, "moov", "mvhd says %llu, tkhd %llu",
              (unsigned long long)t->movie_duration, (unsigned long long)t->track_duration);
    }
}

/* Segments whose init is known; a stream of another format has nothing that these rules could ask. */
#define EACH_SEGMENT(part, s, c)                                        \
    EACH_STREAM(s, (c)->p)                                              \
    if (stream_counts(s))                                               \
        EACH_PART(part, s)                                              \
    if ((part)->object && (part)->init && !(part)->init->track.fault && \
        !(part)->object->segment.transport_stream &&                    \
        ((part)->object->status == 200 || (part)->object->status == 206) && !part_is_sealed(part))

void check_fragments(struct check *c)
{
    EACH_SEGMENT(part, s, c)
    {
        const struct segment *seg = &part->object->segment;

        CHECK(c, !seg->fault, part->object->shown, 0, seg->fault_box, "%s", seg->fault);
        CHECK(c, !part->init->track.outside, part->init->shown, 0, "moov/trak/mdia/minf/dinf/dref",
              "data in another file");
        for (size_t i = 0; i < seg->fragments_n; i++) {
            const struct fragment *f = &seg->fragments[i];

            CHECK(c, f->has_time, part->object->shown, 0, "moof/traf/tfdt", "missing in fragment %zu", i + 1);
            CHECK(c, f->base_is_moof, part->object->shown, 0, "moof/traf/tfhd",
                  "fragment %zu lacks default-base-is-moof", i + 1);
            CHECK(c, f->id == part->init->track.id, part->object->shown, 0, "moof/traf/tfhd",
                  "fragment %zu is of track %u, the init of track %u", i + 1, f->id, part->init->track.id);
        }
    }
}

void check_one_run(struct check *c)
{
    EACH_SEGMENT(part, s, c)
    for (size_t i = 0; i < part->object->segment.fragments_n; i++)
        CHECK(c, part->object->segment.fragments[i].trafs == 1 && part->object->segment.fragments[i].truns == 1,
              part->object->shown, 0, "moof", "fragment %zu has %u traf, %u trun in the first", i + 1,
              part->object->segment.fragments[i].trafs, part->object->segment.fragments[i].truns);
}

/* Where the next fragment of the stream must begin, in ticks; both are of the same track. */
static void check_stream_continuous(struct check *c, const struct stream *s)
{
    uint64_t next = 0;
    bool known = false;

    EACH_PART(part, s)
    {
        if (!part_is_read(part) || (part->entry && part->entry->discontinuity))
            known = false;
        if (!part_is_read(part))
            continue;
        for (size_t i = 0; i < part->object->segment.fragments_n; i++) {
            const struct fragment *f = &part->object->segment.fragments[i];

            if (known)
                CHECK(c, f->time == next, part->object->shown, 0, "moof/traf/tfdt",
                      "fragment %zu begins at %llu, and the one before it ended at %llu", i + 1,
                      (unsigned long long)f->time, (unsigned long long)next);
            next = f->time + f->duration;
            known = true;
        }
    }
}

void check_continuous(struct check *c)
{
    const struct stream *first = package_video(c->p);
    double frame = package_frame(c->p);

    EACH_STREAM(s, c->p)
    {
        if (!stream_counts(s))
            continue;
        check_stream_continuous(c, s);
        for (size_t i = 0; first && s->kind == STREAM_VIDEO && i < s->parts_n && i < first->parts_n; i++) {
            const struct part *a = &s->parts[i], *b = &first->parts[i];

            if (!part_is_read(a) || !part_is_read(b))
                continue;
            double own = (double)a->object->segment.time / a->init->track.timescale;
            double other = (double)b->object->segment.time / b->init->track.timescale;
            CHECK(c, fabs(own - other) <= frame + 1e-6, a->object->shown, 0, "moof/traf/tfdt",
                  "begins at %.3f s, and %s at %.3f s", own, b->object->shown, other);
        }
    }
}

void check_independent_segments(struct check *c)
{
    EACH_SEGMENT(part, s, c)
    {
        const struct segment *seg = &part->object->segment;

        if (part->init->track.kind != TRACK_VIDEO || !seg->fragments_n)
            continue;
        CHECK(c, seg->fragments[0].starts_with_sync, part->object->shown, 0, "mdat",
              "its first picture is no IDR");
        CHECK(c,
              part->init->track.parameter_sets || seg->sets_in_samples ||
                  (part->init->track.codec != CODEC_AVC && part->init->track.codec != CODEC_HEVC),
              part->object->shown, 0, NULL, "no parameter sets, here or in the init");
    }
}

/* A grid of 23.976 pictures a second has no GOP of exactly two seconds. */
void check_gop_length(struct check *c)
{
    EACH_SEGMENT(part, s, c)
    {
        double longest = (double)part->object->segment.longest_gop / part->init->track.timescale;

        if (part->init->track.kind == TRACK_VIDEO && part->object->segment.fragments_n)
            CHECK(c, longest <= 2.1, part->object->shown, 0, NULL, "%.2f s between two IDRs", longest);
    }
}

void check_no_edits(struct check *c)
{
    EACH_STREAM(s, c->p)
    {
        if (!stream_counts(s) || !s->track)
            continue;
        CHECK(c, !s->track->has_edits, s->parts[0].init->shown, 0, "moov/trak/edts/elst", "an edit list");
        if (part_is_read(&s->parts[0]) && (s->playlist.ended || s->representation))
            CHECK(c, s->parts[0].object->segment.time == 0, s->parts[0].object->shown, 0, "moof/traf/tfdt",
                  "the first decode time is %llu", (unsigned long long)s->parts[0].object->segment.time);
    }
}
