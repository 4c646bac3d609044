#include "actors/transcode/boxes.h"

#include <stdio.h>
#include <string.h>

#include "actors/transcode/media/avc.h"
#include "schemas/wire/plant.h"

#define SAMPLE_MOST (32u << 20)

static int fail(const char **why, const char *sentence)
{
    *why = sentence;
    return -1;
}

/* The decoder's configuration in an init, found by its type: the comparison that follows proves the rest. */
static const uint8_t *find(struct bytes init, const char *type, size_t *ret_len)
{
    const uint8_t *d = init.data;

    for (size_t i = 4; i + 4 <= init.len; i++)
        if (memcmp(d + i, type, 4) == 0) {
            uint32_t size = (uint32_t)d[i - 4] << 24 | (uint32_t)d[i - 3] << 16 | (uint32_t)d[i - 2] << 8 |
                            d[i - 1];

            if (size < 8 || size > init.len - (i - 4))
                return NULL;
            *ret_len = size - 8;
            return d + i + 4;
        }
    return NULL;
}

/* Our esds has one shape; its last descriptor but one is the AudioSpecificConfig. */
static bool aac_config(const uint8_t *esds, size_t len, struct buf *ret)
{
    struct box_cursor c = { esds, esds + len, false };
    uint64_t size;

    box_take(&c, 4 + 2 + 3 + 2 + 13);
    box_expect(&c, 1, 5);
    size = box_take(&c, 1);
    if (c.bad || size < 2 || size > (uint64_t)(c.end - c.at))
        return false;
    buf_put(ret, c.at, size);
    return true;
}

static bool name_codec(const struct cmaf_track *t, const struct buf *config, char codec[CODEC_NAME_MOST])
{
    const uint8_t *d = config->data;

    if (t->video)
        return coding_of(t->codec)->name(buf_bytes(config), t->width, t->height, codec);
    snprintf(codec, CODEC_NAME_MOST, "mp4a.40.%d", d[0] >> 3);
    return d[0] >> 3 == 2; /* AAC-LC */
}

int boxes_check_init(struct bytes init, const struct cmaf_track *planned, char codec[CODEC_NAME_MOST],
                     const char **why)
{
    const struct coding *coding = coding_of(planned->codec);
    struct cmaf_track t = *planned;
    struct buf config = { 0 }, again = { 0 };
    size_t len = 0;
    const uint8_t *found = find(init, t.video ? coding->record : "esds", &len);
    int r = 0;

    if (!found ||
        !(t.video ? coding->read_record(bytes_of(found, len), &config) : aac_config(found, len, &config))) {
        buf_free(&config);
        return fail(why, "the init has no decoder configuration of the kind that was planned");
    }
    t.config = config.data;
    t.config_len = config.len;
    if (!name_codec(&t, &config, codec))
        r = fail(why, "the init is for another profile or size than was planned");
    else if (cmaf_init(&t, &again) < 0 || !bytes_equal(buf_bytes(&again), init))
        r = fail(why, "the init is not what its configuration and the plan make");
    buf_free(&config);
    buf_free(&again);
    return r;
}

int boxes_check_copied(struct bytes init, const struct cmaf_track *planned, const char **why)
{
    struct avc_picture picture;
    size_t len = 0;
    const uint8_t *avcc = find(init, "avcC", &len);

    if (!avcc || len < 8 || len - 8 < (size_t)(avcc[6] << 8 | avcc[7]) ||
        avc_read_sps(avcc + 8, (size_t)(avcc[6] << 8 | avcc[7]), &picture) < 0)
        return fail(why, "its parameter set is of no kind that is copied");
    if (!avc_is_plain(&picture) || picture.width != planned->width || picture.height != planned->height)
        return fail(why, "its parameter set tells of other pictures than were planned");
    return 0;
}

struct fragment {
    const struct cmaf_track *track;
    uint64_t time;
    const uint8_t *base;   /* of the moof */
    struct box_cursor run; /* at the first sample of the trun */
    uint32_t samples, data_offset;
};

