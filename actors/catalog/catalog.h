/* catalog - the list of videos, and the state each one is in.
 *
 * Serves     create_video, get_video, list_videos, uploads, why, ...          (schemas/catalog.toml)
 * Announces  video_created, video_changed, video_playable, video_ready, video_published, video_failed,
 *            video_deleted, object_damaged           Puts  transcode.probe, transcode.encode_run, fetcher.import,
 *                                                        fetcher.scan_original
 * Keeps      videos, uploads, imports, what a virus scanner said, plans (as the probe they follow from), runs, renditions, segments, what accounts that
 *            wait were given, what a second place has, and an outbox in STATE/catalog; originals and media lie in
 *            STATE/blobs, and in that place (copies.h)
 * Trusts     the access token that travels with a call, once verified; the capability of an upload; and what
 *            transcode says it made. No other field of a message
 * When busy  answers ERR_BUSY above its slots; releases a window of runs and no more; ERR_STORE_FULL before
 *            the disk is
 * Weak spot  files of a deleted video stay until the sweep when a run ends after the delete
 *
 * A video's state is four columns, each with its own step table (step.c). A handler loads the video, takes
 * steps, and saves it once: the save writes the row and announces what the steps asked for.
 *
 * Here lie the calls, the columns and the clock; uploads/ has how an original comes and what is asked about it, runs/ what is
 * made of it and when, up to its playlists; places/ where all of that lies, and whether it still does; media/ the pure half. */
#pragma once

#include <sys/queue.h>

#include "actors/catalog/media/plan.h"
#include "actors/runtime/actor.h"
#include "actors/runtime/turn.h"
#include "data/blobs/blobs.h"
#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

enum {
    CATALOG_WRITING_MOST = 4,     /* videos whose playlists are written at a time */
    CATALOG_PARTS_MOST = 256,     /* objects of one original */
    CATALOG_DELETES_A_TURN = 512, /* rows */
    CATALOG_SWEEPS_A_TICK = 64,
    CATALOG_THREADS_FAR =
        3, /* of the pool, with a second place, beside those that carry: one deletes, one asks there for direct
                              * uploads, and playlists wait for neither */
};

struct scrub;
struct copies;

struct catalog {
    struct blobs *blobs;
    struct copies *copies;                   /* NULL: there is no second place */
    struct scrub *scrub;                     /* what is looked at */
    struct id writing[CATALOG_WRITING_MOST]; /* playlists under way; zero: a free place */
    LIST_HEAD(, content_work) sums;          /* of originals, that are being made */
    struct id deleting; /* the video whose files go, and then its rows or its tombstone; zero: none */
    int64_t swept_at;   /* temporary files of writers that died were looked for */
    bool ticking;
};

extern const struct actor_def catalog_actor;

/* A video in hand, in one turn. */
struct doing {
    struct catalog *self;
    struct turn *t;
    struct video_row row;
    unsigned events; /* bits of enum doing_event: what the save announces */
    bool fill;       /* after the save: look for runs to release */
    bool withdraw;   /* its jobs are wanted no more */
    bool dirty;      /* its playlists are behind */
    bool written;    /* its playlists were written: what they name lies there */
    const char *reason;
    const void *about; /* what the step is of: struct probe_done, ... */
};

enum doing_event {
    DOING_CREATED = 1,
    DOING_CHANGED = 2,
    DOING_PLAYABLE = 4,
    DOING_READY = 8,
    DOING_PUBLISHED = 16,
    DOING_FAILED = 32,
    DOING_DELETED = 64,
};

/* video.c: rows and what the API shows of them. */
int video_load(struct catalog *self, struct turn *t, struct id id, struct doing *ret); /* ERR_NOT_FOUND */
int video_save(struct doing *d);
void video_show(const struct video_row *row, struct arena *arena, struct video *ret);
int video_load_own(struct catalog *self, struct turn *t, struct id id,
                   struct doing *ret); /* for its owner, moderators and administrators */
bool video_may_see(const struct turn *t, const struct video_row *row);
const struct catalog_settings *catalog_settings_of(const struct turn *t);

/* owner.c: what people are called. */
int catalog_on_user_changed(struct catalog *self, struct turn *t, const struct user_changed *changed);
const char *owner_name(struct turn *t, struct id owner_id); /* NULL: auth has not told yet */

/* media.c: from bytes to a plan. */
int media_bytes_came(struct doing *d);
int media_ask_again(struct catalog *self, struct turn *t);
int media_load_plan(struct doing *d, struct version_row *version, struct plan *ret);
const char *media_prefix(struct turn *t, const struct video_row *row);
int media_parts(struct doing *d, struct source_part **ret, size_t *ret_n);

/* runs.c: the window; whose turn it is says share.c. */
#define RUN_NUMBER(track, run) ((uint64_t)(track) << 20 | (run))
#define RUN_TRACK(number)      ((size_t)((number) >> 20))
#define RUN_OF_TRACK(number)   ((uint32_t)((number)&0xfffff))

int runs_begin(struct doing *d, struct version_row *version);
int runs_fill(struct catalog *self, struct turn *t);
int runs_watched(struct doing *d, struct version_row *version); /* somebody watches what is there */
/* Beside the window: of the poster's track, from 2 on. */
int runs_poster(struct doing *d, const struct version_row *version, const struct plan *plan, size_t track,
                uint32_t run);
