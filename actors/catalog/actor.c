/* actor - the catalog as an actor: its handlers, and what it does at start. */
#include <stdlib.h>

#include "actors/catalog/catalog.h"
#include "actors/catalog/uploads/content.h"
#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/direct.h"
#include "actors/catalog/uploads/import.h"
#include "actors/catalog/places/lend.h"
#include "actors/catalog/places/scrub.h"
#include "actors/catalog/uploads/virus.h"
#include "schemas/wire/arena.h"

static int catalog_open(void *self_, struct actor *actor)
{
    struct catalog *self = self_;
    const struct catalog_settings *settings = actor_settings(actor);
    int r = blobs_open_in(actor_state_dir(actor), &self->blobs);

    self->scrub = scrub_new();
    if (r == 0 && settings->far && *settings->far) {
        actor_capacity(actor, 0, 0, CATALOG_THREADS_FAR + (unsigned)settings->far_carries);
        r = copies_open(self, settings);
    }
    return r;
}

static void catalog_close(void *self_)
{
    struct catalog *self = self_;

    content_close(self);
    copies_free(&self->copies);
    blobs_close(&self->blobs);
    free(self->scrub);
    self->scrub = NULL;
}

/* What was left undone is found by looking: open uploads, marks on playlists, dates, runs. The clock
 * starts once. */
static int catalog_up(void *self_, struct turn *t)
{
    struct catalog *self = self_;

    if (self->ticking) /* the bus is there anew: it may not know the keys any more */
        return lend_tend(t);
    turn_remember(t, &self->ticking, sizeof(self->ticking));
    self->ticking = true;
    turn_after(t, 0, lend_tick, NULL, 0);
    turn_after(t, 0, scrub_tick, NULL, 0);
    if (self->copies)
        turn_after(t, 0, copies_clock, NULL, 0);
    turn_after(t, 0, catalog_tick, NULL, 0);
    return direct_up(self, t);
}

/* Ends of jobs that the broker no longer has: what is under way is asked for again, and made at most
 * twice. */
static int catalog_lost(void *self, struct turn *t, const char *stream)
{
    int r = media_ask_again(self, t);

    if (r == 0)
        r = import_ask_again(self, t);
    if (r == 0)
        r = virus_ask_again(t);
    return r < 0 ? r : runs_ask_again(self, t);
}

static const struct catalog_handlers handlers = {
    .create_video = catalog_create_video,
    .get_video = catalog_get_video,
    .list_videos = catalog_list_videos,
    .next_up = catalog_next_up,
    .update_video = catalog_update_video,
    .delete_video = catalog_delete_video,
    .why = catalog_why,
    .retry_video = catalog_retry_video,
    .choose_poster = catalog_choose_poster,
    .add_codec = catalog_add_codec,
    .create_upload = catalog_create_upload,
    .get_upload = catalog_get_upload,
    .concat_uploads = catalog_concat_uploads,
    .upload_advanced = catalog_upload_advanced,
    .upload_complete = catalog_upload_complete,
    .drop_upload = catalog_drop_upload,
    .create_direct_upload = catalog_create_direct_upload,
    .get_direct_upload = catalog_get_direct_upload,
    .sign_parts = catalog_sign_parts,
    .complete_direct_upload = catalog_complete_direct_upload,
    .drop_direct_upload = catalog_drop_direct_upload,
    .import_video = catalog_import_video,
    .begin_import = catalog_begin_import,
    .import_answered = catalog_import_answered,
    .list_damage = catalog_list_damage,
    .get_playable = catalog_get_playable,
    .note_watched = catalog_note_watched,
    .scan = catalog_scan,
    .lend = catalog_lend,
    .on_transcode_probe_done = catalog_on_probe_done,
    .on_transcode_probe_dead = catalog_on_probe_dead,
    .on_transcode_run_done = catalog_on_run_done,
    .on_transcode_run_dead = catalog_on_run_dead,
    .on_fetcher_import_done = catalog_on_import_done,
    .on_fetcher_import_dead = catalog_on_import_dead,
    .on_fetcher_original_scanned = catalog_on_original_scanned,
    .on_fetcher_original_scan_dead = catalog_on_original_scan_dead,
    .on_auth_user_changed = catalog_on_user_changed,
};

const struct actor_def catalog_actor = {
    .name = "catalog",
    .schema = &catalog_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct catalog),
    .open = catalog_open,
    .close = catalog_close,
    .up = catalog_up,
    .lost = catalog_lost,
};
