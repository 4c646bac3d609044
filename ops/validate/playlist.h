/* playlist - a strict parser of HLS playlists (draft-pantos-hls-rfc8216bis): lines, tags, attribute lists.
 *
 * Reads everything and judges only the grammar: what is written against it becomes a fault with its line, and reading
 * goes on. Everything lies in the arena and dies with it. Bounded by limits.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/arena.h"

enum tag_kind {
    TAG_OTHER, /* a tag that this parser does not know, which a client must ignore */
    TAG_EXTM3U,
    TAG_VERSION,
    TAG_INDEPENDENT,
    TAG_START,
    TAG_DEFINE,
    TAG_TARGETDURATION,
    TAG_SEQUENCE,
    TAG_DISCONTINUITY_SEQUENCE,
    TAG_ENDLIST,
    TAG_PLAYLIST_TYPE,
    TAG_IFRAMES_ONLY,
    TAG_PART_INF,
    TAG_SERVER_CONTROL,
    TAG_SKIP,
    TAG_PRELOAD_HINT,
    TAG_RENDITION_REPORT,
    TAG_EXTINF,
    TAG_BYTERANGE,
    TAG_DISCONTINUITY,
    TAG_KEY,
    TAG_MAP,
    TAG_DATE_TIME,
    TAG_GAP,
    TAG_BITRATE,
    TAG_PART,
    TAG_DATERANGE,
    TAG_MEDIA,
    TAG_STREAM_INF,
    TAG_IFRAME_STREAM_INF,
    TAG_SESSION_DATA,
    TAG_SESSION_KEY,
    TAG_STEERING,
    TAG_KINDS
};

enum tag_scope { SCOPE_EITHER, SCOPE_MEDIA, SCOPE_SEGMENT, SCOPE_MASTER };

struct attribute {
    const char *name, *value; /* value: without its quotes */
    bool quoted;
};

struct tag {
    enum tag_kind kind;
    enum tag_scope scope;
    unsigned line;
    const char *name, *value; /* value: what stands behind the colon; "" when nothing does */
    const struct attribute *attributes;
    size_t attributes_n;
    const char *uri; /* of a TAG_STREAM_INF: the line that follows */
};

struct byte_range {
    bool given;
    uint64_t from, len;
};

struct playlist_entry { /* a media segment */
    unsigned line;      /* of its URI */
    const char *uri;
    const char *duration_text;
    double duration;
    struct byte_range range;
    const struct tag *map, *key; /* that apply; NULL when none does */
    struct byte_range map_range;
    bool discontinuity, gap, dated;
    double date; /* seconds since 1970 */
};

struct playlist_fault {
    unsigned line;
    const char *what;
};

struct playlist {
    struct bytes text;
    const struct tag *tags;
    size_t tags_n;
    const struct playlist_entry *entries;
    size_t entries_n;
    const struct playlist_fault *faults;
    size_t faults_n;
    bool multivariant; /* has a tag of its own that only a multivariant playlist has */
    bool media;        /* has one that only a media playlist has */
    /* Of a media playlist; the first of each kind counts. */
    unsigned version, target;
    bool ended, iframes_only;
    const char *type; /* VOD, EVENT, or "" */
    uint64_t sequence;
};

void playlist_parse(struct arena *arena, struct bytes text, struct playlist *ret);

/* The value of an attribute, or NULL. */
const char *tag_attribute(const struct tag *tag, const char *name);
const char *tag_text(const struct tag *tag, const char *name); /* "" instead of NULL */
bool tag_is(const struct tag *tag, const char *name, const char *value);
/* A whole number without a sign; false when it is none or too large. */
bool text_number(const char *text, uint64_t *ret);
/* Digits with at most one point between them; no sign, no exponent. */
bool text_decimal(const char *text, double *ret);
const struct tag *playlist_find(const struct playlist *playlist, enum tag_kind kind);
size_t playlist_count(const struct playlist *playlist, enum tag_kind kind);
