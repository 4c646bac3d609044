#include "data/isobmff/nal.h"

#include <stdio.h>

bool avc_codec(struct bytes sps, char codec[32])
{
    const uint8_t *d = sps.data;

    if (sps.len < 4)
        return false;
    snprintf(codec, 32, "avc1.%02x%02x%02x", d[1], d[2], d[3]);
    return true;
}

bool avc_next_nal(struct box_cursor *c, unsigned length_size, struct bytes *ret)
{
    uint64_t size;

    if (c->bad || c->at == c->end)
        return false;
    size = box_take(c, length_size);
    if (c->bad || size == 0 || size > box_left(c)) {
        c->bad = true;
        return false;
    }
    *ret = bytes_of(box_skip(c, size), size);
    return true;
}
