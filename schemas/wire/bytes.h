/* bytes - a borrowed run of bytes. Who lends it says how long it lives. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct bytes {
    const void *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes) { .data = data, .len = len };
}

/* The characters of a text without its NUL; NULL gives no bytes. */
static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes) { .data = text, .len = text ? strlen(text) : 0 };
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
