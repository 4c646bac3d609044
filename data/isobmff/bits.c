/* bits - see bits.h */
#include "data/isobmff/bits.h"

void bits_of(struct bits *b, struct bytes from, bool nal)
{
    const uint8_t *d = from.data;
    unsigned zeros = 0;

    *b = (struct bits) { 0 };
    for (size_t i = 0; i < from.len && b->len < sizeof(b->data); i++) {
        if (nal && zeros >= 2 && d[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = d[i] ? 0 : zeros + 1;
        b->data[b->len++] = d[i];
    }
}

uint32_t bits_take(struct bits *b, unsigned n)
{
    uint32_t value = 0;

    for (; n--; b->at++) {
        if (b->at / 8 >= b->len) {
            b->bad = true;
            return 0;
        }
        value = value << 1 | (b->data[b->at / 8] >> (7 - b->at % 8) & 1u);
    }
    return value;
}

void bits_skip(struct bits *b, unsigned n)
{
    if (n > b->len * 8 - b->at)
        b->bad = true;
    else
        b->at += n;
}

void bits_expect(struct bits *b, uint32_t is, uint32_t due)
{
    if (is != due)
        b->bad = true;
}

uint32_t bits_golomb(struct bits *b)
{
    unsigned zeros = 0;

    while (!b->bad && zeros < 32 && !bits_take(b, 1))
        zeros++;
    if (zeros == 32)
        b->bad = true;
    return b->bad ? 0 : (1u << zeros) - 1 + bits_take(b, zeros);
}
