#include "actors/transcode/media/avc.h"

#include "data/isobmff/bits.h"
#include "data/isobmff/nal.h"
#include "schemas/wire/plant.h"

#define SPS_MOST 256 /* bytes; ordinary ones have 20 to 60 */

/* Only 4:2:0 in 8 bits without scaling lists. */
static void read_high(struct bits *b)
{
    bits_expect(b, bits_golomb(b), 1);
    bits_expect(b, bits_golomb(b), 0);
    bits_expect(b, bits_golomb(b), 0);
    bits_expect(b, bits_take(b, 1), 0);
    bits_expect(b, bits_take(b, 1), 0);
}

static void read_order(struct bits *b)
{
    uint32_t type = bits_golomb(b);

    if (type == 0)
        bits_golomb(b);
    else
        bits_expect(b, type, 2);
}

static void read_size(struct bits *b, struct avc_picture *ret)
{
    uint32_t across = bits_golomb(b) + 1, down = bits_golomb(b) + 1, crop[4] = { 0 };

    bits_expect(b, bits_take(b, 1), 1); /* frames, not fields */
    bits_take(b, 1);
    if (bits_take(b, 1))
        for (unsigned i = 0; i < 4; i++)
            crop[i] = bits_golomb(b);
    if (b->bad || across > 512 || down > 512 || (uint64_t)crop[0] + crop[1] >= across * 8 ||
        (uint64_t)crop[2] + crop[3] >= down * 8) {
        b->bad = true;
        return;
    }
    ret->width = across * 16 - 2 * (crop[0] + crop[1]);
    ret->height = down * 16 - 2 * (crop[2] + crop[3]);
}

static void read_aspect(struct bits *b, struct avc_picture *ret)
{
    uint32_t code = bits_take(b, 8);

    if (code == 255) {
        ret->sar_num = bits_take(b, 16);
        ret->sar_den = bits_take(b, 16);
    } else if (code > 1) {
        ret->sar_num = 0; /* one of the table's, none of which is square */
    }
}

/* As far as the colours; what follows is about timing. */
static void read_vui(struct bits *b, struct avc_picture *ret)
{
    if (bits_take(b, 1))
        read_aspect(b, ret);
    if (bits_take(b, 1))
        bits_take(b, 1);
    if (!bits_take(b, 1))
        return;
    bits_take(b, 3);
    ret->full_range = bits_take(b, 1);
    if (bits_take(b, 1)) {
        ret->primaries = bits_take(b, 8);
        ret->transfer = bits_take(b, 8);
        ret->matrix = bits_take(b, 8);
    }
}

int avc_read_sps(const uint8_t *sps, size_t len, struct avc_picture *ret)
{
    struct bits b;

    *ret = (struct avc_picture) { .sar_num = 1, .sar_den = 1, .primaries = 2, .transfer = 2, .matrix = 2 };
    if (len < 5 || len > SPS_MOST || (sps[0] & 31) != AVC_SPS)
        return -1;
    ret->profile = sps[1];
    ret->level = sps[3];
    bits_of(&b, bytes_of(sps + 4, len - 4), true);
    bits_golomb(&b);
    if (ret->profile == 100)
        read_high(&b);
    else
        bits_expect(&b, ret->profile, 77);
    bits_golomb(&b);
    read_order(&b);
    if (bits_golomb(&b) > 16)
        b.bad = true;
    bits_take(&b, 1);
    read_size(&b, ret);
    if (bits_take(&b, 1))
        read_vui(&b, ret);
    PLANT(!b.bad && ret->height % 16);
    return b.bad ? -1 : 0;
}

/* As an init of ours says it, or says nothing that contradicts it. */
static bool is_bt709(unsigned value)
{
    return value == 1 || value == 2;
}

bool avc_is_plain(const struct avc_picture *p)
{
    bool large = p->height >= 720 || p->width >= 1280;

    return p->level <= 42 && p->sar_num == p->sar_den && p->sar_num && !p->full_range && is_bt709(p->primaries) &&
           is_bt709(p->transfer) && (p->matrix == 1 || (p->matrix == 2 && large));
}

/* ---- in boxes */

struct parameter_sets {
    struct bytes sps, pps;
};

/* SPS and PPS of what x264 calls its global header, which has SEI too; false unless there is exactly one of each. */
static bool split(struct bytes config, struct parameter_sets *ret)
{
    struct box_cursor c = box_cursor_of(config);
    struct bytes nal;

    *ret = (struct parameter_sets) { 0 };
    while (avc_next_nal(&c, 4, &nal)) {
        unsigned type = *(const uint8_t *)nal.data & 31;

        if (nal.len > 0xffff)
            return false;
        if (type == AVC_SPS && !ret->sps.len)
            ret->sps = nal;
        else if (type == AVC_PPS && !ret->pps.len)
            ret->pps = nal;
        else if (type != AVC_SEI)
            return false;
    }
    return !c.bad && ret->sps.len >= 4 && ret->pps.len;
}

static bool put_record(struct bytes config, struct buf *to)
{
    struct parameter_sets sets;
    const uint8_t *sps;

    if (!split(config, &sets))
        return false;
    sps = sets.sps.data;
    buf_put(to, "\1", 1);
    buf_put(to, sps + 1, 3);    /* profile, compatibility, level */
    buf_put(to, "\xff\xe1", 2); /* lengths of 4 bytes; one SPS */
    buf_put_u16(to, (uint16_t)sets.sps.len);
    buf_put(to, sps, sets.sps.len);
    buf_put(to, "\1", 1);
    buf_put_u16(to, (uint16_t)sets.pps.len);
    buf_put(to, sets.pps.data, sets.pps.len);
    if (sps[1] >= 100)
        buf_put(to, "\xfd\xf8\xf8\0", 4); /* 4:2:0 in 8 bits, no extensions */
    return true;
}

static bool read_record(struct bytes record, struct buf *config)
{
    struct box_cursor c = box_cursor_of(record);

    box_take(&c, 5);
    for (unsigned i = 0; i < 2; i++) {
        box_expect(&c, 1, i ? 1 : 0xe1);
        uint64_t size = box_take(&c, 2);
        const uint8_t *set = size ? box_skip(&c, size) : NULL;

        if (!set || (*set & 31) != (i ? AVC_PPS : AVC_SPS))
            return false;
        buf_put_u32(config, (uint32_t)size);
        buf_put(config, set, size);
    }
    return !c.bad;
}

static bool name(struct bytes config, unsigned width, unsigned height, char codec[CODEC_NAME_MOST])
{
    struct parameter_sets sets;
    unsigned profile;

    if (!split(config, &sets) || !avc_codec(sets.sps, codec))
        return false;
    profile = ((const uint8_t *)sets.sps.data)[1];
    return profile == 100 || profile == 77;
}

static bool check_sample(struct bytes sample, bool sync)
{
    struct box_cursor c = box_cursor_of(sample);
    struct bytes nal;
    bool picture = false;

    while (avc_next_nal(&c, 4, &nal)) {
        unsigned type = *(const uint8_t *)nal.data & 31;

        if (type == AVC_SPS || type == AVC_PPS)
            return false;
        if (type == AVC_SLICE || type == AVC_IDR) {
            if ((type == AVC_IDR) != sync)
                return false;
            picture = true;
        }
    }
    return picture && !c.bad;
}

const struct coding avc_coding = { .entry = "avc1",
                                   .record = "avcC",
                                   .put_record = put_record,
                                   .read_record = read_record,
                                   .name = name,
                                   .check_sample = check_sample,
                                   .patience = 1,
                                   .memory = 1 };
