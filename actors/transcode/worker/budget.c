#include "actors/transcode/worker/budget.h"

#include <math.h>
#include <string.h>

#define LARGEST  10.0f /* what the loudest line becomes, at the finest: 2 ** 10 */
#define SMALLEST 4e-5f /* of it: less than a half */
#define LEAST    100   /* bits for what is beside the lines */

int budget_open(struct budget *b, int rate, int channels)
{
    float scale = 1;

    *b = (struct budget) { .rate = rate, .channels = channels };
    for (int i = 0; i < 2 * BUDGET_FRAME; i++)
        b->window[i] = (float)sin(M_PI * (i + 0.5) / (2 * BUDGET_FRAME));
    return av_tx_init(&b->transform, &b->run, AV_TX_FLOAT_MDCT, 0, BUDGET_FRAME, &scale, AV_TX_UNALIGNED);
}

/* Of a line whose number is 2 ** n, as Huffman codes go: pairs of small numbers share one, large ones are written out. */
static float line_bits(float n)
{
    return n < -1 ? 0 : n < 4 ? 2.6f + 1.1f * n : 2 + 2 * n;
}

/* Up to a little more than `most`. */
static float channel_bits(struct budget *b, const float *samples, float most)
{
    float in[2 * BUDGET_FRAME], lines[BUDGET_FRAME], peak = 0, bits = LEAST;

    for (int i = 0; i < 2 * BUDGET_FRAME; i++)
        in[i] = samples[i] * b->window[i];
    b->run(b->transform, lines, in, sizeof(float));
    for (int i = 0; i < BUDGET_FRAME; i++)
        peak = fmaxf(peak, fabsf(lines[i]));
    for (int i = 0; peak > 0 && i < BUDGET_FRAME && bits < most; i++)
        if (fabsf(lines[i]) > peak * SMALLEST)
            bits += line_bits(LARGEST + 0.75f * log2f(fabsf(lines[i]) / peak));
    return bits;
}

int64_t budget_take(struct budget *b, float *const *planes, int64_t most)
{
    float a_bit = (float)b->channels * (float)b->rate / BUDGET_FRAME, most_bits = (float)most / a_bit, bits = 0;

    for (int c = 0; c < b->channels; c++)
        bits = fmaxf(bits, channel_bits(b, b->last[c], most_bits));
    for (int c = 0; c < b->channels; c++) {
        memmove(b->last[c], b->last[c] + BUDGET_FRAME, sizeof(b->last[c]) / 2);
        memcpy(b->last[c] + BUDGET_FRAME, planes[c], sizeof(b->last[c]) / 2);
    }
    return bits < most_bits ? (int64_t)(bits * a_bit) : most;
}

void budget_close(struct budget *b)
{
    av_tx_uninit(&b->transform);
}
