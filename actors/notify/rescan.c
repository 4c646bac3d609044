/* rescan - see rescan.h */
#include "actors/notify/rescan.h"

#include <string.h>

#include "actors/notify/template.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum { RESCAN_ROW = 1, RESCAN_PAGE = 25, RESCAN_AGAIN_MS = 5000, RESCAN_OVERDUE_MS = 30000 };

static turn_then rescan_page, rescan_again;

int rescan_is_news(struct turn *t, const struct video *video, const char *kind)
{
    struct told_video row;
    int r = told_video_get(turn_txn(t), turn_arena(t), video->id, &row);

    if (r == 0 && video->rev <= row.video_rev)
        return 0;
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    row = (struct told_video) { .video_id = video->id, .video_rev = video->rev, .kind = kind };
    r = told_video_put(turn_txn(t), &row);
    return r < 0 ? r : 1;
}

int notify_on_deleted(struct notify *self, struct turn *t, const struct video_deleted *event)
{
    int r = told_video_del(turn_txn(t), event->video_id);

    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What its owner should know of a video; NULL: nothing yet. */
static const struct template *rescan_template(const struct video *video)
{
    if (video->life != LIFE_STATE_LIVE)
        return NULL;
    switch (video->state) {
    case VIDEO_STATE_PLAYABLE: return &template_video_playable;
    case VIDEO_STATE_READY: return &template_video_ready;
    case VIDEO_STATE_FAILED: return &template_video_failed;
    default: return NULL;
    }
}

static int rescan_video(struct turn *t, const struct video *video, bool quiet)
{
    const struct template *template = rescan_template(video);
    struct told_video row;
    int r;

    if (!template)
        return 0;
    r = told_video_get(turn_txn(t), turn_arena(t), video->id, &row);
    if (r == 0 && strcmp(row.kind, template->kind) == 0)
        return 0; /* it changed since, but not in what was told */
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = rescan_is_news(t, video, template->kind);
    return r <= 0 || quiet ? r : events_video(t, template, video);
}

static int rescan_ask(struct notify *self, struct turn *t, const struct rescan *row)
{
    struct scan ask = { .after = row->after, .limit = RESCAN_PAGE };

    self->paged = turn_now(t);
    return ask_scan(t, &ask, rescan_page, NULL, 0);
}

/* The row is gone when a second chain of questions, begun by a session that came up again, was faster. */
static int rescan_page(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct scan_reply *page = reply;
    struct rescan row;
    int r = rescan_get(turn_txn(t), turn_arena(t), RESCAN_ROW, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (err < 0)
        return turn_after(t, RESCAN_AGAIN_MS, rescan_again, NULL, 0);
    for (size_t i = 0; r >= 0 && i < page->items_n; i++) {
        r = rescan_video(t, &page->items[i], row.quiet);
        row.after = page->items[i].id;
    }
    if (r >= 0)
        r = page->more ? rescan_put(turn_txn(t), &row) : rescan_del(turn_txn(t), RESCAN_ROW);
    if (r < 0 || !page->more)
        return r;
    return rescan_ask(me, t, &row);
}

static int rescan_again(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    return rescan_resume(me, t);
}

int rescan_resume(struct notify *self, struct turn *t)
{
    struct rescan row;
    int r = rescan_get(turn_txn(t), turn_arena(t), RESCAN_ROW, &row);

    return r == ERR_NOT_FOUND ? 0 : r < 0 ? r : rescan_ask(self, t, &row);
}

int rescan_tend(struct notify *self, struct turn *t)
{
    return turn_now(t) < self->paged + RESCAN_OVERDUE_MS ? 0 : rescan_resume(self, t);
}

int rescan_lost(void *self, struct turn *t, const char *stream)
{
    struct rescan row = { .id = RESCAN_ROW };
    uint64_t told;
    int r;

    if (strcmp(stream, "catalog") != 0)
        return 0; /* of accounts nothing is made up for: who waits for a mail asks for another one */
    r = table_count(turn_txn(t), &told_video_table, &told);
    row.quiet = r == 0 && told == 0;
    if (r == 0)
        r = rescan_put(turn_txn(t), &row);
    return r < 0 ? r : rescan_ask(self, t, &row);
}
