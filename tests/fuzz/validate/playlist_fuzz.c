/* The validator's readers of texts: playlists, WebVTT, MPDs. The first byte chooses; what is told must hold together. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ops/validate/limits.h"
#include "ops/validate/playlist.h"
#include "ops/validate/vtt.h"
#include "ops/validate/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_playlist(struct arena *arena, struct bytes text)
{
    struct playlist p;

    playlist_parse(arena, text, &p);
    assert(p.entries_n <= ENTRIES_MOST && p.type);
    for (size_t i = 0; i < p.tags_n; i++) {
        assert(p.tags[i].attributes_n <= ATTRIBUTES_MOST && p.tags[i].line > 0);
        for (size_t k = 0; k < p.tags[i].attributes_n; k++)
            assert(tag_attribute(&p.tags[i], p.tags[i].attributes[k].name));
    }
    for (size_t i = 0; i < p.entries_n; i++)
        assert(p.entries[i].uri && p.entries[i].duration >= 0 && p.entries[i].range.from <= INT64_MAX);
    for (size_t i = 0; i < p.faults_n; i++)
        assert(p.faults[i].what && p.faults[i].line > 0);
}

static void read_vtt(struct arena *arena, struct bytes text)
{
    struct vtt v;

    vtt_parse(arena, text, &v);
    for (size_t i = 0; i < v.cues_n; i++)
        assert(v.cues[i].text && v.cues[i].from <= v.cues[i].to);
}

static void read_xml(struct arena *arena, struct bytes text)
{
    const char *why = NULL;
    unsigned line = 0;

    assert(xml_parse(arena, text, &why, &line) || why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena;

    if (size == 0)
        return 0;
    arena = arena_new();
    switch (data[0]) {
    case 'v': read_vtt(arena, bytes_of(data + 1, size - 1)); break;
    case 'x': read_xml(arena, bytes_of(data + 1, size - 1)); break;
    default: read_playlist(arena, bytes_of(data + 1, size - 1)); break;
    }
    arena_free(&arena);
    return 0;
}
