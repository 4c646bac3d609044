/* calls - what people ask of videos: create, read, list, change, delete, retry. */
#include <string.h>

#include "actors/catalog/uploads/content.h"
#include "actors/catalog/runs/extra.h"
#include "actors/catalog/uploads/import.h"
#include "actors/catalog/runs/loud.h"
#include "actors/catalog/rights.h"
#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "actors/catalog/uploads/virus.h"
#include "actors/runtime/page/page.h"
#include "schemas/wire/arena.h"

enum { CALLS_SAID_MOST = 400 }; /* bytes that turn_fail takes */

/* ---- create and read */

/* As it is shown in a list to whoever asks: what is for its owner is for nobody else. */
static void calls_show_listed(struct turn *t, const struct video_row *row, struct video *ret)
{
    video_show(row, turn_arena(t), ret);
    if (turn_may_manage(t, row->owner_id))
        return;
    rights_hide(ret);
    ret->virus = 0;
    ret->imported = false;
}

/* As it is shown by itself: who may change it is told of its twin. */
static int calls_show(struct turn *t, const struct video_row *row, struct video *ret)
{
    calls_show_listed(t, row, ret);
    return turn_may_manage(t, row->owner_id) ? content_same(t, row, &ret->same_as) : 0;
}

int catalog_create_video(struct catalog *self, struct turn *t, const struct create_video *ask, struct video *reply)
{
    return calls_create(self, t, ask, turn_subject(t)->user_id, false, reply);
}