int runs_extra(struct doing *d,
               struct version_row *version); /* another codec was asked for, of a video that is ready */
/* How far a track of the video's version is; nothing of it, if it was not begun. */
int runs_track(struct doing *d, size_t track, struct track_row *ret);
int runs_ask_again(struct catalog *self, struct turn *t);

/* commit.c: what a run made. */
int catalog_on_run_done(struct catalog *self, struct turn *t, const struct run_done *done);
int catalog_on_run_dead(struct catalog *self, struct turn *t, const struct run_dead *dead);
/* Nobody wants it any more, as another file took the place of its own: it is under way no more, and holds no place of the window. */
int commit_close(struct turn *t, struct run_row *run);
/* A run will not be made: what becomes of its video. Nothing is saved yet. `attempts` 0: it was not even begun. */
int commit_dead(struct doing *d, struct version_row *version, struct plan *plan, struct run_row *run,
                uint64_t attempts, const char *reason);
int catalog_on_probe_done(struct catalog *self, struct turn *t, const struct probe_done *done);
int catalog_on_probe_dead(struct catalog *self, struct turn *t, const struct probe_dead *dead);

/* playlist.c */
int playlist_ask(struct turn *t); /* soon: look for playlists that are behind */
/* "master.m3u8", "master-2.m3u8": of an edition of the final playlists; 0 is the first one, too. */
const char *playlist_name_of(struct turn *t, const char *name, const char *ending, uint64_t edition);

/* poster.c: one that somebody chose. Whether a run makes one; and what becomes of it. */
bool poster_is_chosen(const struct plan *plan, uint64_t run);
int poster_made(struct doing *d, struct run_row *run, const struct run_done *done);

/* sweep.c: what the clock does. */
int catalog_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx);
int sweep_ask(struct turn *t); /* soon: look for what is due */
/* When what has failed `tries` times, from 1 on, is tried again: after first_ms, then twice as long each time, most_ms at most. */
int64_t sweep_later(const struct turn *t, uint64_t tries, int64_t first_ms, int64_t most_ms);

/* calls.c, upload.c, concat.c, scrub.c, why.c: handlers. */
int catalog_create_video(struct catalog *, struct turn *, const struct create_video *, struct video *);
int calls_create(struct catalog *, struct turn *, const struct create_video *, struct id owner, bool imported,
                 struct video *);
int catalog_get_video(struct catalog *, struct turn *, const struct get_video *, struct video *);
int catalog_list_videos(struct catalog *, struct turn *, const struct list_videos *, struct list_videos_reply *);
int catalog_next_up(struct catalog *, struct turn *, const struct next_up *, struct next_up_reply *);
int catalog_update_video(struct catalog *, struct turn *, const struct update_video *, struct video *);
int catalog_delete_video(struct catalog *, struct turn *, const struct delete_video *);
int catalog_choose_poster(struct catalog *self, struct turn *t, const struct choose_poster *ask,
                          struct video *reply);
int catalog_add_codec(struct catalog *, struct turn *, const struct add_codec *, struct video *);
int catalog_retry_video(struct catalog *, struct turn *, const struct retry_video *, struct video *);
int catalog_get_playable(struct catalog *, struct turn *, const struct get_playable *, struct playable *);
int catalog_note_watched(struct catalog *, struct turn *, const struct note_watched *);
int catalog_scan(struct catalog *, struct turn *, const struct scan *, struct scan_reply *);
int catalog_why(struct catalog *, struct turn *, const struct why *, struct why_reply *);
int catalog_create_upload(struct catalog *, struct turn *, const struct create_upload *, struct upload *);
int catalog_get_upload(struct catalog *, struct turn *, const struct get_upload *, struct upload *);
int catalog_concat_uploads(struct catalog *, struct turn *, const struct concat_uploads *, struct upload *);
int catalog_upload_advanced(struct catalog *, struct turn *, const struct upload_advanced *);
int catalog_upload_complete(struct catalog *, struct turn *, const struct upload_complete *, struct video *);
int catalog_drop_upload(struct catalog *, struct turn *, const struct drop_upload *);
int catalog_list_damage(struct catalog *, struct turn *, const struct list_damage *, struct list_damage_reply *);

/* import.c */
int catalog_import_video(struct catalog *, struct turn *, const struct import_video *, struct video *);
int catalog_begin_import(struct catalog *, struct turn *, const struct begin_import *, struct import_order *);
int catalog_import_answered(struct catalog *, struct turn *, const struct import_answered *,
                            struct import_order *);
int catalog_on_import_done(struct catalog *self, struct turn *t, const struct import_done *done);
int catalog_on_import_dead(struct catalog *self, struct turn *t, const struct import_dead *dead);

/* virus.c */
int catalog_on_original_scanned(struct catalog *self, struct turn *t, const struct original_scanned *done);
int catalog_on_original_scan_dead(struct catalog *self, struct turn *t, const struct original_scan_dead *dead);

/* upload.c, report.c, forget.c: for the sweep and for concat.c */
int upload_finish(struct doing *d, struct upload *upload);
int upload_look(struct catalog *self, struct turn *t, struct upload *upload);
int upload_forget(struct catalog *self, struct turn *t, const struct upload *upload);
int upload_make(struct catalog *self, struct turn *t, struct id video_id, struct upload *upload);
int upload_new_video(struct catalog *self, struct turn *t, const char *title, const char *filename,
                     struct doing *ret);
