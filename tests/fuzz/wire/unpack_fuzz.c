/* Bytes from anywhere through unpack; what is read must be legal, and packs to what reads the same. */
#include <stdlib.h>
#include <string.h>

#include "gen/library.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void packs_the_same(const struct wire_type *type, const void *obj, struct arena *arena)
{
    struct buf first = { 0 }, second = { 0 };
    void *again = arena_alloc(arena, type->size);

    if (wire_validate(type, obj, NULL) < 0 || wire_pack(type, obj, &first) < 0)
        abort();
    if (wire_unpack(type, buf_bytes(&first), arena, again, NULL) < 0 || wire_pack(type, again, &second) < 0)
        abort();
    if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)))
        abort();
    buf_free(&first);
    buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct wire_type *const types[] = { &item_type, &find_items_reply_type, &loan_type,
                                                     &item_lost_type };
    struct arena *arena = arena_new();
    struct wire_error err;

    if (size) {
        const struct wire_type *type = types[data[0] % 4];
        void *obj = arena_alloc(arena, type->size);

        if (wire_unpack(type, bytes_of(data + 1, size - 1), arena, obj, &err) == 0)
            packs_the_same(type, obj, arena);
        else if (err.err >= 0 || !memchr(err.path, 0, sizeof(err.path)) || !err.sentence[0])
            abort();
    }
    arena_free(&arena);
    return 0;
}
