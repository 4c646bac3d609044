/* mp4 - one progressive MP4 of a rendition of pictures and one of sound, made of their fragments as they lie there.
 *
 * Which byte of the file comes from where, and so how long it is, follows from the inits and the tables of fragments alone
 * (mp4_fragment, a row each). What stands in the fragments is read only where it is wanted: mp4_part_at says for a byte of
 * the file what it is part of, and mp4_entries makes a stretch of a table from the head of a fragment.
 *
 *     ftyp moov mdat, moov before mdat; no edit list: offsets of presentation may be negative (ctts version 1), so
 *     both tracks begin at 0, as in the fragments; a chunk for each fragment, in order of time; offsets of 64 bits
 *
 * Fragments are those of cmaf.c: a moof with one traf and one trun, then an mdat, all samples of the same duration. What is
 * otherwise is an error, never a read past the end. Owns what it makes; borrows inits and tables until mp4_close. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/buf.h"

enum { MP4_ROW = 16, MP4_TRACKS = 2 };

/* A fragment of a rendition: in which segment, where in there, how long with its boxes, and how many samples. */
struct mp4_fragment {
    uint32_t segment, offset, bytes, samples;
};

/* A row of a table: MP4_ROW bytes, big-endian. */
void mp4_put_row(struct buf *table, const struct mp4_fragment *fragment);

struct mp4_track {
    struct bytes init;
    struct bytes table; /* rows, in order of time, from the first fragment on */
};

enum mp4_source {
    MP4_TEXT,    /* bytes that are there: part->text */
    MP4_OFFSETS, /* made by mp4_entries from the head of a fragment */
    MP4_SIZES,   /* the same */
    MP4_MEDIA,   /* bytes of a segment, from part->from on */
};

struct mp4_part {
    enum mp4_source source;
    uint64_t at, len; /* in the file */
    const uint8_t *text;
    unsigned track;
    struct mp4_fragment fragment;
    uint64_t from; /* in the segment */
};

struct mp4;

/* One track or two. NULL with a sentence in why: an init or a table makes no sense. */
struct mp4 *mp4_open(const struct mp4_track tracks[], size_t n, const char **why);
void mp4_close(struct mp4 **mp4);
uint64_t mp4_size(const struct mp4 *mp4);

/* The part that a byte of the file belongs to; at < mp4_size. */
struct mp4_part mp4_part_at(const struct mp4 *mp4, uint64_t at);

/* Bytes before the media of a fragment: what mp4_entries wants to see of it. */
size_t mp4_head_size(const struct mp4 *mp4, const struct mp4_part *part);
/* The part's bytes, part->len of them, from the fragment's head. False: the head is not that of the table's fragment. */
bool mp4_entries(const struct mp4 *mp4, const struct mp4_part *part, struct bytes head, uint8_t *to);
