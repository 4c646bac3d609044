/* plan - what is made of an original, decided once per version from its probe. A pure function: the catalog keeps the
 * probe's answer and derives the plan from it again whenever it needs one.
 *
 * A plan has tracks of runs: the preview (the rung that is made ahead), the other rungs together (one decode for all of
 * them), one per sound track (two where it has more than four channels), one for all texts, the poster, the storyboard, and the top rung by itself where it is copied from the source. Short films have
 * no preview of their own: all rungs that are encoded are one track. Behind all of these come ladders in other codecs, as they
 * are asked for: no video is less ready without them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/catalog/media/grid.h"
#include "actors/catalog/media/ladder.h"
#include "gen/transcode.h"
#include "schemas/wire/arena.h"

enum {
    PLAN_SOUNDS_MOST = 8,                   /* sound tracks; more are left out, with a warning */
    PLAN_AUDIO_MOST = 2 * PLAN_SOUNDS_MOST, /* renditions of them: in six channels, too */
    PLAN_QUADRO = 4,                        /* channels: what has more is worth six */
    PLAN_TEXT_MOST = 16,
    PLAN_EXTRAS_MOST = 8, /* ladders in other codecs, with those that were given up */
    PLAN_TRACKS_MOST =
        2 + PLAN_AUDIO_MOST + 3 + 3 +
        PLAN_EXTRAS_MOST, /* pictures, sounds, texts, poster, a copy and what replaces it, moments, extras */
    PLAN_SAMPLES = 6,
    PLAN_RATE = 48000,         /* samples a second of every sound rendition */
    PLAN_SOUND_AFTER_MS = 500, /* later than this after the picture, sound is kept */
    PLAN_SHORT_MS = 60000,     /* up to here no second decode for a preview: MEDIA 2.4 */
    PLAN_LONGEST_MS = 12 * 3600 * 1000,
    PLAN_PREVIEW_PRIORITY = 200,
    PLAN_BULK_PRIORITY = 100,
    PLAN_EXTRA_PRIORITY = 50,
};

struct plan_audio {
    char dir[48];                /* a/aac-en-0 */
    char name[64], language[20]; /* name: unique among the sounds of the video */
    uint32_t track, channels;
    bool is_default;
    bool
        surround; /* in six channels, beside the one in two that has its name; made with the rest, never in a preview */
};

struct plan_text {
    char dir[48];                /* t/en-0 */
    char name[64], language[20]; /* name: unique among the texts of the video */
    uint32_t track;
    bool is_default, for_deaf;
    bool forced;      /* shown unasked; all of it is in the regular text of its language, too */
    bool auto_select; /* the first of its kind in its language */
    bool has_with;
    uint32_t with; /* regular: the forced track of its language */
};

enum plan_kind {
    PLAN_PREVIEW,
    PLAN_FULL,
    PLAN_AUDIO,
    PLAN_POSTER,
    PLAN_TEXT,
    PLAN_BOARD, /* when the smallest rung is whole */
    PLAN_COPY,
    PLAN_EXTRA,    /* the ladder in another codec */
    PLAN_SAMPLE,   /* moments of the film at every size, to see what its ladder is worth */
    PLAN_GIVEN_UP, /* a copy that did not hold: another track encodes the rung; or an extra that could not be made */
};

struct plan_track {
    enum plan_kind kind;
    uint32_t rungs; /* of the ladder, for pictures: a bit for each */
    size_t audio;   /* of the plan, for sound */
};

struct plan {
    bool has_video;
    uint32_t video_track;
    struct ladder ladder;
    struct grid grid; /* its frames 0 while the length is not proven */
    struct plan_audio audio[PLAN_AUDIO_MOST];
    size_t audio_n;
    struct plan_text texts[PLAN_TEXT_MOST];
    size_t texts_n;
    const struct probed_chapter *chapters; /* the probe's */
    size_t chapters_n;
    struct plan_track tracks[PLAN_TRACKS_MOST]; /* in order of urgency */
    size_t tracks_n, extras_n;                  /* the last ones are extras, and those that were given up */
    bool interlaced;
    uint32_t samples; /* moments that are looked at; 0: none */
    /* The length was proven when the plan was first made: the runs that encode pictures shorten towards the end. */
    bool tapers;
};

/* ERR_UNSUPPORTED with a sentence for a person in `reason` when nothing of it can be shown. */
int plan_make(const struct probe_done *probe, struct plan *ret, char *reason, size_t reason_size);

/* Whether a track is what makes the video watchable (the preview or what stands for it, sounds, the poster), not what makes it
 * better. */
bool plan_is_ahead(const struct plan *plan, size_t track);

/* How long the runs of a track are. */
struct grid_pace plan_pace(const struct plan *plan, size_t track);

/* Runs of a track; 0 while the length is not known. */
uint32_t plan_runs(const struct plan *plan, size_t track);

/* How much work a run is, and the whole of the plan (0 while its length is not known): macroblocks of all pictures that are
 * encoded, and one for the rest. */
uint64_t plan_run_work(const struct plan *plan, size_t track, uint32_t run);
uint64_t plan_work(const struct plan *plan);

/* Fills a job for the n-th run (from 1) of a track: all but video, version, run, prefix, parts, length and complete.
 * What it points to lies in the arena. ERR_NOT_FOUND: the run lies behind the end. */
int plan_run(const struct plan *plan, size_t track, uint32_t run, struct arena *arena, struct encode_run *ret);

/* The source's packets cannot be shown as they are after all: the top rung is encoded, by a track of its own. The copy's
 * track stays where it is and has no runs any more. */
void plan_encode_top(struct plan *plan);

/* A track behind all others: the ladder in another codec, or one that was given up. Only of what has pictures. */
void plan_add_extra(struct plan *plan, enum picture_codec codec, bool given_up);

/* How many moments of the film say what its ladder is worth; 0: they could change nothing. */
uint32_t plan_samples(const struct plan *plan);

/* Adds the track that looks at n of them, behind those of plan_make. */
void plan_sample(struct plan *plan, uint32_t n);

/* A rung that is not made. */
void plan_leave_out(struct plan *plan, size_t rung);

/* The end of the video was found at this frame of the grid (of the picture, or of the 2 s grid of sound alone). */
void plan_end(struct plan *plan, uint64_t frames);
