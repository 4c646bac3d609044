#include "actors/transcode/media/avc.h"

#include "schemas/wire/plant.h"

#define SPS_MOST 256 /* bytes; ordinary ones have 20 to 60 */

/* Bits of the payload, the bytes that prevent start codes left out. */
struct bits {
    uint8_t bytes[SPS_MOST];
    size_t len, at; /* bytes, bits */
    bool bad;       /* read past the end, or a number that is no number */
};

static void open_bits(struct bits *b, const uint8_t *from, size_t len)
{
    unsigned zeros = 0;

    for (size_t i = 0; i < len; i++) {
        if (zeros >= 2 && from[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = from[i] ? 0 : zeros + 1;
        b->bytes[b->len++] = from[i];
    }
}

static uint32_t take(struct bits *b, unsigned n)
{
    uint32_t value = 0;

    while (n--) {
        if (b->at >= b->len * 8) {
            b->bad = true;
            return 0;
        }
        value = value << 1 | (b->bytes[b->at / 8] >> (7 - b->at % 8) & 1u);
        b->at++;
    }
    return value;
}

/* Exp-Golomb, unsigned. */
static uint32_t number(struct bits *b)
{
    unsigned zeros = 0;

    while (!b->bad && !take(b, 1))
        zeros++;
    if (zeros > 24) /* nothing that is read here is as large */
        b->bad = true;
    return b->bad ? 0 : (1u << zeros) - 1 + take(b, zeros);
}

static void expect(struct bits *b, uint32_t is, uint32_t due)
{
    if (is != due)
        b->bad = true;
}

/* Only 4:2:0 in 8 bits without scaling lists. */
static void read_high(struct bits *b)
{
    expect(b, number(b), 1);
    expect(b, number(b), 0);
    expect(b, number(b), 0);
    expect(b, take(b, 1), 0);
    expect(b, take(b, 1), 0);
}

static void read_order(struct bits *b)
{
    uint32_t type = number(b);

    if (type == 0)
        number(b);
    else
        expect(b, type, 2);
}

static void read_size(struct bits *b, struct avc_picture *ret)
{
    uint32_t across = number(b) + 1, down = number(b) + 1, crop[4] = { 0 };

    expect(b, take(b, 1), 1); /* frames, not fields */
    take(b, 1);
    if (take(b, 1))
        for (unsigned i = 0; i < 4; i++)
            crop[i] = number(b);
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
    uint32_t code = take(b, 8);

    if (code == 255) {
        ret->sar_num = take(b, 16);
        ret->sar_den = take(b, 16);
    } else if (code > 1) {
        ret->sar_num = 0; /* one of the table's, none of which is square */
    }
}

/* As far as the colours; what follows is about timing. */
static void read_vui(struct bits *b, struct avc_picture *ret)
{
    if (take(b, 1))
        read_aspect(b, ret);
    if (take(b, 1))
        take(b, 1);
    if (!take(b, 1))
        return;
    take(b, 3);
    ret->full_range = take(b, 1);
    if (take(b, 1)) {
        ret->primaries = take(b, 8);
        ret->transfer = take(b, 8);
        ret->matrix = take(b, 8);
    }
}

int avc_read_sps(const uint8_t *sps, size_t len, struct avc_picture *ret)
{
    struct bits b = { .bad = len < 5 || len > SPS_MOST || (sps[0] & 31) != 7 };

    *ret = (struct avc_picture) { .sar_num = 1, .sar_den = 1, .primaries = 2, .transfer = 2, .matrix = 2 };
    if (b.bad)
        return -1;
    ret->profile = sps[1];
    ret->level = sps[3];
    open_bits(&b, sps + 4, len - 4);
    number(&b);
    if (ret->profile == 100)
        read_high(&b);
    else
        expect(&b, ret->profile, 77);
    number(&b);
    read_order(&b);
    if (number(&b) > 16)
        b.bad = true;
    take(&b, 1);
    read_size(&b, ret);
    if (take(&b, 1))
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