int calls_create(struct catalog *self, struct turn *t, const struct create_video *ask, struct id owner,
                 bool imported, struct video *reply)
{
    int64_t now = turn_now(t);
    struct doing d = { .self = self, .t = t, .events = DOING_CREATED };

    d.row = (struct video_row) {
        .id = turn_id(t),
        .owner_id = owner,
        .owner_name = owner_name(t, owner),
        .title = ask->title,
        .description = ask->description,
        .tags = ask->tags,
        .tags_n = ask->tags_n,
        .people = ask->people,
        .people_n = ask->people_n,
        .language = ask->language,
        .visibility = ask->visibility,
        .allow_download = ask->allow_download,
        .imported = imported,
        .upload = UPLOAD_STATE_WAITING,
        .media = MEDIA_STATE_NONE,
        .release = RELEASE_STATE_DRAFT,
        .life = LIFE_STATE_LIVE,
        .upload_since = now,
        .media_since = now,
        .release_since = now,
        .life_since = now,
        .created_at = now,
    };
    if (ask->has_publish_at && ask->publish_at > now) {
        d.row.publish_at = ask->publish_at;
        d.row.release = RELEASE_STATE_SCHEDULED;
    }
    int r = video_save(&d);
    if (r == 0)
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

int catalog_get_video(struct catalog *self, struct turn *t, const struct get_video *ask, struct video *reply)
{
    struct doing d;
    int r = video_load(self, t, ask->id, &d);

    if (r == 0 && !video_may_see(t, &d.row))
        r = ERR_NOT_FOUND;
    if (r == 0)
        r = calls_show(t, &d.row, reply);
    return r;
}

/* ---- lists */

static int calls_read_cursor(struct turn *t, const char *text, struct bytes *ret)
{
    int r = page_cursor_read(turn_arena(t), text, ret);

    return r < 0 ? turn_fail(t, r, "cursor", "is none that a page gave") : 0;
}

/* Newest first: the caller's own by when they were made, all others' by when they were published. */
static int calls_start_list(struct turn *t, const struct list_videos *ask, struct bytes after,
                            struct table_walk *walk)
{
    struct video_row own = { .owner_id = turn_subject(t)->user_id,
                             .life = ask->trashed ? LIFE_STATE_TRASHED : LIFE_STATE_LIVE };
    int r;

    if (ask->mine && !turn_subject(t)->known)
        r = ERR_UNAUTHENTICATED;
    else if (ask->mine)
        r = table_walk_start(walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_OWNER, &own, 2, TABLE_DOWN, after);
    else
        r = table_walk_start(walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_LISTED, NULL, 0, TABLE_DOWN, after);
    return r == ERR_INVALID ? turn_fail(t, r, "cursor", "is one of another list") : r;
}

int catalog_list_videos(struct catalog *self, struct turn *t, const struct list_videos *ask,
                        struct list_videos_reply *reply)
{
    struct table_walk walk = { 0 };
    struct video_row row;
    struct bytes after;
    int r = calls_read_cursor(t, ask->cursor, &after);

    if (r == 0)
        r = calls_start_list(t, ask, after, &walk);
    if (r < 0) {
        table_walk_end(&walk);
        return r;
    }
    reply->items = arena_alloc_n(turn_arena(t), ask->limit, sizeof(*reply->items));
    reply->next = "";
    while ((r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        calls_show_listed(t, &row, &reply->items[reply->items_n++]);
        if (reply->items_n == ask->limit) {
            reply->next = page_cursor_text(turn_arena(t), table_walk_at(&walk));
            break;
        }
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

int catalog_scan(struct catalog *self, struct turn *t, const struct scan *ask, struct scan_reply *reply)
{
    struct bytes after = id_is_zero(ask->after) ? bytes_of(NULL, 0) : bytes_of(ask->after.b, 16);
    struct table_walk walk;
    struct video_row row;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, TABLE_PRIMARY, NULL, 0, TABLE_UP, after);

    reply->items = arena_alloc_n(turn_arena(t), ask->limit, sizeof(*reply->items));
    while (r == 0 && reply->items_n < ask->limit && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        video_show(&row, turn_arena(t), &reply->items[reply->items_n++]);
        r = 0;
    }
    if (r == 0 && reply->items_n == ask->limit) {
        r = table_walk_next(&walk, turn_arena(t), &row);
        reply->more = r > 0;
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

/* ---- change */

static int calls_set_date(struct doing *d, int64_t at)
{
    bool later = at > turn_now(d->t);

    d->row.publish_at = later ? at : 0;
    if (later)
        return step_take(d, STEP_RELEASE, ON_DATE);
    if (d->row.release == RELEASE_STATE_PUBLISHED)
        return 0;
    int r = step_take(d, STEP_RELEASE, ON_NO_DATE);
    return r < 0 ? r : release_try(d);
}

static void calls_set_texts(struct video_row *row, const struct update_video *ask)
{
    if (ask->title)
        row->title = ask->title;
    if (ask->description)
        row->description = ask->description;
    if (ask->language)
        row->language = ask->language;
    if (ask->has_visibility)
        row->visibility = ask->visibility;
    if (ask->has_allow_download)
        row->allow_download = ask->allow_download;
    if (ask->has_tags) {
        row->tags = ask->tags;
        row->tags_n = ask->tags_n;
    }
    if (ask->has_people) {
        row->people = ask->people;
        row->people_n = ask->people_n;
    }
}

int catalog_update_video(struct catalog *self, struct turn *t, const struct update_video *ask, struct video *reply)
{
    struct doing d;
    int r = video_load_own(self, t, ask->id, &d);
    bool back;

    if (r < 0)
        return r;
    back = ask->restore && d.row.life != LIFE_STATE_LIVE;
    if (ask->has_if_rev && ask->if_rev != d.row.rev)
        return turn_fail(t, ERR_PRECONDITION, "if_rev", "the video is at revision %llu by now",
                         (unsigned long long)d.row.rev);
    calls_set_texts(&d.row, ask);
    d.events |= DOING_CHANGED;
    r = rights_set(t, &d.row, ask);
    if (r == 0 && ask->has_publish_at)
        r = calls_set_date(&d, ask->publish_at);
    if (r == 0 && back)
        r = step_take(&d, STEP_LIFE, ON_RESTORE);
    if (r == 0)
        r = video_save(&d);
    if (r == 0 && back)
        r = import_go_on(&d);
    if (r == 0)
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

int catalog_delete_video(struct catalog *self, struct turn *t, const struct delete_video *ask)
{
    struct doing d;
    int r = video_load_own(self, t, ask->id, &d);

    if (r < 0)
        return r;
    if (!ask->now && d.row.life == LIFE_STATE_TRASHED)
        return 0;
    r = step_take(&d, STEP_LIFE, ask->now ? ON_DELETE : ON_TRASH);
    if (r == 0)
        r = import_stop(&d);
    if (r == 0)
        r = video_save(&d);
    return r == 0 && ask->now ? sweep_ask(t) : r;
}

/* What lies there of its file is looked at, or encoded, again. */
static int calls_retry_media(struct doing *d)
{
    struct version_row version;
    int r = version_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, &version);

    if (r == 0 || r == ERR_NOT_FOUND)
        r = step_take(d, STEP_MEDIA, r == 0 ? ON_RETRY_RUNS : ON_RETRY_PROBE);
    return r < 0 ? r : video_save(d);
}

/* Its import first, where that is what failed. */
static int calls_retry_failed(struct doing *d)
{
    int r = import_retry(d);

    if (r == 0 && d->row.upload != UPLOAD_STATE_COMPLETE && d->row.upload != UPLOAD_STATE_RECEIVING)
        return turn_fail(d->t, ERR_CONFLICT, NULL, "its file is not here; send it again");
    if (r >= 0 && d->row.media == MEDIA_STATE_FAILED)
        r = calls_retry_media(d);
    return r < 0 ? r : 0;
}

int catalog_retry_video(struct catalog *self, struct turn *t, const struct retry_video *ask, struct video *reply)
{
    struct doing d;
    int r = video_load_own(self, t, ask->id, &d);
    bool failed = r == 0 && d.row.media == MEDIA_STATE_FAILED;

    if (r == 0)
        r = virus_retry(&d);
    if (r < 0)
        return r;
    if (r == 0 && !failed)
        return turn_fail(t, ERR_CONFLICT, NULL, "only what failed can be tried again");
    r = failed ? calls_retry_failed(&d) : video_save(&d);
    if (r == 0)
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

/* ---- for playback */

/* Texts come with the final playlists: those that were made. */
static int calls_texts(struct doing *d, const struct plan *plan, struct playable *reply)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < plan->texts_n; i++) {
        const struct plan_text *text = &plan->texts[i];
        struct rendition_row row;

        r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, text->dir, &row);
        if (r == 0)
            reply->tracks[reply->tracks_n++] = (struct playable_track) {
                .kind = "text",
                .name = arena_strdup(turn_arena(d->t), text->name),
                .language = arena_strdup(turn_arena(d->t), text->language),
                .is_default = text->is_default,
                .forced = text->forced,
                .hearing_impaired = text->for_deaf,
            };
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    return r;
}

static void calls_chapters(struct turn *t, const struct plan *plan, struct playable *reply)
{
    reply->chapters = arena_alloc_n(turn_arena(t), plan->chapters_n + 1, sizeof(*reply->chapters));
    reply->chapters_n = plan->chapters_n;
    for (size_t i = 0; i < plan->chapters_n; i++) {
        const struct probed_chapter *from = &plan->chapters[i];

        reply->chapters[i] = (struct chapter) {
            .start_ms = from->start_ms,
            .title = from->title && *from->title ? from->title : arena_printf(turn_arena(t), "Chapter %zu", i + 1),
        };
    }
}

static void calls_pictures(struct doing *d, const struct plan *plan, struct playable *reply)
{
    bool all = d->row.media == MEDIA_STATE_READY;

    reply->tracks = arena_alloc_n(turn_arena(d->t), LADDER_MOST + PLAN_AUDIO_MOST + PLAN_TEXT_MOST + 1,
                                  sizeof(*reply->tracks));
    for (size_t i = 0; plan->has_video && i < plan->ladder.rungs_n; i++) {
        const struct ladder_rung *rung = &plan->ladder.rungs[i];

        if ((all && !(plan->ladder.left_out >> i & 1)) || i == plan->ladder.preview)
            reply->tracks[reply->tracks_n++] = (struct playable_track) {
                .kind = "video",
                .dir = arena_strdup(turn_arena(d->t), rung->dir),
                .name = arena_strdup(turn_arena(d->t), strchr(rung->dir, '/') + 1),
                .width = rung->width,
                .height = rung->height
            };
    }
}

/* In six channels they come with the final playlists, where these have them. */
static int calls_sounds(struct doing *d, const struct plan *plan, struct playable *reply)
{
    for (size_t i = 0; i < plan->audio_n; i++) {
        const struct plan_audio *audio = &plan->audio[i];
        struct playable_track *track = &reply->tracks[reply->tracks_n];
        int r;

        *track = (struct playable_track) {
            .kind = "audio",
            .dir = arena_strdup(turn_arena(d->t), audio->dir),
            .name = arena_strdup(turn_arena(d->t), audio->name),
            .language = arena_strdup(turn_arena(d->t), audio->language),
            .channels = audio->channels,
            .is_default = audio->is_default && !audio->surround,
        };
        r = loud_show(d, audio->dir, track);
        if (r < 0)
            return r;
        if (!audio->surround || (r > 0 && d->row.media == MEDIA_STATE_READY))
            reply->tracks_n++;
    }
    return 0;
}

/* Who may change it is told why it failed, as far as an error can say that; all others that there is nothing. */
static int calls_unplayable(struct turn *t, const struct video_row *row)
{
    bool failed = row->media == MEDIA_STATE_FAILED || row->media == MEDIA_STATE_REFUSED;
    const char *reason = failed && row->reason && *row->reason && turn_may_manage(t, row->owner_id)
                             ? row->reason
                             : "nothing of the video can be watched yet";
    size_t len = strlen(reason);

    if (len > CALLS_SAID_MOST)
        for (len = CALLS_SAID_MOST; (reason[len] & 0xc0) == 0x80;) /* whole characters */
            len--;
    return turn_fail(t, ERR_CONFLICT, NULL, "%.*s", (int)len, reason);
}

int catalog_get_playable(struct catalog *self, struct turn *t, const struct get_playable *ask,
                         struct playable *reply)
{
    struct version_row version;
    struct plan plan;
    struct doing d;
    int r = video_load(self, t, ask->id, &d);

    if (r == 0 && !video_may_see(t, &d.row))
        r = ERR_NOT_FOUND;
    if (r < 0)
        return r;
    if (!d.row.announced)
        return calls_unplayable(t, &d.row);
    r = media_load_plan(&d, &version, &plan);
    if (r < 0)
        return r;
    video_show(&d.row, turn_arena(t), &reply->video);
    reply->version = d.row.version;
    reply->final = d.row.media == MEDIA_STATE_READY;
    if (reply->final) {
        reply->hls = playlist_name_of(t, "master", ".m3u8", d.row.edition);
        reply->dash = playlist_name_of(t, "manifest", ".mpd", d.row.edition);
        reply->counts = extra_counts_plays(t, &d.row, &version);
    }
    reply->has_storyboard = reply->final && version.board_bytes;
    reply->second = d.row.second == SECOND_PREVIEW_IN_STEP;
    calls_chapters(t, &plan, reply);
    calls_pictures(&d, &plan, reply);
    r = calls_sounds(&d, &plan, reply);
    if (r == 0 && reply->final)
        r = calls_texts(&d, &plan, reply);
    return r;
}

int catalog_note_watched(struct catalog *self, struct turn *t, const struct note_watched *ask)
{
    struct version_row version;
    struct doing d;
    int r = video_load(self, t, ask->id, &d);

    if (r == 0 && !video_may_see(t, &d.row))
        r = ERR_NOT_FOUND;
    if (r < 0 || !d.row.announced)
        return r;
    r = version_row_get(turn_txn(t), turn_arena(t), d.row.id, d.row.version, &version);
    if (r < 0)
        return r;
    return d.row.media == MEDIA_STATE_READY ? extra_played(&d, &version) : runs_watched(&d, &version);
}
