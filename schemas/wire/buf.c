#include <stdio.h>
#include <stdlib.h>

#include "schemas/wire/buf.h"

uint8_t *buf_grow(struct buf *buf, size_t len)
{
    size_t need, cap = buf->cap ? buf->cap : 64;
    uint8_t *grown;

    if (__builtin_add_overflow(buf->len, len, &need) || need > SIZE_MAX / 2) {
        fputs("out of memory\n", stderr);
        abort();
    }
    if (need <= buf->cap)
        return buf->data + buf->len;
    while (cap < need)
        cap *= 2;
    grown = realloc(buf->data, cap);
    if (!grown) {
        fputs("out of memory\n", stderr);
        abort();
    }
    buf->data = grown;
    buf->cap = cap;
    return buf->data + buf->len;
}

void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len <= 0)
        return;
    buf_room(buf, (size_t)len + 1);
    va_start(args, format);
    vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_put_u16(struct buf *buf, uint16_t value)
{
    uint8_t *to = buf_room(buf, 2);

    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    buf->len += 2;
}

void buf_put_u32(struct buf *buf, uint32_t value)
{
    buf_put_u16(buf, (uint16_t)(value >> 16));
    buf_put_u16(buf, (uint16_t)value);
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    buf_put_u32(buf, (uint32_t)(value >> 32));
    buf_put_u32(buf, (uint32_t)value);
}

const char *buf_text(struct buf *buf)
{
    *buf_room(buf, 1) = 0;
    return (const char *)buf->data;
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf) { 0 };
}
