/* range - the Range header of RFC 9110 §14, for byte ranges.
 *
 * What is not a well-formed byte range is ignored, as the RFC asks: the answer is then the whole object.
 * Ranges that overlap or touch are joined, and what would need more than RANGE_MAX pieces is answered whole:
 * many small ranges are an attack, not a reader. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RANGE_MAX 16

struct range {
    uint64_t from, to; /* both bytes belong to it */
};

enum range_kind {
    RANGE_WHOLE,   /* no range, or one that is ignored */
    RANGE_PARTS,   /* ret[0 .. *ret_n): 206, multipart/byteranges when more than one */
    RANGE_OUTSIDE, /* 416: none of them holds a byte of the object */
};

/* header NULL: RANGE_WHOLE. Ranges come in ascending order. */
enum range_kind range_parse(const char *header, uint64_t size, struct range ret[static RANGE_MAX], size_t *ret_n);
