#include "actors/transcode/worker/loudness.h"

#include <math.h>
#include <string.h>

/* ITU-R BS.1770-4: what the head does to a sound, then what is below hearing, as analogue filters; the recommendation gives
 * them digitised for 48 kHz alone. */
#define SHELF_HZ    1681.974450955533
#define SHELF_DB    3.999843853973347
#define SHELF_Q     0.7071752369554196
#define SHELF_POWER 0.4996667741545416
#define PASS_HZ     38.13547087602444
#define PASS_Q      0.5003270373238773
#define CALIBRATION (-0.691) /* LU: a sine of 997 Hz in one channel tells its level */
#define SURROUND    1.41

/* b0 b1 b2 a1 a2 */
static void design(double *to, double b0, double b1, double b2, double k, double q)
{
    double a0 = 1 + k / q + k * k;

    to[0] = b0 / a0;
    to[1] = b1 / a0;
    to[2] = b2 / a0;
    to[3] = 2 * (k * k - 1) / a0;
    to[4] = (1 - k / q + k * k) / a0;
}

static void design_filters(struct loudness *l)
{
    double k = tan(M_PI * SHELF_HZ / l->rate), high = pow(10, SHELF_DB / 20), band = pow(high, SHELF_POWER), one;

    design(l->shelf, high + band * k / SHELF_Q + k * k, 2 * (k * k - high), high - band * k / SHELF_Q + k * k, k,
           SHELF_Q);
    k = tan(M_PI * PASS_HZ / l->rate);
    one = 1 + k / PASS_Q + k * k; /* its factors are 1, -2, 1 in the end */
    design(l->pass, one, -2 * one, one, k, PASS_Q);
}

/* Windowed sines over 12 samples, for quarters of a sample between the middle two. */
static void design_between(struct loudness *l)
{
    const unsigned middle = LOUDNESS_TAPS / 2 - 1;

    for (unsigned p = 0; p < 3; p++)
        for (unsigned i = 0; i < LOUDNESS_TAPS; i++) {
            double x = (double)i - middle - (p + 1) / 4.0;
            double window = cos(M_PI * x / LOUDNESS_TAPS);

            l->between[p][i] = (float)(sin(M_PI * x) / (M_PI * x) * window * window);
        }
}

void loudness_open(struct loudness *l, int rate, int channels, int64_t begin, int64_t first)
{
    *l = (struct loudness) { .rate = rate, .channels = channels, .at = begin, .first = first };
    design_filters(l);
    design_between(l);
}

static double filter(const double *f, double *state, double x)
{
    double y = f[0] * x + state[0];

    state[0] = f[1] * x - f[3] * y + state[1];
    state[1] = f[2] * x - f[4] * y;
    return y;
}

static double energy(struct loudness *l, struct loudness_channel *c, const float *samples, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        double y = filter(l->pass, c->pass, filter(l->shelf, c->shelf, samples[i]));

        sum += y * y;
    }
    return sum;
}

static void tell(struct loudness *l)
{
    const int piece = l->rate / 10;
    double mean = l->energy / piece;
    double level = mean > 0 ? (10 * log10(mean) + CALIBRATION + LOUDNESS_FLOOR) * 100 : 0;

    buf_put_u16(&l->levels, (uint16_t)(level <= 0 ? 0 : level >= UINT16_MAX ? UINT16_MAX : level + 0.5));
    l->energy = 0;
}

static void raise_peak(struct loudness *l, const float *values, int n)
{
    for (int i = 0; i < n; i++)
        l->peak = fabsf(values[i]) > l->peak ? fabsf(values[i]) : l->peak;
}

/* The points of one quarter: tap by tap, which a compiler does several samples at a time. */
static void interpolate(const float *taps, const float *samples, int n, float *to)
{
    memset(to, 0, (size_t)n * sizeof(*to));
    for (unsigned k = 0; k < LOUDNESS_TAPS; k++)
        for (int i = 0; i < n; i++)
            to[i] += taps[k] * samples[i + (int)k];
}

/* As far as the samples reach: the last ones of a block wait for the next. */
static void find_peak(struct loudness *l, struct loudness_channel *c, const float *samples, int n)
{
    float points[LOUDNESS_BLOCK];

    memcpy(c->samples + LOUDNESS_TAPS, samples, (size_t)n * sizeof(float));
    raise_peak(l, samples, l->at >= l->first ? n : 0);
    for (unsigned p = 0; p < 3 && l->at >= l->first; p++) {
        interpolate(l->between[p], c->samples, n, points);
        raise_peak(l, points, n);
    }
    memmove(c->samples, c->samples + n, LOUDNESS_TAPS * sizeof(float));
}

/* Not more than a block, and not past the end of a piece. The channel of low frequencies does not count. */
static void take(struct loudness *l, float *const *planes, int from, int n)
{
    static const double weights[LOUDNESS_CHANNELS] = { 1, 1, 1, 0, SURROUND, SURROUND };
    int64_t piece = l->rate / 10;

    for (int i = 0; i < l->channels; i++) {
        l->energy += weights[i] * energy(l, &l->channel[i], planes[i] + from, n);
        find_peak(l, &l->channel[i], planes[i] + from, n);
    }
    l->at += n;
    if (l->at % piece == 0 && l->at > l->first)
        tell(l);
    else if (l->at % piece == 0)
        l->energy = 0;
}

void loudness_take(struct loudness *l, float *const *planes, int n)
{
    int64_t piece = l->rate / 10;

    for (int at = 0; at < n;) {
        int64_t left = piece - l->at % piece;
        int step = n - at;

        step = step > left ? (int)left : step;
        step = step > LOUDNESS_BLOCK ? LOUDNESS_BLOCK : step;
        take(l, planes, at, step);
        at += step;
    }
}

double loudness_peak(const struct loudness *l)
{
    double floor = pow(10, -LOUDNESS_FLOOR / 20.0);

    return 20 * log10(l->peak > 1 / floor ? 1 / floor : l->peak > floor ? l->peak : floor);
}

void loudness_close(struct loudness *l)
{
    buf_free(&l->levels);
}
