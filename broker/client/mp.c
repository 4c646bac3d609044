#include "broker/client/mp.h"

#include <string.h>

enum { MP_DEPTH = 8 };

struct mp mp_of(struct bytes in)
{
    const uint8_t *at = in.data;

    return (struct mp) { .at = at, .end = at ? at + in.len : at };
}

bool mp_end(const struct mp *mp)
{
    return mp->at == mp->end;
}

/* Big-endian number of `size` bytes behind the type byte. */
static bool mp_number(const struct mp *mp, unsigned size, uint64_t *ret)
{
    uint64_t n = 0;

    if ((size_t)(mp->end - mp->at) < 1u + size)
        return false;
    for (unsigned i = 1; i <= size; i++)
        n = n << 8 | mp->at[i];
    *ret = n;
    return true;
}

/* A header that is either in the type byte itself or in `size` bytes behind it. */
static bool mp_count(struct mp *mp, uint8_t fix, uint8_t fix_mask, uint8_t wide, uint32_t *ret)
{
    uint8_t type;
    uint64_t n;
    unsigned size;

    if (mp_end(mp))
        return false;
    type = *mp->at;
    if ((type & fix_mask) == fix) {
        *ret = type & (uint8_t)~fix_mask;
        mp->at++;
        return true;
    }
    if (type != wide && type != wide + 1)
        return false;
    size = type == wide ? 2 : 4;
    if (!mp_number(mp, size, &n))
        return false;
    *ret = (uint32_t)n;
    mp->at += 1 + size;
    return true;
}

bool mp_get_map(struct mp *mp, uint32_t *ret_pairs)
{
    return mp_count(mp, 0x80, 0xf0, 0xde, ret_pairs);
}

bool mp_get_array(struct mp *mp, uint32_t *ret_items)
{
    return mp_count(mp, 0x90, 0xf0, 0xdc, ret_items);
}

bool mp_get_uint(struct mp *mp, uint64_t *ret)
{
    uint8_t type;
    unsigned size;

    if (mp_end(mp))
        return false;
    type = *mp->at;
    if (type < 0x80) {
        *ret = type;
        mp->at++;
        return true;
    }
    if (type < 0xcc || type > 0xcf)
        return false;
    size = 1u << (type - 0xcc);
    if (!mp_number(mp, size, ret))
        return false;
    mp->at += 1 + size;
    return true;
}

/* How many bytes the length of text or bytes takes behind the type byte; -1: neither of them. */
static int mp_data_width(uint8_t type)
{
    if ((type & 0xe0) == 0xa0)
        return 0;
    switch (type) {
    case 0xc4:
    case 0xd9: return 1;
    case 0xc5:
    case 0xda: return 2;
    case 0xc6:
    case 0xdb: return 4;
    default: return -1;
    }
}

bool mp_get_data(struct mp *mp, struct bytes *ret)
{
    uint64_t len;
    int width;

    if (mp_end(mp))
        return false;
    width = mp_data_width(*mp->at);
    if (width < 0)
        return false;
    if (width == 0)
        len = *mp->at & 0x1f;
    else if (!mp_number(mp, (unsigned)width, &len))
        return false;
    if ((uint64_t)(mp->end - mp->at) < 1u + (unsigned)width + len)
        return false;
    *ret = (struct bytes) { mp->at + 1 + width, (size_t)len };
    mp->at += 1 + (unsigned)width + len;
    return true;
}

/* Bytes of a value without children, type byte included; 0: not such a value. */
static unsigned mp_scalar_size(uint8_t type)
{
    if (type < 0x80 || type >= 0xe0)
        return 1;
    switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3: return 1;
    case 0xcc:
    case 0xd0: return 2;
    case 0xcd:
    case 0xd1: return 3;
    case 0xca:
    case 0xce:
    case 0xd2: return 5;
    case 0xcb:
    case 0xcf:
    case 0xd3: return 9;
    default: return 0; /* extension types are not part of the protocol */
    }
}

