#include "ops/validate/config.h"

#include <stdio.h>
#include <string.h>

#include "data/isobmff/bits.h"
#include "data/isobmff/nal.h"

static void bits_scaling_list(struct bits *b, unsigned n)
{
    int last = 8, next = 8;

    for (unsigned i = 0; i < n && !b->bad; i++) {
        if (next) {
            uint32_t k = bits_golomb(b);

            next = (last + (k & 1 ? (int)((k + 1) / 2) : -(int)(k / 2))) & 255;
        }
        last = next ? next : last;
    }
}

static void avc_colour(struct track *t, struct bits *b)
{
    if (bits_take(b, 1) && bits_take(b, 8) == 255) /* aspect_ratio_idc */
        bits_take(b, 32);
    if (bits_take(b, 1)) /* overscan */
        bits_take(b, 1);
    if (!bits_take(b, 1))
        return;
    bits_take(b, 3);
    t->vui.full = bits_take(b, 1);
    if (bits_take(b, 1)) {
        t->vui.primaries = bits_take(b, 8);
        t->vui.transfer = bits_take(b, 8);
        t->vui.matrix = bits_take(b, 8);
        t->vui.told = !b->bad;
    }
}

/* seq_parameter_set_data of ISO/IEC 14496-10, 7.3.2.1.1, up to the colour. */
static void avc_parameters(struct track *t, struct bytes sps)
{
    static const uint8_t high[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };
    unsigned chroma = 1, fields, width, height, crop[4] = { 0 };
    struct bits b;

    bits_of(&b, sps, true);
    bits_take(&b, 8);
    t->profile = bits_take(&b, 8);
    bits_take(&b, 8);
    t->level = bits_take(&b, 8);
    bits_golomb(&b);
    if (memchr(high, (int)t->profile, sizeof(high))) {
        chroma = bits_golomb(&b);
        if (chroma == 3)
            bits_take(&b, 1);
        bits_golomb(&b);
        bits_golomb(&b);
        bits_take(&b, 1);
        if (bits_take(&b, 1))
            for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++)
                if (bits_take(&b, 1))
                    bits_scaling_list(&b, i < 6 ? 16 : 64);
    }
    bits_golomb(&b);
    switch (bits_golomb(&b)) { /* pic_order_cnt_type */
    case 0: bits_golomb(&b); break;
    case 1:
        bits_take(&b, 1);
        bits_golomb(&b);
        bits_golomb(&b);
        for (uint32_t n = bits_golomb(&b); n-- && !b.bad;)
            bits_golomb(&b);
        break;
    default: break;
    }
    bits_golomb(&b);
    bits_take(&b, 1);
    width = (bits_golomb(&b) + 1) * 16;
    height = (bits_golomb(&b) + 1) * 16;
    fields = !bits_take(&b, 1);
    t->interlaced = fields;
    if (fields) {
        bits_take(&b, 1);
        height *= 2;
    }
    bits_take(&b, 1);
    if (bits_take(&b, 1))
        for (unsigned i = 0; i < 4; i++)
            crop[i] = bits_golomb(&b);
    if (bits_take(&b, 1))
        avc_colour(t, &b);
    if (b.bad)
        return;
    t->coded_width = width - (crop[0] + crop[1]) * (chroma == 1 || chroma == 2 ? 2 : 1);
    t->coded_height = height - (crop[2] + crop[3]) * (chroma == 1 ? 2 : 1) * (fields ? 2 : 1);
}

void config_avc(struct track *t, struct box_cursor c)
{
    struct bytes sps = { 0 };

    t->codec = CODEC_AVC;
    box_skip(&c, 4);
    t->length_size = (box_take(&c, 1) & 3) + 1;
    for (unsigned kind = 0; kind < 2; kind++)
        for (unsigned n = (unsigned)box_take(&c, 1) & (kind ? 255 : 31); n--;) {
            uint64_t size = box_take(&c, 2);
            const uint8_t *set = box_skip(&c, size);

            if (!set || !size)
                return;
            t->parameter_sets++;
            if (!kind && !sps.len)
                sps = bytes_of(set, size);
        }
    if (avc_codec(sps, t->name))
        avc_parameters(t, sps);
}

