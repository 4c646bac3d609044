#include "tests/actor/catalog/fake.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/store/outbox.h"
#include "gen/common.h"

/* What a process held when it was killed is no leak. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:playlist_start\nleak:playlist_file\nleak:buf_grow\n";
}

/* ---- the process */

static void fake_open(struct fake *f)
{
    char path[PATH_MAX + 16];
    struct store_options options = { .dir = path, .map_size = 256 << 20, .any_filesystem = true };

    snprintf(path, sizeof(path), "%s/catalog", f->dir);
    assert_int_equal(store_open(&options, &f->store), 0);
    assert_int_equal(table_open(f->store, catalog_schema.tables, catalog_schema.tables_n), 0);
    assert_int_equal(outbox_open(f->store), 0);
    f->self = (struct catalog) { 0 };
    assert_int_equal(catalog_actor.open(&f->self, (struct actor *)f), 0);
}

static void fake_drain(struct fake *f)
{
    struct store_txn *txn;
    struct outbox_row row;

    store_fault_hold(true);
    assert_int_equal(store_begin_read(f->store, &txn), 0);
    while (outbox_next(txn, f->arena, f->drained, &row) == 0) {
        struct fake_sent *sent = &f->sent[f->sent_n++];

        assert_true(f->sent_n < FAKE_SENT_MOST);
        *sent = (struct fake_sent) { .name = row.target, .body = row.body };
        struct outbox_head head;

        assert_int_equal(outbox_head_unpack(row.head, f->arena, &head, NULL), 0);
        sent->job = head.job;
        sent->priority = (uint8_t)head.priority;
        sent->seq = row.seq;
        f->drained = row.seq;
    }
    store_abort(&txn);
    store_fault_hold(false);
}

/* No continuation will have it. */
static void fake_drop(struct fake_waiting *w)
{
    if (w->used && w->drop)
        w->drop((void *)(uintptr_t)w->ctx.data);
    w->used = false;
}

void fake_restart(struct fake *f)
{
    catalog_actor.close(&f->self);
    store_close(&f->store);
    store_fault_hold(true);
    for (size_t i = 0; i < FAKE_WAITING_MOST; i++)
        fake_drop(&f->waiting[i]);
    fake_open(f);
    fake_drain(f);
    f->restarts++;
    struct turn *t = fake_begin(f);
    fake_end(f, catalog_actor.up(&f->self, t));
    store_fault_hold(false);
}

