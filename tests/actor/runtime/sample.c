#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/turn.h"
#include "data/store/table.h"
#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"

/* ---- library */

static int library_add(struct turn *t, const char *title, enum kind kind, struct item *reply)
{
    int r;

    *reply = (struct item) { .id = turn_id(t), .title = title, .kind = kind, .pages = 1, .added = turn_now(t) };
    r = item_put_new(turn_txn(t), reply);
    if (r < 0)
        return r == ERR_EXISTS ? turn_fail(t, ERR_CONFLICT, "title", "is taken by another item") : r;
    r = emit_item_added(t, &(struct item_added) { .item_id = reply->id, .item = *reply });
    if (r < 0)
        return r;
    turn_count(t, LIBRARY_ITEMS_ADDED, 1);
    return put_bind_item(t, &(struct bind_item) { .item_id = reply->id }, &(struct job_options) { .priority = 9 },
                         NULL);
}

struct library_work {
    char title[16];
    unsigned worked;
};

static int library_work(void *ctx)
{
    struct library_work *work = ctx;

    work->worked = 42;
    return strcmp(work->title, "poolbad") == 0 ? ERR_IO : 0;
}

static int library_worked(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct library_work *work = ctx;
    struct item item;
    int r = err < 0 ? err : library_add(t, arena_strdup(turn_arena(t), work->title), KIND_BOOK, &item);

    if (r < 0)
        return r;
    item.pages = work->worked ? work->worked : 1;
    return reply_create_item(t, &item);
}

static int library_beside(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct library *self = state;

    self->besides++;
    return turn_subject(t)->known ? ERR_INTERNAL : err;
}

struct library_owned {
    struct library *self;
    char *title;
};

static int library_own_work(void *ctx)
{
    struct library_owned *own = ctx;

    own->title[0] = 'O';
    return 0;
}

static void library_own_drop(void *ctx)
{
    struct library_owned *own = ctx;

    own->self->dropped++;
    free(own->title);
}

static int library_own_done(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct library_owned *own = ctx;
    struct item item;
    int r = library_add(t, arena_strdup(turn_arena(t), own->title), KIND_BOOK, &item);

    own->self->owned++;
    free(own->title);
    return r < 0 ? r : reply_create_item(t, &item);
}

static int library_own(struct library *self, struct turn *t, const char *title)
{
    struct library_owned own = { .self = self, .title = strdup(title) };
    int r = turn_pool_or(t, library_own_work, library_own_done, library_own_drop, &own, sizeof(own));

    if (r < 0)
        free(own.title);
    else if (strcmp(title, "ownsbad") == 0)
        return turn_fail(t, ERR_PRECONDITION, "title", "is one that fails");
    return r < 0 ? r : TURN_LATER;
}

static void library_forget(void *state, const void *ctx)
{
    ((struct library *)state)->adding -= *(const unsigned *)ctx;
}

static void library_call_newest(struct library *self, struct turn *t, const char *title)
{
    turn_remember(t, self->newest, sizeof(self->newest));
    snprintf(self->newest, sizeof(self->newest), "%s", title);
}

static int library_on_create_item(struct library *self, struct turn *t, const struct create_item *ask,
                                  struct item *reply)
{
    struct library_work work = { 0 };
    int r;

    self->runs++;
    snprintf(work.title, sizeof(work.title), "%s", ask->title);
    if (strncmp(ask->title, "pool", 4) == 0) {
        r = turn_pool(t, library_work, library_worked, &work, sizeof(work));
        return r < 0 ? r : TURN_LATER;
    }
    if (strcmp(ask->title, "timer") == 0) {
        r = turn_after(t, 5000, library_worked, &work, sizeof(work));
        return r < 0 ? r : TURN_LATER;
    }
    if (strncmp(ask->title, "owns", 4) == 0)
        return library_own(self, t, ask->title);
    if (strcmp(ask->title, "silent") == 0)
        return TURN_LATER;
    self->adding++;
    turn_undone(t, library_forget, &(unsigned) { 1 }, sizeof(unsigned));
    library_call_newest(self, t, ask->title);
    r = library_add(t, ask->title, ask->kind, reply);
    if (r == 0 && strcmp(ask->title, "beside") == 0)
        return turn_pool(t, library_work, library_beside, &work, sizeof(work));
    if (r == 0 && strcmp(ask->title, "fails") == 0)
        return turn_fail(t, ERR_PRECONDITION, "title", "is one that fails");
    if (r == 0 && strcmp(ask->title, "stumbles") == 0) {
        library_call_newest(self, t, "more");
        return turn_fail(t, ERR_PRECONDITION, "title", "is one that stumbles");
    }
    return r;
}

static int library_on_get_item(struct library *self, struct turn *t, const struct get_item *ask,
                               struct item *reply)
{
    self->runs++;
    return item_get(turn_txn(t), turn_arena(t), ask->id, reply);
}

static int library_on_find_items(struct library *self, struct turn *t, const struct find_items *ask,
                                 struct find_items_reply *reply)
{
    reply->items = arena_alloc(turn_arena(t), sizeof(*reply->items));
    if (table_find(turn_txn(t), &item_table, ITEM_BY_TITLE, &(struct item) { .title = ask->q }, 1, turn_arena(t),
                   reply->items) == 0)
        reply->items_n = 1;
    return 0;
}

