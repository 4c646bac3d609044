/* video - a video's row: read, shown, saved with all that follows from it, and announced. */
#include <string.h>

#include "actors/catalog/places/copies.h"
#include "actors/catalog/runs/jobs.h"
#include "actors/catalog/step.h"

const struct catalog_settings *catalog_settings_of(const struct turn *t)
{
    return turn_settings(t);
}

int video_load(struct catalog *self, struct turn *t, struct id id, struct doing *ret)
{
    *ret = (struct doing) { .self = self, .t = t };
    return video_row_get(turn_txn(t), turn_arena(t), id, &ret->row);
}

static enum video_state video_word(const struct video_row *row)
{
    if (row->life != LIFE_STATE_LIVE)
        return VIDEO_STATE_TRASHED;
    if (row->media == MEDIA_STATE_READY)
        return VIDEO_STATE_READY;
    if (row->upload == UPLOAD_STATE_EXPIRED)
        return VIDEO_STATE_EXPIRED;
    if (row->media == MEDIA_STATE_FAILED || row->media == MEDIA_STATE_REFUSED)
        return VIDEO_STATE_FAILED;
    if (row->announced)
        return VIDEO_STATE_PLAYABLE;
    if (row->upload == UPLOAD_STATE_WAITING)
        return VIDEO_STATE_WAITING;
    return row->upload == UPLOAD_STATE_RECEIVING ? VIDEO_STATE_UPLOADING : VIDEO_STATE_PROCESSING;
}

/* Borrows what the row borrows. */
void video_show(const struct video_row *row, struct arena *arena, struct video *ret)
{
    *ret = (struct video) {
        .id = row->id,
        .rev = row->rev,
        .owner_id = row->owner_id,
        .owner_name = row->owner_name,
        .title = row->title,
        .description = row->description,
        .tags = row->tags,
        .tags_n = row->tags_n,
        .people = row->people,
        .people_n = row->people_n,
        .language = row->language,
        .visibility = row->visibility,
        .state = video_word(row),
        .upload = row->upload,
        .media = row->media,
        .release = row->release,
        .life = row->life,
        .reason = row->reason,
        .created_at = row->created_at,
        .published_at = row->published_at,
        .has_published_at = row->published_at != 0,
        .duration_ms = row->duration_ms,
        .playable_until_ms = row->playable_until_ms,
        .uploaded_bytes = row->uploaded_bytes,
        .declared_bytes = row->declared_bytes,
        .runs_total = row->runs_total,
        .runs_done = row->runs_done,
        .width = row->width,
        .height = row->height,
        .version = row->version,
        .damaged = row->damaged,
        .has_poster = row->has_poster,
        .poster = row->poster ? row->poster : row->has_poster,
        .allow_download = row->allow_download,
        .virus = row->virus,
        .imported = row->imported,
        .has_window = row->has_window,
        .window = row->window,
        .has_regions = row->has_regions,
        .regions = row->regions,
        .minimum_age = row->minimum_age,
        .left_ms = row->media == MEDIA_STATE_PROCESSING ? row->left_ms : 0,
    };
}

bool video_may_see(const struct turn *t, const struct video_row *row)
{
    if (row->life == LIFE_STATE_DELETING)
        return false;
    if (row->life == LIFE_STATE_LIVE && row->release == RELEASE_STATE_PUBLISHED &&
        row->visibility != VISIBILITY_PRIVATE)
        return true;
    return turn_may_manage(t, row->owner_id);
}

int video_load_own(struct catalog *self, struct turn *t, struct id id, struct doing *ret)
{
    int r = video_load(self, t, id, ret);

    if (r == 0 && ret->row.life == LIFE_STATE_DELETING)
        return ERR_NOT_FOUND;
    if (r == 0)
        r = turn_require_owner(t, ret->row.owner_id);
    /* who may not see it is not told that it is there */
    return r == ERR_FORBIDDEN && !video_may_see(t, &ret->row) ? ERR_NOT_FOUND : r;
}

