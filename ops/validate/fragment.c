#include "ops/validate/fragment.h"

#include <string.h>

#include "data/isobmff/nal.h"
#include "ops/validate/limits.h"
#include "schemas/wire/plant.h"

enum {
    TFHD_BASE = 1,
    TFHD_DESCRIPTION = 2,
    TFHD_DURATION = 8,
    TFHD_SIZE = 16,
    TFHD_FLAGS = 32,
    TFHD_BASE_IS_MOOF = 0x20000,
    TRUN_OFFSET = 1,
    TRUN_FIRST_FLAGS = 4,
    TRUN_DURATION = 0x100,
    TRUN_SIZE = 0x200,
    TRUN_FLAGS = 0x400,
    TRUN_COMPOSITION = 0x800,
    SAMPLE_IS_NOT_SYNC = 0x10000
};

struct reading {
    struct segment *to;
    const struct track *track;
    const uint8_t *start, *end;
    bool cut;
    uint64_t since_sync; /* ticks */
    struct fragment *fragment;
    uint32_t duration, size, flags; /* defaults of the fragment */
    uint64_t data;                  /* where the next sample lies */
};

static void segment_fault(struct segment *s, const char *box, const char *why)
{
    if (!s->fault) {
        s->fault = why;
        s->fault_box = box;
    }
}

/* ---- one sample */

static bool nal_is_hevc_irap(unsigned type)
{
    return type >= 16 && type <= 23;
}

/* Whether an H.264 or HEVC sample begins a coded sequence by itself, how many pictures it holds, and whether parameter
 * sets lie in it. */
static bool sample_is_idr(struct reading *r, struct bytes sample, uint32_t *ret_pictures)
{
    bool avc = r->track->codec == CODEC_AVC, idr = true, picture = false;
    struct box_cursor c = box_cursor_of(sample);
    struct bytes nal;

    *ret_pictures = 0;
    while (avc_next_nal(&c, r->track->length_size, &nal)) {
        const uint8_t *d = nal.data;
        unsigned type = avc ? d[0] & 31 : d[0] >> 1 & 63;

        if (avc ? type == AVC_SPS || type == AVC_PPS : type >= 32 && type <= 34)
            r->to->sets_in_samples = true;
        if (avc ? type != AVC_SLICE && type != AVC_IDR : type > 31)
            continue;
        picture = true;
        idr = idr && (avc ? type == AVC_IDR : nal_is_hevc_irap(type));
        /* first_mb_in_slice, a Golomb number, is 0; first_slice_segment_in_pic_flag is set. */
        *ret_pictures += nal.len > (avc ? 1u : 2u) && d[avc ? 1 : 2] >> 7;
    }
    if (c.bad)
        segment_fault(r->to, "mdat", "the lengths of NAL units do not fill a sample");
    return picture && idr;
}

static void sample_read(struct reading *r, uint32_t duration, uint32_t size, uint32_t flags, int64_t offset)
{
    struct fragment *f = r->fragment;
    bool nal = (r->track->codec == CODEC_AVC || r->track->codec == CODEC_HEVC) && r->track->length_size;
    bool first = f->samples == 0, whole = size <= (uint64_t)(r->end - r->start) - r->data, sync = true;
    int64_t shown = (int64_t)(f->time + f->duration) + offset;
    uint32_t pictures = 1;

    if (!whole && (!r->cut || first))
        return segment_fault(r->to, "moof/traf/trun", "a sample lies outside of the bytes");
    if (size && whole && nal)
        sync = sample_is_idr(r, bytes_of(r->start + r->data, size), &pictures);
    else if (r->track->kind == TRACK_VIDEO)
        sync = !(flags & SAMPLE_IS_NOT_SYNC);
    if (first) {
        f->first_offset = offset;
        f->earliest = shown;
        f->starts_with_sync = sync;
        f->first_sample_whole = whole;
        f->first_end = r->data + size;
        f->pictures_in_first = pictures;
        f->shortest = f->longest = duration;
    }
    if (sync && r->track->kind == TRACK_VIDEO)
        r->since_sync = 0;
    r->since_sync += duration;
    r->to->longest_gop = r->since_sync > r->to->longest_gop ? r->since_sync : r->to->longest_gop;
    f->earliest = shown < f->earliest ? shown : f->earliest;
    f->shortest = duration < f->shortest ? duration : f->shortest;
    f->longest = duration > f->longest ? duration : f->longest;
    f->duration += duration;
    f->samples++;
    r->data += whole ? size : 0;
}

/* ---- boxes */

static void segment_trun(struct reading *r, struct box_cursor c)
{
    uint32_t word = (uint32_t)box_take(&c, 4), n = (uint32_t)box_take(&c, 4), first = r->flags;
    bool composition = word & TRUN_COMPOSITION, negative = word >> 24;
    unsigned each = 4 * (!!(word & TRUN_DURATION) + !!(word & TRUN_SIZE) + !!(word & TRUN_FLAGS) + composition);

    r->fragment->truns++;
    if (word & TRUN_OFFSET)
        r->data = r->fragment->offset + (uint64_t)(int64_t)(int32_t)box_take(&c, 4);
    if (word & TRUN_FIRST_FLAGS)
        first = (uint32_t)box_take(&c, 4);
    PLANT(composition && n > 1);
    if (c.bad || n > SAMPLES_MOST || r->fragment->samples + (uint64_t)n > SAMPLES_MOST ||
        (uint64_t)n * each != box_left(&c) || r->data > (uint64_t)(r->end - r->start))
        return segment_fault(r->to, "moof/traf/trun", "its counts, offsets and sizes do not fit");
    for (uint32_t i = 0; i < n && !r->to->fault; i++) {
        uint32_t duration = word & TRUN_DURATION ? (uint32_t)box_take(&c, 4) : r->duration;
        uint32_t size = word & TRUN_SIZE ? (uint32_t)box_take(&c, 4) : r->size;
        uint32_t flags = word & TRUN_FLAGS ? (uint32_t)box_take(&c, 4) : i == 0 ? first : r->flags;
        uint32_t offset = composition ? (uint32_t)box_take(&c, 4) : 0;

        sample_read(r, duration, size, flags, negative ? (int64_t)(int32_t)offset : (int64_t)offset);
    }
}