void config_hevc(struct track *t, struct box_cursor c)
{
    const uint8_t *tier;

    t->codec = CODEC_HEVC;
    box_skip(&c, 1);
    tier = box_skip(&c, HEVC_TIER_BYTES);
    box_skip(&c, 8);
    t->length_size = (box_take(&c, 1) & 3) + 1;
    t->parameter_sets = (unsigned)box_take(&c, 1);
    if (c.bad)
        return;
    t->profile = tier[0] & 31;
    t->level = tier[11];
    t->interlaced = (tier[5] & 0xc0) == 0x40;
    hevc_codec(t->entry, tier, t->name);
}

void config_av1(struct track *t, struct box_cursor c)
{
    const uint8_t *record = box_skip(&c, AV1_RECORD_BYTES);

    t->codec = CODEC_AV1;
    if (!record)
        return;
    t->profile = record[1] >> 5;
    t->level = record[1] & 31;
    av1_codec(record, t->name);
}

void config_vp9(struct track *t, struct box_cursor c)
{
    t->codec = CODEC_VP9;
    box_skip(&c, 4);
    t->profile = (unsigned)box_take(&c, 1);
    t->level = (unsigned)box_take(&c, 1);
    unsigned depth = (unsigned)box_take(&c, 1) >> 4;
    if (!c.bad)
        snprintf(t->name, sizeof(t->name), "%s.%02u.%02u.%02u", t->entry, t->profile, t->level, depth);
}

/* The next descriptor (ISO/IEC 14496-1): its tag, and its body. */
static unsigned descriptor(struct box_cursor *c, struct box_cursor *ret_body)
{
    unsigned tag = (unsigned)box_take(c, 1), size = 0, byte, n = 0;

    do {
        byte = (unsigned)box_take(c, 1);
        size = size << 7 | (byte & 127);
    } while (byte & 128 && ++n < 4);
    if (size > box_left(c))
        c->bad = true;
    *ret_body = *c;
    if (!c->bad)
        ret_body->end = c->at + size;
    box_skip(c, size);
    return tag;
}

static void aac_specific(struct track *t, struct bytes config)
{
    static const unsigned rates[] = { 96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                      22050, 16000, 12000, 11025, 8000,  7350 };
    static const unsigned channels[] = { 0, 1, 2, 3, 4, 5, 6, 8 };
    struct bits b;
    unsigned index;

    bits_of(&b, config, false);
    t->object_type = bits_take(&b, 5);
    if (t->object_type == 31)
        t->object_type = 32 + bits_take(&b, 6);
    index = bits_take(&b, 4);
    t->rate = index == 15 ? bits_take(&b, 24) : index < sizeof(rates) / sizeof(*rates) ? rates[index] : 0;
    index = bits_take(&b, 4);
    if (index > 0 && index < sizeof(channels) / sizeof(*channels))
        t->channels = channels[index];
    if (t->object_type == 5 || t->object_type == 29) { /* the rate that is heard */
        index = bits_take(&b, 4);
        t->rate = index == 15 ? bits_take(&b, 24) : index < sizeof(rates) / sizeof(*rates) ? rates[index] : 0;
    }
    if (!b.bad)
        snprintf(t->name, sizeof(t->name), "mp4a.40.%u", t->object_type);
}

void config_aac(struct track *t, struct box_cursor c)
{
    struct box_cursor es, decoder, specific;
    unsigned flags, kind;

    box_skip(&c, 4);
    if (descriptor(&c, &es) != 3)
        return;
    box_skip(&es, 2);
    flags = (unsigned)box_take(&es, 1);
    box_skip(&es, (flags & 0x80 ? 2 : 0) + (flags & 0x20 ? 2 : 0));
    if (flags & 0x40)
        box_skip(&es, box_take(&es, 1));
    if (descriptor(&es, &decoder) != 4)
        return;
    kind = (unsigned)box_take(&decoder, 1);
    box_skip(&decoder, 12);
    if (kind != 0x40) {
        snprintf(t->name, sizeof(t->name), "mp4a.%02x", kind);
        return;
    }
    t->codec = CODEC_AAC;
    if (descriptor(&decoder, &specific) == 5 && !specific.bad)
        aac_specific(t, bytes_of(specific.at, box_left(&specific)));
}