static bool read_moof(struct box_cursor *c, struct fragment *f)
{
    struct box_cursor moof, mfhd, traf, b;
    bool video = f->track->video;

    f->base = c->at;
    moof = box_enter(c, "moof");
    mfhd = box_enter(&moof, "mfhd");
    box_expect(&mfhd, 4, 0);
    box_take(&mfhd, 4);
    traf = box_enter(&moof, "traf");
    if (!box_done(&mfhd) || !box_done(&moof))
        return false;
    b = box_enter(&traf, "tfhd");
    box_expect(&b, 4, 0x20028);
    box_expect(&b, 4, 1);
    box_expect(&b, 4, f->track->sample_duration);
    box_expect(&b, 4, video ? 0x01010000 : 0x02000000);
    if (!box_done(&b))
        return false;
    b = box_enter(&traf, "tfdt");
    box_expect(&b, 4, 1u << 24);
    box_expect(&b, 8, f->time);
    if (!box_done(&b))
        return false;
    f->run = box_enter(&traf, "trun");
    box_expect(&f->run, 4, 1u << 24 | (video ? 0xa05 : 0x201));
    f->samples = (uint32_t)box_take(&f->run, 4);
    f->data_offset = (uint32_t)box_take(&f->run, 4);
    if (video)
        box_expect(&f->run, 4, 0x02000000);
    return box_done(&traf) && !f->run.bad && f->samples && f->data_offset == (uint64_t)(c->at - f->base) + 8 &&
           (uint64_t)(f->run.end - f->run.at) == (uint64_t)f->samples * (video ? 8 : 4);
}

/* Reads the fragment at the cursor; false when anything in it is not as it must be. */
static bool read_fragment(struct box_cursor *c, struct fragment *f, struct boxes_gop *ret, const uint8_t *start)
{
    struct box_cursor mdat;

    if (!read_moof(c, f))
        return false;
    mdat = box_enter(c, "mdat");
    if (mdat.bad)
        return false;
    *ret = (struct boxes_gop) { .offset = (uint64_t)(f->base - start), .samples = f->samples };
    for (uint32_t i = 0; i < f->samples; i++) {
        uint32_t size = (uint32_t)box_take(&f->run, 4);

        if (f->track->video)
            box_take(&f->run, 4);
        PLANT(i > 0 && size > (uint64_t)(mdat.end - mdat.at));
        if (f->run.bad || size == 0 || size > SAMPLE_MOST || size > (uint64_t)(mdat.end - mdat.at))
            return false;
        if (f->track->video && !coding_of(f->track->codec)->check_sample(bytes_of(mdat.at, size), i == 0))
            return false;
        mdat.at += size;
        if (i == 0)
            ret->iframe_bytes = (uint64_t)(mdat.at - f->base);
    }
    return box_done(&f->run) && box_done(&mdat);
}

int boxes_check_segment(struct bytes segment, const struct cmaf_track *planned, uint64_t start, uint32_t gop,
                        struct boxes_segment *ret, const char **why)
{
    struct box_cursor c = { segment.data, (const uint8_t *)segment.data + segment.len, false };

    *ret = (struct boxes_segment) { .start = start };
    while (c.at < c.end) {
        struct fragment f = { .track = planned, .time = start + ret->samples * planned->sample_duration };
        bool last;

        if (ret->n == BOXES_GOPS)
            return fail(why, "a segment has more fragments than a run may have GOPs");
        if (!read_fragment(&c, &f, &ret->gops[ret->n], segment.data))
            return fail(why, "a fragment of a segment is not as it must be");
        ret->samples += f.samples;
        ret->n++;
        last = c.at == c.end;
        if (planned->video ? f.samples > gop || (f.samples < gop && !last) : !last)
            return fail(why, "a fragment of a segment is not the GOP that was planned");
    }
    return ret->n ? 0 : fail(why, "a segment is empty");
}

int boxes_check_jpeg(struct bytes image, unsigned width, unsigned height, const char **why)
{
    struct box_cursor c = { image.data, (const uint8_t *)image.data + image.len, false };
    bool sized = false;

    box_expect(&c, 2, 0xffd8);
    while (!c.bad) {
        uint64_t marker = box_take(&c, 2), len = box_take(&c, 2);
        struct box_cursor part = { c.at,
                                   c.at + (c.bad || len < 2 || len - 2 > (uint64_t)(c.end - c.at) ? 0 : len - 2),
                                   false };

        if (c.bad || marker < 0xffc0 || len < 2 || len - 2 > (uint64_t)(c.end - c.at))
            break;
        if (marker >= 0xffc0 && marker <= 0xffc2) {
            box_take(&part, 1);
            box_expect(&part, 2, height);
            box_expect(&part, 2, width);
            sized = !part.bad;
        }
        c.at += len - 2;
        if (marker == 0xffda) {
            const uint8_t *end = c.end;

            return sized && end - c.at > 2 && end[-2] == 0xff && end[-1] == 0xd9
                       ? 0
                       : fail(why, "an image is not whole");
        }
    }
    return fail(why, "an image is not a JPEG of the size that was told");
}
