/* bits - bounded reading of the bit fields that parameter sets and decoder configurations are made of.
 *
 * Past the end there are zeros, and `bad` says so; so does a number that is longer than any. Holds a copy of its own; owns no
 * memory. Pure, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/bytes.h"

enum { BITS_MOST = 1024 }; /* bytes: what is longer is cut */

struct bits {
    uint8_t data[BITS_MOST];
    size_t len, at; /* in bytes, in bits */
    bool bad;
};

/* nal: without the bytes that keep start codes out of NAL units. */
void bits_of(struct bits *b, struct bytes from, bool nal);
uint32_t bits_take(struct bits *b, unsigned n);              /* n up to 32 */
void bits_skip(struct bits *b, unsigned n);                  /* any number */
void bits_expect(struct bits *b, uint32_t is, uint32_t due); /* bad unless they are equal */
uint32_t bits_golomb(struct bits *b);                        /* Exp-Golomb, unsigned */
