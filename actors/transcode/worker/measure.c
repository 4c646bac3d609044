#include "actors/transcode/worker/measure.h"

#include <ctype.h>
#include <libavutil/mathematics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const AVRational standard[] = {
    { 10, 1 },       { 12, 1 }, { 25, 2 },       { 15, 1 },        { 20, 1 },  { 24000, 1001 },
    { 24, 1 },       { 25, 1 }, { 30000, 1001 }, { 30, 1 },        { 48, 1 },  { 50, 1 },
    { 60000, 1001 }, { 60, 1 }, { 100, 1 },      { 120000, 1001 }, { 120, 1 },
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static bool near(double a, double b, double share)
{
    return fabs(a / b - 1) < share;
}

/* The nearest standard rate within a share of it, or 0/1. */
static AVRational snap(double fps, double share)
{
    AVRational best = { 0, 1 };

    for (size_t i = 0; i < sizeof(standard) / sizeof(*standard); i++)
        if (near(av_q2d(standard[i]), fps, share)) {
            best = standard[i];
            share = fabs(av_q2d(best) / fps - 1);
        }
    return best;
}

/* Of several figures for one rate, the finest first: one that is a standard rate, else the first that is near the
 * last, which is the coarsest but cannot be far off. */
static AVRational settle(const double *figures, unsigned n)
{
    double coarse = figures[n - 1];

    for (unsigned i = 0; i < n; i++)
        if (near(figures[i], coarse, 0.03) && snap(figures[i], 0.003).num)
            return snap(figures[i], 0.003);
    if (snap(coarse, 0.01).num)
        return snap(coarse, 0.01);
    for (unsigned i = 0; i < n; i++)
        if (near(figures[i], coarse, 0.03))
            return av_d2q(figures[i], 100000);
    return av_d2q(coarse, 100000);
}

static bool is_odd(int64_t step, int64_t middle)
{
    return step * 5 > middle * 6 || step * 5 < middle * 4;
}

/* The mean of those near the middle one: of a file that counts in coarse units and has gaps, neither one distance nor all of
 * them together are the rate. */
static double regular(const int64_t *steps, unsigned n)
{
    double sum = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < n; i++)
        if (!is_odd(steps[i], steps[n / 2])) {
            sum += (double)steps[i];
            count++;
        }
    return sum / count;
}

/* The distances between neighbours, sorted. */
static unsigned distances(const struct measure_times *t, int64_t *steps)
{
    unsigned n = 0;

    for (unsigned i = 1; i < t->n; i++)
        if (t->at[i] > t->at[i - 1])
            steps[n++] = t->at[i] - t->at[i - 1];
    qsort(steps, n, sizeof(*steps), by_value);
    return n;
}

struct measured_rate measure_rate(struct measure_times *t, AVRational base, AVRational claimed)
{
    struct measured_rate rate = { .fps = { 0, 1 } };
    double claim = claimed.num > 0 && claimed.den > 0 ? av_q2d(claimed) : 0, figures[4];
    int64_t steps[MEASURE_TIMES], middle;
    unsigned n, odd = 0, whole;

    qsort(t->at, t->n, sizeof(*t->at), by_value);
    n = distances(t, steps);
    if (n < 1) {
        rate.fps = claim > 1 && claim <= 240 ? settle(&claim, 1) : rate.fps;
        return rate;
    }
    for (unsigned i = 0; i < n; i++)
        odd += is_odd(steps[i], steps[n / 2]);
    rate.variable = odd * 10 > n;
    whole = n - n / 4; /* in order of decoding, the last ones may lack neighbours that were not read yet */
    figures[0] = claim;
    figures[1] = whole / ((double)(t->at[whole] - t->at[0]) * av_q2d(base));
    middle = steps[n / 2];
    figures[2] = 1 / (regular(steps, n) * av_q2d(base));
    figures[3] = 1 / ((double)middle * av_q2d(base));
    rate.fps = rate.variable ? settle(figures + 3, 1) : settle(figures, 4);
    return rate;
}

/* Decodes one character; its length, or 0 when it is malformed. */
static unsigned character(const unsigned char *s, size_t left, uint32_t *ret)
{
    unsigned len = *s < 0x80                 ? 1
                   : *s >= 0xc2 && *s < 0xe0 ? 2
                   : *s >= 0xe0 && *s < 0xf0 ? 3
                   : *s >= 0xf0 && *s < 0xf5 ? 4
                                             : 0;
    uint32_t c = len == 1 ? *s : len == 2 ? *s & 31u : len == 3 ? *s & 15u : *s & 7u;

    if (!len || len > left)
        return 0;
    for (unsigned i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 63u);
    }
    if ((len == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (len == 4 && (c < 0x10000 || c > 0x10ffff)))
        return 0;
    *ret = c;
    return len;
}

static bool harmless(uint32_t c)
{
    return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x202a && c <= 0x202e) &&
           !(c >= 0x2066 && c <= 0x2069) && c != 0x2028 && c != 0x2029 && c != 0xfeff && (c & 0xfffe) != 0xfffe;
}

const char *measure_text(struct arena *arena, const char *text, size_t max)
{
    size_t left = text ? strlen(text) : 0, at = 0;
    char *out;

    if (!left)
        return NULL;
    if (left > max * 8)
        left = max * 8; /* whatever follows cannot matter much */
    out = arena_alloc(arena, left + 1);
    while (left && max) {
        uint32_t c = 0;
        unsigned len = character((const unsigned char *)text, left, &c), step = len ? len : 1;

        if (len && harmless(c)) {
            memcpy(out + at, text, len);
            at += len;
            max--;
        }
        text += step;
        left -= step;
    }
    return at ? out : NULL;
}

const char *measure_language(struct arena *arena, const char *text)
{
    size_t len = text ? strlen(text) : 0, part = 0;
    char *out;

    if (len < 2 || len > 16)
        return "und";
    out = arena_strdup(arena, text);
    for (size_t i = 0; i < len; i++) {
        if (out[i] == '-' || out[i] == '_') {
            if (part < 2 || part > 8)
                return "und";
            out[i] = '-';
            part = 0;
        } else if (isalnum((unsigned char)out[i]) && (isalpha((unsigned char)out[i]) || i > 3)) {
            part++;
        } else {
            return "und";
        }
    }
    return part >= 2 && part <= 8 ? out : "und";
}
