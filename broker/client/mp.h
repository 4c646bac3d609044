/* mp - a bounded cursor over msgpack, for frame headers: reads in place, allocates nothing.
 *
 * Every mp_get_* answers false, and moves nothing, when the next value is of another kind or is cut short. mp_skip
 * refuses more than eight levels of nesting. Writing goes to a struct buf and uses the shortest form. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/buf.h"
#include "schemas/wire/bytes.h"

struct mp {
    const uint8_t *at, *end;
};

struct mp mp_of(struct bytes in);
bool mp_end(const struct mp *mp);
bool mp_get_map(struct mp *mp, uint32_t *ret_pairs);
bool mp_get_array(struct mp *mp, uint32_t *ret_items);
bool mp_get_uint(struct mp *mp, uint64_t *ret);
bool mp_get_data(struct mp *mp, struct bytes *ret); /* text or bytes, borrowed */
bool mp_skip(struct mp *mp);

void mp_put_map(struct buf *out, uint32_t pairs);
void mp_put_array(struct buf *out, uint32_t items);
void mp_put_uint(struct buf *out, uint64_t n);
void mp_put_int(struct buf *out, int64_t n);
void mp_put_bool(struct buf *out, bool on);
void mp_put_text(struct buf *out, struct bytes text);
void mp_put_str(struct buf *out, const char *text); /* NULL: nil */
void mp_put_bytes(struct buf *out, struct bytes data);
