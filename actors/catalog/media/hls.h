/* hls - the text of HLS playlists, from tables of segments. Pure; draft-pantos-hls-rfc8216bis and Apple's HLS Authoring
 * Specification are what it obeys (MEDIA.md lists the rules).
 *
 * All URIs are relative, so that a token in the path is inherited. BANDWIDTH and AVERAGE-BANDWIDTH of a final master
 * are measured; those of a preview master are what its rungs are capped to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/buf.h"

enum { HLS_TARGET_S = 6 };

struct board;

struct hls_segment {
    uint32_t number;
    uint64_t duration; /* in the rendition's timescale */
    uint64_t size;     /* bytes */
};

struct hls_rendition {
    const char *dir;   /* v/h264-720, a/aac-en-0 */
    const char *codec; /* avc1.64001f */
    const char *init;  /* what its init is called; NULL: init.mp4 */
    uint32_t timescale;
    const struct hls_segment *segments; /* consecutive, from the first on */
    size_t segments_n;
    /* Pictures. */
    uint32_t width, height, fps_num, fps_den;
    uint32_t cap_kbps; /* what the encoder was held to */
    /* Sound. */
    const char *name, *language; /* name: unique among the renditions */
    uint32_t channels;
    bool is_default;
    bool surround; /* the same as an earlier one of this name, in more channels */
};

/* All of a text is one segment, full.vtt: Apple's specification lets text have a longer target duration than the media. */
struct hls_text {
    const char *dir;             /* t/en-0 */
    const char *name, *language; /* name: unique among the texts */
    uint64_t size;               /* bytes */
    bool is_default, auto_select, forced, for_deaf;
};

struct hls_set {
    const struct hls_rendition *video; /* H.264, largest first; then other codecs alike; none for sound alone */
    size_t video_n;
    const struct hls_rendition *audio;
    size_t audio_n;
    const struct hls_text *texts; /* of a final set */
    size_t texts_n;
    const struct board *board; /* NULL: none */
    uint64_t board_bytes;      /* of its images */
    bool has_chapters;         /* chapters.json lies beside the master */
};

/* How many of those that begin at `from` are of one codec. */
size_t hls_codec_run(const struct hls_set *set, size_t from);

struct hls_rate {
    uint64_t peak, average; /* bits a second */
};

/* Peak: the largest rate of any run of segments that lasts half to one and a half target durations (RFC 8216 4.1).
 * Of nothing: zeros. */
struct hls_rate hls_measure_list(const struct hls_segment *segments, size_t n, uint32_t timescale,
                                 unsigned target_s);
struct hls_rate hls_measure(const struct hls_rendition *rendition); /* with HLS_TARGET_S */

/* A media playlist: EVENT while it grows (`ended` false), EVENT with ENDLIST when the same playlist has ended, VOD when
 * `final`. Appends to out. */
void hls_media(struct buf *out, const struct hls_rendition *rendition, bool final, bool ended);
/* How long a set lasts, in seconds. */
double hls_seconds(const struct hls_set *set);
/* The playlist of a text: it lasts as long as the set. */
void hls_text_media(struct buf *out, const struct hls_set *set);
/* Bits a second of a text that lasts as long as the set. */
uint64_t hls_text_rate(const struct hls_set *set, const struct hls_text *text);
/* A multivariant playlist. `leaf` is what the media playlists it names are called. */
void hls_master(struct buf *out, const struct hls_set *set, bool final, const char *leaf);
