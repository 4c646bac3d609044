#include "actors/transcode/source.h"

#include "gen/errors.h"

/* Where no part reaches: the end, or a gap that is still to be filled. */
static int nothing_there(const struct source *s, uint64_t offset)
{
    if (s->length && offset >= s->length)
        return ERR_EOF;
    return s->complete ? ERR_EOF : ERR_WAIT;
}

int source_read(const struct source *s, uint64_t offset, void *buf, size_t len, size_t *ret_got)
{
    const struct source_part *part = NULL;
    uint64_t within, most = len;
    int r;

    for (size_t i = 0; i < s->parts_n && s->parts[i].offset <= offset; i++) {
        if (part && s->parts[i].offset < part->offset)
            return ERR_INVALID;
        part = &s->parts[i];
    }
    if (!part || (s->length && offset >= s->length))
        return nothing_there(s, offset);
    within = offset - part->offset;
    if (!part->growing) {
        if (within >= part->length)
            return nothing_there(s, offset);
        most = part->length - within < most ? part->length - within : most;
    }
    if (part + 1 < s->parts + s->parts_n && part[1].offset - offset < most)
        most = part[1].offset - offset;
    r = blob_read(s->blobs, part->blob, part->from + within, buf, most, ret_got);
    return r == ERR_EOF ? nothing_there(s, offset) : r;
}
