/* source - the bytes of an original, out of the parts that hold it. */
#pragma once

#include "data/blobs/blobs.h"
#include "gen/transcode.h"

struct source {
    struct blobs *blobs;
    const struct source_part *parts; /* by rising offset */
    size_t parts_n;
    uint64_t length; /* declared; 0: not yet */
    bool complete;   /* nothing more will arrive */
};

/* Up to len bytes at offset: 0 and at least one byte; ERR_WAIT where nothing has arrived yet, ERR_EOF at or past the
 * end, ERR_NOT_FOUND when an object is gone, ERR_INVALID when parts are out of order, another when it cannot be read. */
int source_read(const struct source *source, uint64_t offset, void *buf, size_t len, size_t *ret_got);
