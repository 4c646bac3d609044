#include "actors/catalog/media/loudness.h"

#include <math.h>
#include <string.h>

#include "data/isobmff/box.h"

enum {
    LOUDNESS_FLOOR = 120,
    LOUDNESS_BLOCK = 4,  /* pieces of a momentary loudness: 0.4 s */
    LOUDNESS_SHORT = 30, /* of a short-term one: 3 s */
    LOUDNESS_STEPS = 2048,
    LOUDNESS_SYSTEM = 2 << 4 | 3 /* measured as BS.1770-4 says; accurate */
};

#define LOUDNESS_GATE (-70.0) /* LUFS: what is softer is no part of the film */
#define LOUDNESS_STEP 0.05    /* LU */

/* Blocks that overlap by all but a piece, counted by their loudness. */
struct loudness_blocks {
    uint64_t count[LOUDNESS_STEPS];
    double energy[LOUDNESS_STEPS];
};

static double loudness_energy(const uint8_t *level)
{
    unsigned value = (unsigned)level[0] << 8 | level[1];

    return value ? pow(10, (value / 100.0 - LOUDNESS_FLOOR) / 10) : 0;
}

static double loudness_of(double energy)
{
    return energy > 0 ? 10 * log10(energy) : -LOUDNESS_FLOOR;
}

static void loudness_add(struct loudness_blocks *b, double energy)
{
    double loud = loudness_of(energy), step = (loud - LOUDNESS_GATE) / LOUDNESS_STEP;
    size_t at = step < 0 ? 0 : step < LOUDNESS_STEPS ? (size_t)step : LOUDNESS_STEPS - 1;

    if (loud <= LOUDNESS_GATE)
        return;
    b->count[at]++;
    b->energy[at] += energy;
}

static void loudness_count(struct bytes levels, size_t length, struct loudness_blocks *ret)
{
    const uint8_t *at = levels.data;
    double window[LOUDNESS_SHORT];

    *ret = (struct loudness_blocks) { .count = { 0 } };
    for (size_t i = 0; i < levels.len / 2; i++) {
        double sum = 0;

        window[i % length] = loudness_energy(at + 2 * i);
        for (size_t k = 0; i + 1 >= length && k < length; k++)
            sum += window[k];
        loudness_add(ret, sum / (double)length);
    }
}

/* The mean of the blocks from a loudness on. */
static double loudness_mean(const struct loudness_blocks *b, double from, uint64_t *ret_n)
{
    double energy = 0;

    *ret_n = 0;
    for (size_t s = 0; s < LOUDNESS_STEPS; s++) {
        if (!b->count[s] || loudness_of(b->energy[s] / (double)b->count[s]) <= from)
            continue;
        energy += b->energy[s];
        *ret_n += b->count[s];
    }
    return *ret_n ? loudness_of(energy / (double)*ret_n) : -LOUDNESS_FLOOR;
}

/* The loudness that a share of the blocks above `from` stays under. */
static double loudness_percentile(const struct loudness_blocks *b, double from, uint64_t n, double share)
{
    uint64_t seen = 0, wanted = (uint64_t)(share * (double)(n - 1) + 0.5);

    for (size_t s = 0; s < LOUDNESS_STEPS; s++) {
        double loud = b->count[s] ? loudness_of(b->energy[s] / (double)b->count[s]) : from;

        if (loud <= from)
            continue;
        seen += b->count[s];
        if (seen > wanted)
            return loud;
    }
    return from;
}

bool loudness_measure(struct bytes levels, struct loudness *ret)
{
    struct loudness_blocks blocks;
    uint64_t n;

    loudness_count(levels, LOUDNESS_BLOCK, &blocks);
    ret->program = loudness_mean(&blocks, loudness_mean(&blocks, LOUDNESS_GATE, &n) - 10, &n);
    if (!n)
        return false;
    loudness_count(levels, LOUDNESS_SHORT, &blocks);
    double gate = loudness_mean(&blocks, LOUDNESS_GATE, &n) - 20;

    loudness_mean(&blocks, gate, &n);
    ret->range = n ? loudness_percentile(&blocks, gate, n, 0.95) - loudness_percentile(&blocks, gate, n, 0.10) : 0;
    return true;
}

/* ---- the box */

static uint8_t loudness_coded(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

/* Quarters of a LU up to 32, halves up to 70, then whole ones. */
static uint8_t loudness_coded_range(double range)
{
    return loudness_coded(range <= 32 ? range * 4 : range <= 70 ? (range + 32) * 2 : range + 134);
}

static void loudness_box(struct buf *out, const struct loudness *l)
{
    double peak = (20 - l->peak) * 32;
    uint32_t coded = peak < 1 ? 1 : peak > 4095 ? 4095 : (uint32_t)(peak + 0.5);
    uint8_t methods[] = { 2,
                          1 /* of the program */,
                          loudness_coded((l->program + 57.75) * 4),
                          LOUDNESS_SYSTEM,
                          6 /* range */,
                          loudness_coded_range(l->range),
                          LOUDNESS_SYSTEM };
    uint32_t size = 12 + 2 + 4 + sizeof(methods);

    buf_put_u32(out, 8 + 8 + size);
    buf_put(out, "udta", 4);
    buf_put_u32(out, 8 + size);
    buf_put(out, "ludt", 4);
    buf_put_u32(out, size);
    buf_put(out, "tlou", 4);
    buf_put_u32(out, 0);
    buf_put_u16(out, 0);                            /* for every down-mix, without compression of dynamics */
    buf_put_u32(out, coded << 8 | LOUDNESS_SYSTEM); /* the peak of the samples is not told */
    buf_put(out, methods, sizeof(methods));
}

static void loudness_grow(struct buf *out, size_t at, size_t by)
{
    uint8_t *d = out->data + at;
    uint32_t size = ((uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3]) + (uint32_t)by;
    uint8_t raw[4] = { (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size };

    memcpy(d, raw, sizeof(raw));
}

int loudness_into_init(struct bytes init, const struct loudness *loudness, struct buf *out)
{
    const uint8_t *start = init.data;
    struct box moov, trak, udta;
    size_t end, before = out->len;

    if (!box_find(box_cursor_of(init), "moov", &moov) || !box_find(moov.body, "trak", &trak) ||
        box_find(trak.body, "udta", &udta) || moov.header != 8 || trak.header != 8)
        return -1;
    end = (size_t)(trak.body.end - start);
    buf_put(out, start, end);
    loudness_box(out, loudness);
    size_t grown = out->len - before - end;
    buf_put(out, start + end, init.len - end);
    loudness_grow(out, before + (size_t)(moov.start - start), grown);
    loudness_grow(out, before + (size_t)(trak.start - start), grown);
    return 0;
}
