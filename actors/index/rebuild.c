/* rebuild - a new generation grows while the old one serves, then takes its place; the old one is taken down
 * in slices.
 *
 * What drives it is a tick, that comes again as long as there is something to do: it asks the catalog for
 * the next page unless one is under way, and deletes a slice. A page or a slice that fails is rolled back
 * alone and tried again by a later tick. */
#include "actors/index/actor.h"
#include "actors/index/postings.h"
#include "actors/runtime/actor.h"
#include "gen/catalog.h"
#include "gen/errors.h"

enum { REBUILD_AGAIN_MS = 2000, REBUILD_OVERDUE_MS = 10000, REBUILD_WORDS = 5000 };

static turn_then rebuild_tick, rebuild_page;

/* A tick at once or later, if none is on its way. One that was to come long ago never will: it was undone
 * with the turn that set it. */
static int rebuild_tick_after(struct index *self, struct turn *t, uint32_t ms)
{
    int64_t *due = ms ? &self->later : &self->soon;

    if (*due && turn_now(t) < *due + REBUILD_OVERDUE_MS)
        return 0;
    *due = turn_now(t) + ms;
    return turn_after(t, ms, rebuild_tick, &ms, sizeof(ms));
}

static int rebuild_ask(struct index *self, struct turn *t, const struct index_generation *building)
{
    const struct index_settings *settings = turn_settings(t);
    struct scan ask = { .after = building->after, .limit = settings->scan_page };
    int r;

    if (self->asked && turn_now(t) < self->asked + REBUILD_OVERDUE_MS + scan_call.deadline_ms)
        return 0;
    r = ask_scan(t, &ask, rebuild_page, &building->number, sizeof(building->number));
    self->asked = r == 0 ? turn_now(t) : 0;
    return r;
}

/* ---- a page of the catalog */

static uint64_t rebuild_words(const struct index_generation *g)
{
    return g->title_words + g->tag_words + g->people_words + g->description_words;
}

/* Videos with very much text end a page early: the rest is asked for again, and other messages come in between. */
static int rebuild_put(struct index *self, struct turn *t, struct store_txn *txn, struct generations *all,
                       const struct scan_reply *page)
{
    struct index_generation *g = &all->building;
    uint64_t words = rebuild_words(g) + REBUILD_WORDS;
    size_t n = 0;
    int r = 0;

    while (r >= 0 && n < page->items_n && rebuild_words(g) < words) {
        r = postings_put(txn, turn_arena(t), self->stems, g, &page->items[n]);
        g->after = page->items[n++].id;
        g->scanned++;
    }
    if (r >= 0)
        r = index_generation_put(txn, g);
    if (r == 0 && n == page->items_n && !(page->more && page->items_n))
        r = generation_switch(txn, turn_arena(t), all);
    return r < 0 ? r : 0;
}

/* In a transaction of its own, so that a page that cannot be stored does not undo the turn that will try it
 * again. */
static int rebuild_store(struct index *self, struct turn *t, struct generations *all,
                         const struct scan_reply *page)
{
    struct store_txn *txn;
    int r = store_begin_child(turn_txn(t), &txn);

    if (r < 0)
        return r;
    r = rebuild_put(self, t, txn, all, page);
    if (r == 0)
        return store_commit(&txn);
    store_abort(&txn);
    return r;
}

static int rebuild_page(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct index *self = me;
    const struct scan_reply *page = reply;
    uint64_t number = *(const uint64_t *)ctx;
    struct generations all = { .serving.number = 0 };
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    self->asked = 0;
    if (r < 0)
        return rebuild_tick_after(self, t, REBUILD_AGAIN_MS);
    if (err == 0 && all.building.number == number)
        err = rebuild_store(self, t, &all, page);
    if (err < 0) {
        turn_log(t, "scan-failed", "generation=%llu result=%s", (unsigned long long)number, err_name(err));
        return rebuild_tick_after(self, t, REBUILD_AGAIN_MS);
    }
    if (all.serving.number == number)
        turn_log(t, "rebuilt", "generation=%llu documents=%llu", (unsigned long long)number,
                 (unsigned long long)all.serving.documents);
    if (all.building.number)
        return rebuild_ask(self, t, &all.building);
    return rebuild_tick_after(self, t, 0);
}

/* ---- the tick */

/* 1: there is more to delete. */
static int rebuild_drop(struct turn *t)
{
    const struct index_settings *settings = turn_settings(t);
    struct store_txn *txn;
    int r = store_begin_child(turn_txn(t), &txn), done;

    if (r < 0)
        return r;
    r = generation_drop(txn, turn_arena(t), (unsigned)settings->drop_rows);
    if (r >= 0) {
        done = store_commit(&txn);
        return done < 0 ? done : r;
    }
    store_abort(&txn);
    return r;
}

static int rebuild_tick(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct index *self = me;
    struct generations all = { .serving.number = 0 };
    int dropped, r;

    *(*(const uint32_t *)ctx ? &self->later : &self->soon) = 0;
    dropped = rebuild_drop(t);
    if (dropped < 0)
        turn_log(t, "drop-failed", "result=%s", err_name(dropped));
    r = generations_read(turn_txn(t), turn_arena(t), &all);
    if (r == 0 && all.building.number)
        r = rebuild_ask(self, t, &all.building);
    if (dropped > 0)
        return rebuild_tick_after(self, t, 0);
    return r < 0 || dropped < 0 || all.building.number ? rebuild_tick_after(self, t, REBUILD_AGAIN_MS) : 0;
}

/* ---- what begins it */

static int rebuild_begin(struct turn *t, struct index_generation *ret)
{
    int r = generation_begin(turn_txn(t), turn_arena(t), turn_now(t), ret);

    if (r < 0)
        return r;
    turn_count(t, INDEX_REBUILDS, 1);
    turn_log(t, "rebuild", "generation=%llu", (unsigned long long)ret->number);
    return 0;
}

int index_on_rebuild(struct index *self, struct turn *t, const struct rebuild *ask, struct rebuild_reply *reply)
{
    struct generations all = { .serving.number = 0 };
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    if (r == 0 && !all.building.number)
        r = rebuild_begin(t, &all.building);
    reply->generation = all.building.number;
    if (r == 0)
        r = rebuild_tick_after(self, t, 0);
    return r < 0 ? r : reply_rebuild(t, reply);
}

int index_on_status(struct index *self, struct turn *t, const struct index_status *ask,
                    struct index_status_reply *reply)
{
    const struct index_generation *answering;
    struct generations all = { .serving.number = 0 };
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    answering = generations_answering(&all);
    if (r < 0 || !answering)
        return r;
    *reply = (struct index_status_reply) {
        .generation = answering->number,
        .documents = answering->documents,
        .rebuilding = all.building.number != 0,
        .scanned = all.building.scanned,
    };
    return 0;
}

int index_up(void *me, struct turn *t)
{
    struct index *self = me;
    struct generations all = { .serving.number = 0 };
    const struct index_generation *newest;
    int r = generations_read(turn_txn(t), turn_arena(t), &all);

    newest = all.building.number ? &all.building : &all.serving;
    if (r == 0 && newest->analysis != WORDS_ANALYSIS) /* none yet, or made by other rules */
        r = rebuild_begin(t, &all.building);
    actor_gauge(turn_actor(t), INDEX_DOCUMENTS, all.serving.documents);
    return r < 0 ? r : rebuild_tick_after(self, t, 0);
}

int index_lost(void *me, struct turn *t, const char *stream)
{
    struct index_generation fresh;
    int r = rebuild_begin(t, &fresh);

    return r < 0 ? r : rebuild_tick_after(me, t, 0);
}
