/* coding - what boxes have to know of how pictures are coded: a row for each codec.
 *
 * A configuration is what an encoder calls its global header, in the form that its row says. Whoever checks a worker's
 * output reads it back from the record in the sample entry: all that is read here may be a stranger's bytes. Pure, any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/isobmff/nal.h"
#include "gen/transcode.h"
#include "schemas/wire/buf.h"

struct coding {
    const char *entry,
        *record; /* the sample entry, and the box in it that decoders are configured by: "avc1", "avcC" */
    /* The record's body, of a configuration. False: it is none. */
    bool (*put_record)(struct bytes config, struct buf *to);
    /* The configuration that a record's body was made of. False: of none. */
    bool (*read_record)(struct bytes record, struct buf *config);
    /* As CODECS has it. False: it is not of the kind that we make, or of pictures of another size. */
    bool (*name)(struct bytes config, unsigned width, unsigned height, char codec[CODEC_NAME_MOST]);
    /* A sample is whole, has a picture, can be decoded by itself exactly where it should be, and has nothing in it that belongs
     * into the init. */
    bool (*check_sample)(struct bytes sample, bool sync);
    unsigned patience; /* how much longer than H.264 an encoder may work on a frame before it counts as hung */
    unsigned memory;   /* and how much more address space its worker has */
};

/* Of 0, too: H.264. */
const struct coding *coding_of(enum picture_codec codec);
