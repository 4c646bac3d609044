/* iframe - the text of I-frame playlists, for trick play: each GOP's fragment begins with its I-frame, so
 * a byte range of the segment is one picture. Pure; rules 23, 24 and 48 to 49 of MEDIA.md. */
#pragma once

#include "actors/catalog/media/hls.h"

struct iframe_gop {
    uint32_t segment; /* its number */
    uint64_t offset, size;
    uint32_t frames;
};

struct iframe_track {
    const struct hls_rendition *video;
    const struct iframe_gop *gops;
    size_t gops_n;
};

/* DIR/iframe.m3u8. Appends to out. */
void iframe_media(struct buf *out, const struct iframe_track *track);
/* The line of the final master that names it. Appends to out. */
void iframe_master(struct buf *out, const struct iframe_track *track);
