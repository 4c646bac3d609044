#include "actors/catalog/media/ladder.h"

#include <math.h>
#include <stdio.h>

struct rung_rule {
    uint32_t side;
    uint32_t cap30, cap60; /* kb/s at 16:9, up to 30 and up to 60 frames a second */
    double crf;
    const char *preset;
};

static const struct rung_rule rules[] = {
    /* largest first */
    { 1080, 6000, 8500, 23.0, "veryfast" }, { 720, 3300, 4800, 23.0, "veryfast" },
    { 480, 1500, 1500, 23.5, "faster" },    { 360, 850, 850, 24.0, "fast" },
    { 240, 400, 400, 25.0, "medium" },      { 144, 110, 110, 27.0, "medium" },
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* Beside H.264. Rate factors are for the same likeness (SSIM) as H.264 has with its own, caps for as much likeness as at its cap:
 * MEDIA.md of transcode says how they were found. All encoders work on all sizes with one preset. */
static const struct codec_rule {
    enum picture_codec codec;
    const char *name, *preset;
    double crf_more, crf_times; /* of H.264's */
    uint32_t cap_percent;
} codecs[] = {
    { PICTURE_CODEC_HEVC, "hevc", "veryfast", 1.0, 1.0, 75 },
    { PICTURE_CODEC_AV1, "av1", "10", 0.0, 1.4, 65 },
};

static const struct {
    uint32_t num, den;
} rates[] = { { 10, 1 }, { 12, 1 },       { 25, 2 }, { 15, 1 }, { 20, 1 },       { 24000, 1001 }, { 24, 1 },
              { 25, 1 }, { 30000, 1001 }, { 30, 1 }, { 50, 1 }, { 60000, 1001 }, { 60, 1 } };
enum { RATES = sizeof(rates) / sizeof(rates[0]) };

static const struct {
    uint32_t level, blocks_s, blocks, kbps; /* macroblocks a second, in a picture; High profile's rate */
} levels[] = { { 10, 1485, 99, 80 },          { 11, 3000, 396, 240 },        { 12, 6000, 396, 480 },
               { 13, 11880, 396, 960 },       { 20, 11880, 396, 2500 },      { 21, 19800, 792, 5000 },
               { 22, 20250, 1620, 5000 },     { 30, 40500, 1620, 12500 },    { 31, 108000, 3600, 17500 },
               { 32, 216000, 5120, 25000 },   { 40, 245760, 8192, 25000 },   { 42, 522240, 8704, 62500 },
               { 50, 589824, 22080, 168750 }, { 51, 983040, 36864, 300000 }, { 52, 2073600, 36864, 300000 } };
enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

/* The standard rate that this one is, or the next above it; 60 when there is none above. */
static size_t ladder_rate(double fps, bool *ret_exact)
{
    size_t above = RATES - 1;
    for (size_t i = RATES; i-- > 0;) {
        double rate = (double)rates[i].num / rates[i].den;
        if (rate >= fps * 0.99)
            above = i;
    }
    for (size_t i = 0; i < RATES; i++) {
        double rate = (double)rates[i].num / rates[i].den;
        *ret_exact = fabs(rate - fps) < rate * 0.0002; /* tight: 23.976 is not 24 */
        if (*ret_exact)
            return i;
    }
    return above;
}

void ladder_snap(uint32_t num, uint32_t den, uint32_t *ret_num, uint32_t *ret_den)
{
    double fps = num && den ? (double)num / den : 30.0;
    bool exact;
    size_t best = ladder_rate(fps, &exact);
    /* Faster than 60: the exact half or quarter when that is a standard rate, else 60. */
    for (unsigned part = 2; fps > 60.6 && part <= 4; part *= 2) {
        size_t i = ladder_rate(fps / part, &exact);
        if (exact) {
            best = i;
            break;
        }
    }
    *ret_num = rates[best].num;
    *ret_den = rates[best].den;
}

/* The smallest level that holds the size, the rate of pictures and the cap. A side is at most sqrt(8 * blocks). */
static uint32_t ladder_level(uint32_t width, uint32_t height, double fps, uint32_t kbps)
{
    uint32_t across = (width + 15) / 16, down = (height + 15) / 16, blocks = across * down;
    uint32_t longest = across > down ? across : down;
    for (size_t i = 0; i < LEVELS; i++) {
        if (blocks <= levels[i].blocks && blocks * fps <= levels[i].blocks_s && kbps <= levels[i].kbps &&
            (uint64_t)longest * longest <= 8ull * levels[i].blocks)
            return levels[i].level;
    }
    return levels[LEVELS - 1].level;
}

static uint32_t ladder_even(double size)
{
    long n = lround(size / 2) * 2;
    return n < 2 ? 2 : (uint32_t)n;
}

/* The cap for a picture of so many pixels: a line through the caps of the 16:9 rungs. */
static uint32_t ladder_cap(double pixels, bool fast)
{
    double above_px = 0, above_cap = 0;
    for (size_t i = 0; i < RULES; i++) {
        double px = (double)rules[i].side * ladder_even(rules[i].side * 16.0 / 9);
        double cap = fast ? rules[i].cap60 : rules[i].cap30;
        if (pixels >= px) {
            if (i == 0)
                return (uint32_t)(cap * pixels / px);
            return (uint32_t)(cap + (above_cap - cap) * (pixels - px) / (above_px - px) + 0.5);
        }
        above_px = px;
        above_cap = cap;
    }
    double least = above_cap * pixels / above_px;
    return least < 48 ? 48 : (uint32_t)least;
}

static const struct rung_rule *ladder_rule(uint32_t side)
{
    for (size_t i = 0; i < RULES; i++) {
        if (side >= rules[i].side)
            return &rules[i];
    }
    return &rules[RULES - 1];
}

static void ladder_add(struct ladder *ladder, const struct ladder_source *source, uint32_t side)
{
    struct ladder_rung *rung = &ladder->rungs[ladder->rungs_n++];
    uint32_t shorter = source->width < source->height ? source->width : source->height;
    double scale = (double)side / shorter, fps = (double)ladder->fps_num / ladder->fps_den;
    const struct rung_rule *rule = ladder_rule(side);
    double longest = (source->width > source->height ? source->width : source->height) * scale;
    if (longest > 4096) /* a strip: no level and no player wants a longer side */
        scale *= 4096 / longest;
    rung->width = ladder_even(source->width * scale);
    rung->height = ladder_even(source->height * scale);
    rung->fps_div = fps >= 47.9 && side <= 480 ? 2 : 1;
    bool fast = fps / rung->fps_div > 30.5;
    rung->crf = rule->crf;
    rung->preset = rule->preset;
    rung->maxrate_kbps = ladder_cap((double)rung->width * rung->height, fast);
    rung->level = ladder_level(rung->width, rung->height, fps / rung->fps_div, rung->maxrate_kbps);
    rung->codec = PICTURE_CODEC_H264;
    snprintf(rung->dir, sizeof(rung->dir), "v/h264-%u", side);
}

static uint32_t ladder_side(const struct ladder_rung *rung)
{
    return rung->width < rung->height ? rung->width : rung->height;
}

uint32_t ladder_add_codec(struct ladder *ladder, enum picture_codec codec)
{
    const struct codec_rule *rule = codecs;
    uint32_t added = 0;
    while (rule->codec != codec)
        rule++;
    for (size_t i = 0; i < ladder->rungs_n; i++) {
        struct ladder_rung *rung = &ladder->rungs[ladder->all_n];
        if (ladder->left_out >> i & 1)
            continue;
        *rung = ladder->rungs[i];
        rung->codec = codec;
        rung->crf = round(rung->crf * rule->crf_times + rule->crf_more);
        rung->maxrate_kbps = rung->maxrate_kbps * rule->cap_percent / 100;
        rung->level = 0;
        rung->preset = rule->preset;
        rung->copy_gop = 0;
        snprintf(rung->dir, sizeof(rung->dir), "v/%s-%u", rule->name, ladder_side(rung));
        added |= 1u << ladder->all_n++;
    }
    return added;
}

static void ladder_copy_top(struct ladder *ladder, const struct ladder_source *source)
{
    struct ladder_rung *top = &ladder->rungs[0];
    bool same = top->width == source->width && top->height == source->height && top->fps_div == 1 &&
                (uint64_t)ladder->fps_num * source->fps_den == (uint64_t)source->fps_num * ladder->fps_den;
    /* The preview's rung is made ahead and by itself: it is never this one. */
    if (!same || !source->copy_gop || source->copy_kbps > top->maxrate_kbps || source->interlaced ||
        ladder->preview == 0)
        return;
    uint32_t times = (ladder->gop + source->copy_gop / 2) / source->copy_gop;
    uint32_t gop = source->copy_gop * (times ? times : 1);
    if ((uint64_t)gop * ladder->fps_den > (uint64_t)LADDER_GOP_S * ladder->fps_num)
        return;
    for (size_t i = 0; i < ladder->rungs_n; i++) {
        if (gop % ladder->rungs[i].fps_div)
            return;
    }
    ladder->gop = gop;
    top->copy_gop = source->copy_gop;
    snprintf(top->dir, sizeof(top->dir), "v/source-%u", ladder_side(top));
}

void ladder_encode_top(struct ladder *ladder)
{
    struct ladder_rung *top = &ladder->rungs[0];
    top->copy_gop = 0;
    snprintf(top->dir, sizeof(top->dir), "v/h264-%u", ladder_side(top));
}

static void ladder_rungs(struct ladder *ladder, const struct ladder_source *source)
{
    uint32_t side = source->width < source->height ? source->width : source->height;
    side -= side > 2 ? side % 2 : 0;
    uint32_t top = side < LADDER_TOP ? side : LADDER_TOP;
    ladder_add(ladder, source, top);
    for (size_t i = 0; i < RULES; i++) {
        /* 144p is for sources so small that they would have one rung alone. */
        bool wanted = rules[i].side >= 240 || ladder->rungs_n < 2;
        /* A rung that is hardly smaller than the one above it is not worth its CPU and its disk. */
        if (wanted && rules[i].side * 100 <= top * 89)
            ladder_add(ladder, source, rules[i].side);
    }
}

void ladder_plan(const struct ladder_source *source, struct ladder *ret)
{
    *ret = (struct ladder) { 0 };
    ladder_snap(source->fps_num, source->fps_den, &ret->fps_num, &ret->fps_den);
    uint32_t shorter = source->width < source->height ? source->width : source->height;
    double fps = (double)ret->fps_num / ret->fps_den;
    if (source->interlaced) {
        /* Motion of 25 or 30 fields pairs is worth keeping where the picture is large enough to show it. */
        ret->double_rate = fps <= 30.1 && fps >= 23.9 && shorter >= 720;
        ret->deinterlace = !ret->double_rate;
        if (ret->double_rate)
            ladder_snap(ret->fps_num * 2, ret->fps_den, &ret->fps_num, &ret->fps_den);
        fps = (double)ret->fps_num / ret->fps_den;
    }
    ret->gop = (uint32_t)lround(fps * 2);
    ladder_rungs(ret, source);
    ret->all_n = ret->rungs_n;
    for (size_t i = 0; i < ret->rungs_n; i++) {
        if (ladder_side(&ret->rungs[i]) >= 300)
            ret->preview = i;
    }
    if (ret->rungs[0].height < 300 && ret->rungs[0].width < 300)
        ret->preview = 0;
    ladder_copy_top(ret, source);
}
