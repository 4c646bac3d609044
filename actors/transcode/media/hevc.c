#include "actors/transcode/media/hevc.h"

#include <string.h>

#include "data/isobmff/bits.h"
#include "schemas/wire/plant.h"

enum { SETS = 3, MAIN_PROFILE = 1 };

static const uint8_t set_types[SETS] = { HEVC_VPS, HEVC_SPS, HEVC_PPS };

static bool split(struct bytes config, struct bytes sets[SETS])
{
    struct box_cursor c = box_cursor_of(config);
    struct bytes nal;

    memset(sets, 0, SETS * sizeof(*sets));
    while (avc_next_nal(&c, 4, &nal)) {
        unsigned type = hevc_nal_type_of(nal.data), i = 0;

        if (nal.len < 3 || nal.len > 0xffff)
            return false;
        while (i < SETS && set_types[i] != type)
            i++;
        if (i < SETS && !sets[i].len)
            sets[i] = nal;
        else if (type != HEVC_SEI_BEFORE && type != HEVC_SEI_BEHIND)
            return false;
    }
    return !c.bad && sets[0].len && sets[1].len && sets[2].len;
}

struct shape {
    uint8_t tier[HEVC_TIER_BYTES];
    unsigned width, height;
    bool nested;
};

/* seq_parameter_set_rbsp of 7.3.2.2.1, as far as the depth of samples; false where it is of another kind than ours. */
static bool read_sps(struct bytes sps, struct shape *ret)
{
    uint32_t crop[4] = { 0 };
    struct bits b;

    bits_of(&b, sps, true);
    bits_skip(&b, 16 + 4);
    bits_expect(&b, bits_take(&b, 3), 0); /* one layer of time */
    ret->nested = bits_take(&b, 1);
    for (unsigned i = 0; i < HEVC_TIER_BYTES; i++)
        ret->tier[i] = (uint8_t)bits_take(&b, 8);
    bits_golomb(&b);
    bits_expect(&b, bits_golomb(&b), 1); /* 4:2:0 */
    ret->width = bits_golomb(&b);
    ret->height = bits_golomb(&b);
    if (bits_take(&b, 1))
        for (unsigned i = 0; i < 4; i++)
            crop[i] = bits_golomb(&b);
    bits_expect(&b, bits_golomb(&b), 0); /* 8 bits, of Y and of U and V */
    bits_expect(&b, bits_golomb(&b), 0);
    for (unsigned i = 0; i < 4; i++)
        if (crop[i] > 64)
            return false;
    PLANT(!b.bad && crop[3] == 60);
    ret->width -= 2 * (crop[0] + crop[1]);
    ret->height -= 2 * (crop[2] + crop[3]);
    return !b.bad;
}

static bool put_record(struct bytes config, struct buf *to)
{
    struct bytes sets[SETS];
    struct shape shape;

    if (!split(config, sets) || !read_sps(sets[1], &shape))
        return false;
    buf_put(to, "\1", 1);
    buf_put(to, shape.tier, HEVC_TIER_BYTES);
    buf_put(to, "\xf0\0\xfc\xfd\xf8\xf8\0\0", 8);   /* no word about slices, threads and rate; 4:2:0 in 8 bits */
    buf_put(to, shape.nested ? "\x0f" : "\x0b", 1); /* one layer of time; lengths of 4 bytes */
    buf_put(to, "\3", 1);
    for (unsigned i = 0; i < SETS; i++) {
        uint8_t type = 0x80 | set_types[i]; /* there are no others */

        buf_put(to, &type, 1);
        buf_put_u16(to, 1);
        buf_put_u16(to, (uint16_t)sets[i].len);
        buf_put(to, sets[i].data, sets[i].len);
    }
    return true;
}

static bool read_record(struct bytes record, struct buf *config)
{
    struct box_cursor c = box_cursor_of(record);

    box_skip(&c, 1 + HEVC_TIER_BYTES + 8 + 1);
    box_expect(&c, 1, SETS);
    for (unsigned i = 0; i < SETS; i++) {
        box_expect(&c, 1, 0x80 | set_types[i]);
        box_expect(&c, 2, 1);
        uint64_t size = box_take(&c, 2);
        const uint8_t *set = box_skip(&c, size);

        if (!set)
            return false;
        buf_put_u32(config, (uint32_t)size);
        buf_put(config, set, size);
    }
    return !c.bad;
}

static bool name(struct bytes config, unsigned width, unsigned height, char codec[CODEC_NAME_MOST])
{
    struct bytes sets[SETS];
    struct shape shape;

    if (!split(config, sets) || !read_sps(sets[1], &shape) || shape.width != width || shape.height != height)
        return false;
    hevc_codec("hvc1", shape.tier, codec);
    return (shape.tier[0] & 0xdf) == MAIN_PROFILE;
}

static bool check_sample(struct bytes sample, bool sync)
{
    struct box_cursor c = box_cursor_of(sample);
    struct bytes nal;
    bool picture = false;

    while (avc_next_nal(&c, 4, &nal)) {
        unsigned type = hevc_nal_type_of(nal.data);

        if (type >= HEVC_VPS && type <= HEVC_PPS)
            return false;
        if (type <= HEVC_SLICE_LAST) {
            if ((type >= HEVC_IDR_FIRST && type <= HEVC_IDR_LAST) != sync)
                return false;
            picture = true;
        }
    }
    return picture && !c.bad;
}

const struct coding hevc_coding = { .entry = "hvc1",
                                    .record = "hvcC",
                                    .put_record = put_record,
                                    .read_record = read_record,
                                    .name = name,
                                    .check_sample = check_sample,
                                    .patience = 6,
                                    .memory = 1 };