static void segment_tfhd(struct reading *r, struct box_cursor c)
{
    uint32_t flags = (uint32_t)box_take(&c, 4) & 0xffffff;

    r->fragment->id = (uint32_t)box_take(&c, 4);
    r->fragment->base_is_moof = (flags & TFHD_BASE_IS_MOOF) && !(flags & TFHD_BASE);
    if (flags & TFHD_BASE)
        box_skip(&c, 8);
    if (flags & TFHD_DESCRIPTION)
        box_skip(&c, 4);
    r->duration = flags & TFHD_DURATION ? (uint32_t)box_take(&c, 4) : r->track->default_duration;
    r->size = flags & TFHD_SIZE ? (uint32_t)box_take(&c, 4) : r->track->default_size;
    r->flags = flags & TFHD_FLAGS ? (uint32_t)box_take(&c, 4) : r->track->default_flags;
    if (c.bad)
        segment_fault(r->to, "moof/traf/tfhd", "the box is too short");
}

static void segment_traf(struct reading *r, struct box_cursor c)
{
    struct box tfhd, tfdt, box;

    if (r->fragment->trafs++)
        return; /* another track's: a rule counts them */
    if (!box_find(c, "tfhd", &tfhd))
        return segment_fault(r->to, "moof/traf/tfhd", "missing");
    segment_tfhd(r, tfhd.body);
    if (box_find(c, "tfdt", &tfdt)) {
        unsigned wide = box_take(&tfdt.body, 4) >> 24 == 1 ? 8 : 4;

        r->fragment->time = box_take(&tfdt.body, wide);
        r->fragment->has_time = !tfdt.body.bad && r->fragment->time <= INT64_MAX / 2;
        if (!r->fragment->has_time)
            return segment_fault(r->to, "moof/traf/tfdt", "no time that makes sense");
    }
    while (box_next(&c, &box) && !r->to->fault)
        if (box_is(&box, "trun"))
            segment_trun(r, box.body);
    if (c.bad)
        segment_fault(r->to, "moof/traf", "its boxes do not fill it");
}

static void segment_moof(struct reading *r, const struct box *moof)
{
    struct box_cursor c = moof->body;
    struct box box;

    r->fragment->offset = (uint64_t)(moof->start - r->start);
    r->data = (uint64_t)(moof->body.end - r->start) + 8;
    while (box_next(&c, &box) && !r->to->fault)
        if (box_is(&box, "traf"))
            segment_traf(r, box.body);
    if (c.bad)
        segment_fault(r->to, "moof", "its boxes do not fill it");
    if (!r->fragment->trafs)
        segment_fault(r->to, "moof/traf", "missing");
}

static void segment_sum(struct segment *s, const struct fragment *list, size_t n)
{
    s->fragments = list;
    s->fragments_n = n;
    if (n == 0)
        return segment_fault(s, "moof", "missing");
    s->time = list[0].time;
    s->earliest = list[0].earliest;
    s->shortest = list[0].shortest;
    s->longest = list[0].longest;
    for (size_t i = 0; i < n; i++) {
        s->duration += list[i].duration;
        s->earliest = list[i].earliest < s->earliest ? list[i].earliest : s->earliest;
        /* The last sample of a track may last shorter or longer than the others. */
        s->shortest = list[i].shortest < s->shortest ? list[i].shortest : s->shortest;
        s->longest = list[i].longest > s->longest ? list[i].longest : s->longest;
    }
}

void segment_parse(struct arena *arena, struct bytes bytes, const struct track *track, bool cut,
                   struct segment *ret)
{
    struct box_cursor c = box_cursor_of(bytes), count = c;
    struct reading r = { .to = ret, .track = track, .start = c.at, .end = c.end, .cut = cut };
    const uint8_t *at = c.at; /* where the last box began that could not be read */
    struct fragment *list;
    struct box box;
    size_t n = 0, most = 0;

    *ret = (struct segment) { .size = bytes.len };
    if (bytes.len >= 188 && *(const uint8_t *)bytes.data == 0x47) {
        ret->transport_stream = true;
        return;
    }
    while (box_next(&count, &box))
        most += box_is(&box, "moof");
    if (most > FRAGMENTS_MOST)
        return segment_fault(ret, "moof", "more fragments than are looked at");
    list = arena_alloc_n(arena, most ? most : 1, sizeof(*list));
    while (!ret->fault && box_next(&c, &box)) {
        at = c.at;
        if (!box_is(&box, "moof"))
            continue;
        r.fragment = &list[n++];
        segment_moof(&r, &box);
    }
    /* Behind a range's first sample the media data box is cut. */
    if (c.bad && !(cut && n && c.end - at >= 8 && memcmp(at + 4, "mdat", 4) == 0))
        segment_fault(ret, "", "the boxes do not fill the segment");
    if (!ret->fault)
        segment_sum(ret, list, n);
}
