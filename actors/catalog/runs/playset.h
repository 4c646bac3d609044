/* playset - the renditions of a version as playlists need them, read from rows. What a set points to lies
 * in the arena of the turn. */
#pragma once

#include "actors/catalog/catalog.h"
#include "actors/catalog/media/hls.h"
#include "actors/catalog/media/iframe.h"

struct playset {
    struct hls_rendition video[LADDER_ALL], audio[PLAN_AUDIO_MOST];
    struct hls_text texts[PLAN_TEXT_MOST];
    struct hls_set set;
    bool complete; /* every rendition has been begun */
    uint64_t segments;
};

enum playset_rungs {
    PLAYSET_PREVIEW, /* the rung that is made ahead */
    PLAYSET_SECOND, /* and the largest that is encoded, up to 720 lines; no segments where there is none beside it */
    PLAYSET_ALL,    /* and of the ladders in other codecs those that are whole */
};

/* Rungs and all sounds, with no segments yet. */
int playset_collect(struct doing *d, const struct plan *plan, enum playset_rungs rungs, struct playset *set);

/* Their segments: the first n of each; 0: all that follow each other from the first. */
int playset_load(struct doing *d, struct playset *set, uint64_t n);

/* The texts that were made; those without a cue, or that could not be read, are not there. */
int playset_texts(struct doing *d, const struct plan *plan, struct playset *set);

/* The pictures of a rendition's GOPs, in order. */
int playset_gops(struct doing *d, struct iframe_track *track);
