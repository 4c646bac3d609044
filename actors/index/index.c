/* index - the catalog's events, and the actor. */
#include "actors/index/index.h"

#include "actors/index/actor.h"
#include "actors/index/postings.h"
#include "gen/catalog.h"
#include "gen/errors.h"

static int index_count(struct turn *t, int r)
{
    if (r >= 0)
        turn_count(t, r ? INDEX_DOCUMENTS_WRITTEN : INDEX_EVENTS_OLDER, 1);
    return r < 0 ? r : 0;
}

/* A video as it is now, in the generation that serves and in the one that grows. */
static int index_put(struct index *self, struct turn *t, const struct video *video)
{
    struct generations all = { .serving.number = 0 };
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    if (r == 0 && all.serving.number)
        r = index_count(t, postings_put(turn_txn(t), turn_arena(t), self->stems, &all.serving, video));
    if (r == 0 && all.building.number)
        r = index_count(t, postings_put(turn_txn(t), turn_arena(t), self->stems, &all.building, video));
    if (r == 0)
        actor_gauge(turn_actor(t), INDEX_DOCUMENTS, all.serving.documents);
    return r;
}

static int index_on_created(struct index *self, struct turn *t, const struct video_created *event)
{
    return index_put(self, t, &event->video);
}

static int index_on_changed(struct index *self, struct turn *t, const struct video_changed *event)
{
    return index_put(self, t, &event->video);
}

static int index_on_playable(struct index *self, struct turn *t, const struct video_playable *event)
{
    return index_put(self, t, &event->video);
}

static int index_on_ready(struct index *self, struct turn *t, const struct video_ready *event)
{
    return index_put(self, t, &event->video);
}

static int index_on_failed(struct index *self, struct turn *t, const struct video_failed *event)
{
    return index_put(self, t, &event->video);
}

static int index_on_published(struct index *self, struct turn *t, const struct video_published *event)
{
    return index_put(self, t, &event->video);
}

static int index_on_deleted(struct index *self, struct turn *t, const struct video_deleted *event)
{
    struct generations all = { .serving.number = 0 };
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    if (r == 0 && all.serving.number)
        r = index_count(
            t, postings_del(turn_txn(t), turn_arena(t), self->stems, &all.serving, event->video_id, event->rev));
    if (r == 0 && all.building.number)
        r = index_count(
            t, postings_del(turn_txn(t), turn_arena(t), self->stems, &all.building, event->video_id, event->rev));
    if (r == 0)
        actor_gauge(turn_actor(t), INDEX_DOCUMENTS, all.serving.documents);
    return r;
}

static int index_open(void *me, struct actor *actor)
{
    ((struct index *)me)->stems = stems_new();
    return 0;
}

static void index_close(void *me)
{
    stems_free(&((struct index *)me)->stems);
}

static const struct index_handlers handlers = {
    .search = index_on_search,
    .suggest = index_on_suggest,
    .rebuild = index_on_rebuild,
    .index_status = index_on_status,
    .on_catalog_video_created = index_on_created,
    .on_catalog_video_changed = index_on_changed,
    .on_catalog_video_playable = index_on_playable,
    .on_catalog_video_ready = index_on_ready,
    .on_catalog_video_failed = index_on_failed,
    .on_catalog_video_published = index_on_published,
    .on_catalog_video_deleted = index_on_deleted,
};

const struct actor_def index_actor = {
    .name = "index",
    .schema = &index_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct index),
    .open = index_open,
    .close = index_close,
    .up = index_up,
    .lost = index_lost,
};
