/* pack - the flat rows of outbox and inbox: big-endian numbers, and texts and bytes behind their length. */
#pragma once

#include <string.h>

#include "schemas/wire/arena.h"
#include "schemas/wire/buf.h"
#include "schemas/wire/bytes.h"

static inline void pack_bytes(struct buf *out, struct bytes b)
{
    buf_put_u64(out, b.len);
    if (b.len)
        buf_put(out, b.data, b.len);
}

static inline void pack_text(struct buf *out, const char *text)
{
    pack_bytes(out, bytes_of_text(text));
}

/* Reading: what is not there makes ok false, and all that follows too. */
struct pack_reader {
    const uint8_t *at;
    size_t left;
    bool ok;
};

static inline uint64_t pack_read_u64(struct pack_reader *in)
{
    uint64_t v = 0;

    in->ok = in->ok && in->left >= 8;
    if (!in->ok)
        return 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | in->at[i];
    in->at += 8;
    in->left -= 8;
    return v;
}

/* Copied into the arena, with a 0 behind it. */
static inline struct bytes pack_read_bytes(struct pack_reader *in, struct arena *arena)
{
    uint64_t len = pack_read_u64(in);
    char *copy;

    in->ok = in->ok && len <= in->left;
    if (!in->ok)
        return (struct bytes) { 0 };
    copy = arena_strndup(arena, (const char *)in->at, len);
    in->at += len;
    in->left -= len;
    return (struct bytes) { .data = copy, .len = len };
}

static inline const char *pack_read_text(struct pack_reader *in, struct arena *arena)
{
    struct bytes b = pack_read_bytes(in, arena);

    return b.data ? b.data : "";
}