static int library_on_drop_item(struct library *self, struct turn *t, const struct drop_item *ask)
{
    return item_del(turn_txn(t), ask->id);
}

static int library_part(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct library *self = state;

    self->parts++;
    return self->part_err;
}

static int library_tick(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct library *self = state;
    int r = turn_after(t, 60000, library_tick, NULL, 0);

    turn_after(t, 0, library_part, NULL, 0);
    self->ticks++;
    return self->tick_err < 0 ? self->tick_err : r;
}

static int library_up(void *state, struct turn *t)
{
    struct library *self = state;
    int r = self->ups++ ? 0 : turn_after(t, 60000, library_tick, NULL, 0);

    if (r < 0)
        return r;
    return set_stock(t, "all", &(struct stock) { .items = self->ups });
}

static const struct library_handlers library_handlers = {
    .create_item = library_on_create_item,
    .get_item = library_on_get_item,
    .find_items = library_on_find_items,
    .drop_item = library_on_drop_item,
};

const struct actor_def library_actor = {
    .name = "library",
    .schema = &library_schema,
    .handlers = &library_handlers,
    .self_size = sizeof(struct library),
    .up = library_up,
};

/* ---- shelf */

static void shelf_note(struct shelf *self, const char *what)
{
    size_t len = strlen(self->seen);

    snprintf(self->seen + len, sizeof(self->seen) - len, "%s ", what);
}

static int shelf_got(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct item *item = reply;

    if (err < 0)
        return turn_fail(t, err == ERR_NOT_FOUND ? ERR_EXISTS : err, NULL, "the library says no");
    shelf_note(state, item->title);
    return 0;
}

static int shelf_on_put_back(struct shelf *self, struct turn *t, const struct put_back *ask)
{
    int r = ask_get_item(t, &(struct get_item) { .id = ask->slot.item.id }, shelf_got, NULL, 0);

    return r < 0 ? r : TURN_LATER;
}

static int shelf_on_item_added(struct shelf *self, struct turn *t, const struct item_added *event)
{
    if (self->event_err < 0 && (!self->failing || strcmp(self->failing, event->item.title) == 0))
        return turn_fail(t, self->event_err, NULL, "the shelf is full");
    shelf_note(self, event->item.title);
    return 0;
}

static int shelf_on_item_bound(struct shelf *self, struct turn *t, const struct item_bound *event)
{
    char text[100], id[ID_TEXT_SIZE];

    snprintf(text, sizeof(text), "bound:%d:%d:%s:%d", (int)event->pages, (int)event->attempts,
             id_format("item", event->item_id, id), event->job_id.b[0]);
    shelf_note(self, text);
    return 0;
}

static int shelf_on_item_lost(struct shelf *self, struct turn *t, const struct item_lost *event)
{
    char text[100];

    snprintf(text, sizeof(text), "lost:%s:%s", err_slug(err_from_code(event->error)), event->reason);
    shelf_note(self, text);
    return 0;
}

/* The first byte of the id says what becomes of the job. */
static int shelf_take_bind_item(struct shelf *self, struct turn *t, const struct bind_item *job)
{
    char text[20];

    snprintf(text, sizeof(text), "job%d", job->item_id.b[0]);
    shelf_note(self, text);
    switch (job->item_id.b[0]) {
    case 1: return done_bind_item(t, &(struct item_bound) { .pages = 7 });
    case 2: return turn_fail(t, ERR_IO, NULL, "the glue is dry");
    case 3: return turn_nack(t, 1234, true, ERR_WAIT, "no glue yet");
    case 4: return turn_term(t, ERR_CORRUPT, "torn");
    case 5: self->kept = turn_keep(t); return TURN_LATER;
    default: return 0;
    }
}

static void shelf_watch_stock(struct shelf *self, struct turn *t, const struct stock *value)
{
    self->values++;
    self->stock = value ? value->items : 0;
}

static int shelf_up(void *state, struct turn *t)
{
    ((struct shelf *)state)->ups++;
    return 0;
}

static int shelf_lost(void *state, struct turn *t, const char *stream)
{
    struct shelf *self = state;

    if (self->event_err < 0)
        return self->event_err;
    self->losts++;
    shelf_note(self, "LOST");
    return 0;
}

static int shelf_caught_up(void *state, struct turn *t, const char *stream)
{
    ((struct shelf *)state)->caught_ups++;
    return 0;
}

static void shelf_gone(void *state, struct actor *actor, uint64_t kept)
{
    ((struct shelf *)state)->gones++;
}

static const struct shelf_handlers shelf_handlers = {
    .put_back = shelf_on_put_back,
    .on_library_item_added = shelf_on_item_added,
    .on_library_item_bound = shelf_on_item_bound,
    .on_library_item_lost = shelf_on_item_lost,
    .take_bind_item = shelf_take_bind_item,
    .watch_library_stock = shelf_watch_stock,
};

const struct actor_def shelf_actor = {
    .name = "shelf",
    .schema = &shelf_schema,
    .handlers = &shelf_handlers,
    .self_size = sizeof(struct shelf),
    .up = shelf_up,
    .lost = shelf_lost,
    .caught_up = shelf_caught_up,
    .gone = shelf_gone,
};
