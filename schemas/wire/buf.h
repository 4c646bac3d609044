/* buf - bytes that grow at the end. Start with {0}; buf_free when done. No memory left ends the process. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schemas/wire/bytes.h"

struct buf {
    uint8_t *data;
    size_t len, cap;
};

void buf_put_text(struct buf *buf, const char *text); /* without the NUL */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint8_t *buf_grow(struct buf *buf, size_t len);    /* buf_room() when there is none yet */
void buf_put_u16(struct buf *buf, uint16_t value); /* big-endian, as all of them */
void buf_put_u32(struct buf *buf, uint32_t value);
void buf_put_u64(struct buf *buf, uint64_t value);
const char *buf_text(struct buf *buf); /* NUL-terminated; the NUL is not counted */
void buf_reset(struct buf *buf);       /* empty, memory kept */
void buf_free(struct buf *buf);

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return bytes_of(buf->data, buf->len);
}

/* Room for len more bytes at the end; add what was used to buf->len. */
static inline uint8_t *buf_room(struct buf *buf, size_t len)
{
    bool there = buf->data && len <= buf->cap && buf->len <= buf->cap - len;

    return there ? buf->data + buf->len : buf_grow(buf, len);
}

static inline void buf_put(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(buf_room(buf, len), data, len);
    buf->len += len;
}