static bool mp_skip_at(struct mp *mp, unsigned depth)
{
    struct bytes data;
    uint32_t n, per;
    unsigned size;

    if (mp_end(mp) || depth == 0)
        return false;
    size = mp_scalar_size(*mp->at);
    if (size) {
        if ((size_t)(mp->end - mp->at) < size)
            return false;
        mp->at += size;
        return true;
    }
    if (mp_get_data(mp, &data))
        return true;
    per = 1;
    if (!mp_get_array(mp, &n)) {
        if (!mp_get_map(mp, &n))
            return false;
        per = 2;
    }
    if ((uint64_t)n * per > (uint64_t)(mp->end - mp->at))
        return false; /* every child takes a byte at least */
    for (uint64_t i = 0; i < (uint64_t)n * per; i++) {
        if (!mp_skip_at(mp, depth - 1))
            return false;
    }
    return true;
}

bool mp_skip(struct mp *mp)
{
    struct mp try = *mp;

    if (!mp_skip_at(&try, MP_DEPTH))
        return false;
    *mp = try;
    return true;
}

static void mp_put_sized(struct buf *out, uint8_t type, uint64_t n, unsigned size)
{
    uint8_t *at = buf_room(out, 9);

    *at = type;
    for (unsigned i = size; i > 0; n >>= 8)
        at[i--] = (uint8_t)n;
    out->len += 1 + size;
}

void mp_put_map(struct buf *out, uint32_t pairs)
{
    if (pairs < 16)
        mp_put_sized(out, (uint8_t)(0x80 | pairs), 0, 0);
    else if (pairs <= UINT16_MAX)
        mp_put_sized(out, 0xde, pairs, 2);
    else
        mp_put_sized(out, 0xdf, pairs, 4);
}

void mp_put_array(struct buf *out, uint32_t items)
{
    if (items < 16)
        mp_put_sized(out, (uint8_t)(0x90 | items), 0, 0);
    else if (items <= UINT16_MAX)
        mp_put_sized(out, 0xdc, items, 2);
    else
        mp_put_sized(out, 0xdd, items, 4);
}

void mp_put_uint(struct buf *out, uint64_t n)
{
    if (n < 0x80)
        mp_put_sized(out, (uint8_t)n, 0, 0);
    else if (n <= UINT8_MAX)
        mp_put_sized(out, 0xcc, n, 1);
    else if (n <= UINT16_MAX)
        mp_put_sized(out, 0xcd, n, 2);
    else if (n <= UINT32_MAX)
        mp_put_sized(out, 0xce, n, 4);
    else
        mp_put_sized(out, 0xcf, n, 8);
}

void mp_put_int(struct buf *out, int64_t n)
{
    if (n >= 0)
        mp_put_uint(out, (uint64_t)n);
    else
        mp_put_sized(out, 0xd3, (uint64_t)n, 8);
}

void mp_put_bool(struct buf *out, bool on)
{
    mp_put_sized(out, on ? 0xc3 : 0xc2, 0, 0);
}

void mp_put_text(struct buf *out, struct bytes text)
{
    if (text.len < 32)
        mp_put_sized(out, (uint8_t)(0xa0 | text.len), 0, 0);
    else if (text.len <= UINT8_MAX)
        mp_put_sized(out, 0xd9, text.len, 1);
    else if (text.len <= UINT16_MAX)
        mp_put_sized(out, 0xda, text.len, 2);
    else
        mp_put_sized(out, 0xdb, text.len, 4);
    buf_put(out, text.data, text.len);
}

void mp_put_str(struct buf *out, const char *text)
{
    if (!text)
        mp_put_sized(out, 0xc0, 0, 0);
    else
        mp_put_text(out, (struct bytes) { text, strlen(text) });
}

void mp_put_bytes(struct buf *out, struct bytes data)
{
    if (data.len <= UINT8_MAX)
        mp_put_sized(out, 0xc4, data.len, 1);
    else if (data.len <= UINT16_MAX)
        mp_put_sized(out, 0xc5, data.len, 2);
    else
        mp_put_sized(out, 0xc6, data.len, 4);
    buf_put(out, data.data, data.len);
}
