#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/wire/arena.h"

#define ARENA_BLOCK ((size_t)16 * 1024)
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct arena_block *head;
    size_t used;
};

static void *arena_must(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct arena *arena_new(void)
{
    return arena_must(calloc(1, sizeof(struct arena)));
}

void arena_free(struct arena **arena)
{
    if (!*arena)
        return;
    for (struct arena_block *b = (*arena)->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->head;

    arena->used = 0;
    if (!keep)
        return;
    for (struct arena_block *b = keep->next, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    keep->next = NULL;
    keep->used = 0;
    if (keep->size > 16 * ARENA_BLOCK) { /* one big turn must not cost memory for ever */
        free(keep);
        arena->head = NULL;
    }
}

static struct arena_block *arena_grow(struct arena *arena, size_t size)
{
    size_t want = size > ARENA_BLOCK ? size : ARENA_BLOCK;
    struct arena_block *b;

    if (want > SIZE_MAX / 2)
        arena_must(NULL);
    b = arena_must(malloc(sizeof(*b) + want));
    *b = (struct arena_block) { .next = arena->head, .size = want };
    arena->head = b;
    return b;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *b = arena->head;
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    void *given;

    if (rounded < size)
        arena_must(NULL);
    if (rounded == 0)
        rounded = ARENA_ALIGN;
    if (!b || b->size - b->used < rounded)
        b = arena_grow(arena, rounded);
    given = b->data + b->used;
    b->used += rounded;
    arena->used += rounded;
    return memset(given, 0, rounded);
}

void *arena_alloc_n(struct arena *arena, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        arena_must(NULL);
    return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t len)
{
    void *copy = arena_alloc(arena, len);

    if (len)
        memcpy(copy, data, len);
    return copy;
}

struct bytes arena_bytes(struct arena *arena, struct bytes from)
{
    return from.data ? bytes_of(arena_copy(arena, from.data, from.len), from.len) : from;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        return arena_strndup(arena, "", 0);
    text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
