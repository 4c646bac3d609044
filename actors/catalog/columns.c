/* columns - what happens to a video when it enters a state. Nothing here is asked of anybody: the row
 * changes, and the save announces. */
#include <string.h>

#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "actors/catalog/uploads/virus.h"

/* ---- upload */

int upload_tell(struct doing *d)
{
    d->fill = true;
    return 0;
}

int upload_completed(struct doing *d)
{
    d->row.declared_bytes = d->row.uploaded_bytes;
    d->fill = true;
    return virus_ask(d);
}

/* What is playable stays so; what never began stays a video without media, and a new upload may bring it. */
int upload_expired(struct doing *d)
{
    d->reason = "The upload stood still for too long and has expired; send the file again.";
    if (step_is_known(&d->row, STEP_MEDIA, ON_NO_BYTES))
        return step_take(d, STEP_MEDIA, ON_NO_BYTES);
    d->events |= DOING_CHANGED;
    return 0;
}

int upload_dropped(struct doing *d)
{
    d->row.uploaded_bytes = 0;
    d->row.declared_bytes = 0;
    d->reason = "The upload was given up; send the file again.";
    if (step_is_known(&d->row, STEP_MEDIA, ON_NO_BYTES))
        return step_take(d, STEP_MEDIA, ON_NO_BYTES);
    return 0;
}

/* Nothing of it stays. */
int upload_not_fetched(struct doing *d)
{
    d->row.uploaded_bytes = 0;
    d->row.declared_bytes = 0;
    if (step_is_known(&d->row, STEP_MEDIA, ON_NOT_FETCHED))
        return step_take(d, STEP_MEDIA, ON_NOT_FETCHED);
    return 0;
}

int upload_reopened(struct doing *d)
{
    d->row.uploaded_bytes = 0;
    d->row.declared_bytes = 0;
    return 0;
}

/* ---- media */

bool release_is_allowed(const struct doing *d)
{
    if (d->row.publish_at > turn_now(d->t) || virus_holds(d))
        return false;
    if (d->row.media == MEDIA_STATE_READY)
        return true;
    return d->row.announced && catalog_settings_of(d->t)->publish_on == PUBLISH_ON_PLAYABLE;
}

int release_try(struct doing *d)
{
    if (d->row.release == RELEASE_STATE_PUBLISHED || !release_is_allowed(d))
        return 0;
    return step_take(d, STEP_RELEASE, ON_ALLOWED);
}

int media_playable(struct doing *d)
{
    if (!d->row.announced) {
        d->row.announced = true;
        d->events |= DOING_PLAYABLE;
    }
    return release_try(d);
}

int media_ready(struct doing *d)
{
    d->row.announced = true;
    d->row.reason = NULL;
    d->row.playable_until_ms = d->row.duration_ms;
    d->events |= DOING_READY;
    turn_count(d->t, CATALOG_VIDEOS_READY, 1);
    return release_try(d);
}

/* It has another codec, in playlists of another name. */
int media_renewed(struct doing *d)
{
    d->events |= DOING_CHANGED;
    return 0;
}

int media_fail(struct doing *d)
{
    d->row.reason = d->reason && *d->reason ? d->reason : "It failed, and nothing said why.";
    d->row.probe_job = ID_NONE;
    d->row.probe_waits = false;
    d->events |= DOING_FAILED;
    turn_count(d->t, CATALOG_VIDEOS_FAILED, 1);
    return 0;
}

/* What is there of it stays, and is shown to nobody; runs that are under way end, and nothing follows from them. */
int media_refuse(struct doing *d)
{
    int r = media_fail(d);

    d->row.announced = false;
    d->row.playable_until_ms = 0;
    d->row.dirty_at = 0;
    d->events |= DOING_CHANGED;
    return r < 0 ? r : step_take(d, STEP_RELEASE, ON_BARRED);
}

int media_recover(struct doing *d)
{
    d->row.reason = NULL;
    d->fill = true;
    d->events |= DOING_CHANGED;
    return 0;
}

/* Another file is coming: its media is another version, in a folder of its own. */
int media_anew(struct doing *d)
{
    struct video_row *row = &d->row;

    if (row->version)
        row->version++;
    d->events &= ~(unsigned)DOING_FAILED; /* nobody needs to hear of the file before */
    row->reason = NULL;
    row->announced = row->has_poster = row->damaged = false;
    row->poster = row->poster_asked = 0;
    row->playable_until_ms = row->duration_ms = row->runs_total = row->runs_done = 0;
    row->second = 0;
    row->edition = 0;
    row->dirty_at = 0;
    return 0;
}

/* ---- release */

int release_publish(struct doing *d)
{
    d->row.published_at = turn_now(d->t);
    d->row.publish_at = 0;
    d->events |= DOING_PUBLISHED;
    return 0;
}

int release_withdraw(struct doing *d)
{
    d->row.published_at = 0;
    d->events |= DOING_CHANGED;
    return 0;
}

/* ---- life */

int life_trash(struct doing *d)
{
    d->events |= DOING_DELETED;
    return 0;
}

int life_restore(struct doing *d)
{
    d->events |= DOING_CHANGED;
    d->fill = true;
    return media_bytes_came(d); /* while it lay there nobody looked at them */
}

int life_delete(struct doing *d)
{
    d->row.dirty_at = 0;
    d->events |= DOING_DELETED;
    d->withdraw = true;
    return 0;
}