/* What the clock has to do next with it. */
static int64_t video_due(const struct turn *t, const struct video_row *row)
{
    if (row->life == LIFE_STATE_DELETING)
        return row->life_since ? row->life_since : 1;
    if (row->life == LIFE_STATE_TRASHED)
        return row->life_since + (int64_t)catalog_settings_of(t)->trash_ms;
    return row->release == RELEASE_STATE_SCHEDULED ? row->publish_at : 0;
}

static bool video_is_listed(const struct video_row *row)
{
    return row->life == LIFE_STATE_LIVE && row->release == RELEASE_STATE_PUBLISHED &&
           row->visibility == VISIBILITY_PUBLIC;
}

static int video_announce(struct doing *d)
{
    struct video video;
    struct id id = d->row.id;
    int r = 0;

    video_show(&d->row, turn_arena(d->t), &video);
    if (d->events & DOING_CREATED)
        r = emit_video_created(d->t, &(struct video_created) { .video_id = id, .video = video });
    if (r == 0 && d->events & DOING_CHANGED)
        r = emit_video_changed(d->t, &(struct video_changed) { .video_id = id, .video = video });
    if (r == 0 && d->events & DOING_PLAYABLE)
        r = emit_video_playable(d->t, &(struct video_playable) { .video_id = id, .video = video });
    if (r == 0 && d->events & DOING_READY)
        r = emit_video_ready(d->t, &(struct video_ready) { .video_id = id, .video = video });
    if (r == 0 && d->events & DOING_PUBLISHED)
        r = emit_video_published(d->t, &(struct video_published) { .video_id = id, .video = video });
    if (r == 0 && d->events & DOING_FAILED)
        r = emit_video_failed(d->t, &(struct video_failed) { .video_id = id, .video = video });
    if (r == 0 && d->events & DOING_DELETED)
        r = emit_video_deleted(
            d->t, &(struct video_deleted) { .video_id = id, .owner_id = d->row.owner_id, .rev = d->row.rev });
    return r;
}

static int video_tell_progress(struct doing *d)
{
    char key[ID_TEXT_SIZE];
    struct video_progress progress = {
        .video_id = d->row.id,
        .owner_id = d->row.owner_id,
        .state = video_word(&d->row),
        .uploaded_bytes = d->row.uploaded_bytes,
        .declared_bytes = d->row.declared_bytes,
        .runs_done = d->row.runs_done,
        .runs_total = d->row.runs_total,
        .playable_until_ms = d->row.playable_until_ms,
        .duration_ms = d->row.duration_ms,
        .rev = d->row.rev,
        .left_ms = d->row.media == MEDIA_STATE_PROCESSING ? d->row.left_ms : 0,
    };

    return set_video_progress(d->t, id_format("video", d->row.id, key), &progress);
}

/* The row, what follows from it, its announcements; then runs and playlists, if a step asked for them. */
int video_save(struct doing *d)
{
    struct video_row *row = &d->row;
    int r;

    if (d->dirty && row->media != MEDIA_STATE_REFUSED) {
        row->dirty_at = row->dirty_at ? row->dirty_at : turn_now(d->t);
        row->dirty_seq++;
    }
    row->due_at = video_due(d->t, row);
    if (!video_is_listed(row))
        row->listed_at = 0;
    else if (!row->listed_at)
        row->listed_at = row->published_at;
    r = video_row_put(turn_txn(d->t), row);
    if (r == 0)
        r = video_announce(d);
    if (r == 0)
        r = video_tell_progress(d);
    if (r == 0 &&
        (d->events || d->written || row->media != MEDIA_STATE_READY)) /* not with each run of another codec */
        r = copies_want(d);
    if (r == 0 && d->fill)
        r = runs_fill(d->self, d->t);
    if (r == 0 && d->dirty)
        r = playlist_ask(d->t);
    if (r == 0 && d->withdraw)
        jobs_withdraw(d->t, row->id);
    return r;
}