int fake_setup(void **state)
{
    struct fake *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;

    snprintf(f->dir, sizeof(f->dir), "%s/kinobus-catalog-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    f->arena = arena_new();
    f->now = 1700000000000;
    wire_init(&catalog_settings_type, &f->settings);
    f->settings.reserve_bytes = 0;
    f->settings.scrub_kib_per_s = 0; /* the studio makes no objects */
    fake_open(f);
    fake_be(f, 1, ROLE_CREATOR);
    struct turn *t = fake_begin(f);
    fake_end(f, catalog_actor.up(&f->self, t));
    *state = f;
    return 0;
}

static int fake_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

int fake_teardown(void **state)
{
    struct fake *f = *state;

    store_fault_disarm();
    fake_settle(f); /* what is under way owns memory */
    catalog_actor.close(&f->self);
    store_close(&f->store);
    arena_free(&f->arena);
    nftw(f->dir, fake_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* ---- turns */

static int fake_refused;

struct turn *fake_begin(struct fake *f)
{
    struct turn *t = calloc(1, sizeof(*t));

    t->f = f;
    fake_refused = store_begin_write(f->store, &t->txn);
    f->t = fake_refused ? NULL : t;
    if (fake_refused)
        free(t);
    return f->t;
}

static void fake_leave(struct fake *f, struct turn *t)
{
    for (size_t i = 0; i < t->waiting_n; i++) {
        size_t k = 0;

        while (f->waiting[k].used)
            assert_true(++k < FAKE_WAITING_MOST);
        f->waiting[k] = t->waiting[i];
        f->waiting[k].due += f->now;
    }
}

int fake_end(struct fake *f, int r)
{
    struct turn *t = f->t;

    if (!t)
        return fake_refused;
    f->t = NULL;
    f->struck = r >= 0 && f->full_at && --f->full_at == 0;
    if (f->struck)
        r = ERR_STORE_FULL;
    if (r < 0)
        store_abort(&t->txn);
    else if ((r = store_commit(&t->txn)) == 0)
        fake_leave(f, t);
    for (size_t i = 0; r < 0 && i < t->waiting_n; i++)
        fake_drop(&t->waiting[i]);
    for (size_t i = t->undo_n; r < 0 && i-- > 0;)
        t->undo[i].undo(&f->self, t->undo[i].ctx);
    free(t);
    if (r == ERR_OUTCOME_UNKNOWN)
        fake_restart(f);
    else if (r == 0)
        fake_drain(f);
    return r;
}

static bool fake_run_one(struct fake *f, bool pool)
{
    for (size_t i = 0; i < FAKE_WAITING_MOST; i++) {
        struct fake_waiting w = f->waiting[i];
        void *ctx;

        if (!w.used || w.due > f->now || (w.pool && !pool))
            continue;
        f->waiting[i].used = false;
        ctx = arena_copy(f->arena, w.ctx.data ? w.ctx.data : "", w.ctx.len);
        int err = w.pool ? w.work(ctx) : 0;
        struct turn *t = fake_begin(f);
        if (!t) { /* no transaction could begin: the process tries again */
            f->waiting[i] = w;
            return true;
        }
        int r = fake_end(f, w.then(&f->self, t, err, NULL, ctx));
        f->later = r < 0 ? r : f->later;
        if (f->struck && !w.pool) {
            w.due = f->now + 1000;
            f->waiting[i] = w;
        }
        return true;
    }
    return false;
}

void fake_settle(struct fake *f)
{
    for (unsigned n = 0; fake_run_one(f, true); n++)
        assert_true(n < 100000);
}

void fake_settle_but_pool(struct fake *f)
{
    for (unsigned n = 0; fake_run_one(f, false); n++)
        assert_true(n < 100000);
}

void fake_pass(struct fake *f, int64_t ms)
{
    f->now += ms;
    fake_settle(f);
}

struct id fake_user(unsigned who)
{
    return (struct id) { .b = { 0xaa, [15] = (uint8_t)who } };
}

void fake_be(struct fake *f, unsigned who, enum role role)
{
    f->subject = (struct subject) { .known = who != 0, .role = role, .from = "front" };
    if (who)
        f->subject.user_id = fake_user(who);
}

unsigned fake_count(struct fake *f, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < f->sent_n; i++)
        n += strcmp(f->sent[i].name, name) == 0;
    return n;
}

struct fake_sent *fake_take(struct fake *f, const char *name)
{
    struct fake_sent *best = NULL;

    for (size_t i = 0; i < f->sent_n; i++) {
        struct fake_sent *s = &f->sent[i];

        if (!s->taken && strcmp(s->name, name) == 0 && (!best || s->priority > best->priority))
            best = s;
    }
    if (best)
        best->taken = true;
    return best;
}

/* ---- what handlers see */

struct store_txn *turn_txn(struct turn *t)
{
    return t->txn;
}

struct arena *turn_arena(struct turn *t)
{
    return t->f->arena;
}

int64_t turn_now(const struct turn *t)
{
    return t->f->now;
}

void turn_random(struct turn *t, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        t->f->random = t->f->random * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)to)[i] = (uint8_t)(t->f->random >> 56);
    }
}

struct id turn_id(struct turn *t)
{
    uint8_t random[10];

    turn_random(t, random, sizeof(random));
    return id_make(t->f->now, random);
}

const void *turn_settings(const struct turn *t)
{
    return &t->f->settings;
}

void turn_count(struct turn *t, unsigned counter, uint64_t n)
{
    t->f->counters[counter] += n;
}

const struct subject *turn_subject(const struct turn *t)
{
    return &t->f->subject;
}

bool turn_has_role(const struct turn *t, enum role least)
{
    return t->f->subject.known && t->f->subject.role >= least;
}

bool turn_may_manage(const struct turn *t, struct id owner_id)
{
    return (t->f->subject.known && id_equal(t->f->subject.user_id, owner_id)) || turn_has_role(t, ROLE_MODERATOR);
}

int turn_require_owner(struct turn *t, struct id owner_id)
{
    if (!t->f->subject.known)
        return ERR_UNAUTHENTICATED;
    return turn_may_manage(t, owner_id) ? 0 : ERR_FORBIDDEN;
}

int turn_fail(struct turn *t, int err, const char *field, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(t->f->detail, sizeof(t->f->detail), format, args);
    va_end(args);
    return err;
}

