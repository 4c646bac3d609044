/* The validator's readers of boxes: an init, then a segment or an I-frame range read by it. The first byte chooses, the
 * next two tell how long the init is. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ops/validate/fragment.h"
#include "ops/validate/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena;
    struct segment s;
    struct track t;
    size_t len;

    if (size < 3)
        return 0;
    len = (size_t)data[1] << 8 | data[2];
    len = len < size - 3 ? len : size - 3;
    track_parse(bytes_of(data + 3, len), &t);
    assert(t.fault || (t.tracks && t.timescale && t.kind != TRACK_NONE));
    assert(memchr(t.name, 0, sizeof(t.name)) && memchr(t.brands, 0, sizeof(t.brands)));
    arena = arena_new();
    segment_parse(arena, bytes_of(data + 3 + len, size - 3 - len), &t, data[0] & 1, &s);
    assert(s.fault || s.transport_stream || (s.fragments_n && s.fragments_n <= FRAGMENTS_MOST));
    for (size_t i = 0; i < s.fragments_n; i++)
        assert(s.fragments[i].samples <= SAMPLES_MOST && s.fragments[i].offset < s.size);
    arena_free(&arena);
    return 0;
}