void turn_log(struct turn *t, const char *what, const char *format, ...)
{
}

const char *turn_key(const struct turn *t)
{
    return "";
}

static int fake_wait(struct turn *t, struct fake_waiting w, const void *ctx, size_t len)
{
    assert_true(t->waiting_n < sizeof(t->waiting) / sizeof(t->waiting[0]));
    w.used = true;
    w.ctx = len ? bytes_of(arena_copy(t->f->arena, ctx, len), len) : (struct bytes) { 0 };
    t->waiting[t->waiting_n++] = w;
    return 0;
}

int turn_pool(struct turn *t, pool_work *work, turn_then *then, const void *ctx, size_t ctx_len)
{
    return turn_pool_or(t, work, then, NULL, ctx, ctx_len);
}

int turn_pool_or(struct turn *t, pool_work *work, turn_then *then, pool_let_go *drop, const void *ctx,
                 size_t ctx_len)
{
    if (t->f->busy) {
        t->f->busy--;
        return ERR_BUSY;
    }
    return fake_wait(t, (struct fake_waiting) { .pool = true, .work = work, .then = then, .drop = drop }, ctx,
                     ctx_len);
}

int turn_after(struct turn *t, uint32_t ms, turn_then *then, const void *ctx, size_t ctx_len)
{
    return fake_wait(t, (struct fake_waiting) { .due = ms, .then = then }, ctx, ctx_len);
}

void turn_undone(struct turn *t, turn_undo *undo, const void *ctx, size_t ctx_len)
{
    assert_true(t->undo_n < sizeof(t->undo) / sizeof(t->undo[0]));
    t->undo[t->undo_n].undo = undo;
    t->undo[t->undo_n++].ctx = ctx_len ? arena_copy(t->f->arena, ctx, ctx_len) : NULL;
}

struct fake_was {
    void *field;
    const void *bytes;
    size_t len;
};

static void fake_put_back(void *self, const void *ctx)
{
    const struct fake_was *was = ctx;

    memcpy(was->field, was->bytes, was->len);
}

void turn_remember(struct turn *t, void *field, size_t len)
{
    struct fake_was was = { .field = field, .bytes = arena_copy(t->f->arena, field, len), .len = len };

    turn_undone(t, fake_put_back, &was, sizeof(was));
}

static int fake_send(struct turn *t, enum outbox_kind kind, const char *name, const struct wire_type *type,
                     const void *body, struct id job, uint8_t priority)
{
    struct outbox_row row = { .kind = kind, .target = name, .at = t->f->now };
    struct outbox_head saved = { .job = job, .priority = priority };
    struct buf packed = { 0 }, head = { 0 };
    int r = wire_pack(type, body, &packed);

    assert_int_equal(outbox_head_pack(&saved, &head), 0);
    row.head = buf_bytes(&head);
    row.body = buf_bytes(&packed);
    assert_int_equal(r, 0);
    assert_true(packed.len <= 64 * 1024);
    r = outbox_put(t->txn, &row, NULL);
    buf_free(&head);
    buf_free(&packed);
    return r;
}

int turn_emit(struct turn *t, const struct event_def *event, const void *body)
{
    return fake_send(t, OUTBOX_EVENT, event->name, event->type, body, ID_NONE, 0);
}

int turn_put(struct turn *t, const struct job_def *job, const void *body, const struct job_options *options,
             struct id *ret_job)
{
    *ret_job = turn_id(t);
    return fake_send(t, OUTBOX_JOB, job->name, job->request, body, *ret_job, options ? options->priority : 0);
}

int turn_set(struct turn *t, const struct value_def *value, const char *key, const void *body)
{
    struct buf packed = { 0 };
    int r = wire_pack(value->type, body, &packed);

    buf_free(&packed);
    assert_int_equal(r, 0);
    return 0;
}

int turn_ask(struct turn *t, const struct call_def *call, const void *body, turn_then *then, const void *ctx,
             size_t ctx_len)
{
    return ERR_UNAVAILABLE;
}

int turn_reply(struct turn *t, const void *body)
{
    t->f->replied = body;
    return 0;
}

const char *actor_state_dir(const struct actor *actor)
{
    return ((const struct fake *)actor)->dir;
}

const void *actor_settings(const struct actor *actor)
{
    return &((const struct fake *)actor)->settings;
}

void actor_capacity(struct actor *actor, unsigned jobs, unsigned spare, unsigned threads)
{
}
