#include "tests/unit/broker/suite.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/client/mp.h"
#include "data/store/env.h"
#include "data/store/envelope.h"

static void lmdb_damage(const char *path)
{
    struct store_options options = { .dir = path, .max_dbs = 16, .map_size = 64u << 20, .any_filesystem = true };
    struct store_cursor *cursor = NULL;
    struct store_txn *txn = NULL;
    struct bytes key, value;
    struct store *env;
    struct store_db *db;
    uint8_t name[64], *spoilt;

    assert_int_equal(store_open(&options, &env), 0);
    assert_int_equal(store_db(env, "job", &db), 0);
    assert_int_equal(store_begin_write(env, &txn), 0);
    assert_int_equal(store_cursor_open(txn, db, &cursor), 0);
    assert_int_equal(store_cursor_first(cursor, &key, &value), 0);
    memcpy(name, key.data, key.len);
    key.data = name;
    spoilt = malloc(value.len);
    assert_non_null(spoilt);
    memcpy(spoilt, value.data, value.len);
    spoilt[value.len - 1] ^= 1;
    store_cursor_close(&cursor);
    assert_int_equal(store_put(txn, db, key, bytes_of(spoilt, value.len)), 0);
    assert_int_equal(store_commit(&txn), 0);
    store_close(&env);
    free(spoilt);
}

/* Rows of before: the next number and a zero. */
static void lmdb_forget_one(struct store *env, struct store_txn *txn, struct store_db *db, struct bytes key,
                            struct bytes value)
{
    struct buf payload = { 0 }, sealed = { 0 };
    uint16_t version;
    struct mp mp;
    uint64_t next;
    uint32_t n;

    assert_int_equal(envelope_open(env, 0xfe00, key, value, &version, &value), 0);
    mp = mp_of(value);
    assert_true(mp_get_array(&mp, &n) && mp_get_uint(&mp, &next));
    mp_put_array(&payload, 2);
    mp_put_uint(&payload, next);
    mp_put_uint(&payload, 0);
    assert_int_equal(envelope_seal(env, 0xfe00, version, key, buf_bytes(&payload), &sealed), 0);
    assert_int_equal(store_put(txn, db, key, buf_bytes(&sealed)), 0);
    buf_free(&payload);
    buf_free(&sealed);
}

static void lmdb_forget(const char *path)
{
    struct store_options options = { .dir = path, .max_dbs = 16, .map_size = 64u << 20, .any_filesystem = true };
    struct store_txn *txn = NULL;
    struct store_db *db;
    struct store *env;

    assert_int_equal(store_open(&options, &env), 0);
    assert_int_equal(store_db(env, "meta", &db), 0);
    assert_int_equal(store_begin_write(env, &txn), 0);
    for (uint8_t id = 1; id <= 3; id++) {
        const uint8_t key[] = { 's', 'e', 'q', 0, 0, 0, id };
        struct bytes value;

        if (store_get(txn, db, bytes_of(key, sizeof key), &value) == 0)
            lmdb_forget_one(env, txn, db, bytes_of(key, sizeof key), value);
    }
    assert_int_equal(store_commit(&txn), 0);
    store_close(&env);
}

static const struct engine engines[] = {
    { .name = "lmdb, a step at a time", .stepped = true, .damage = lmdb_damage, .forget = lmdb_forget },
    { .name = "lmdb, on its own thread", .damage = lmdb_damage, .forget = lmdb_forget },
};

int suite_run(const struct CMUnitTest *tests, size_t n)
{
    struct CMUnitTest own[64];
    int failed = 0;

    assert_in_range(n, 1, 64);
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        memcpy(own, tests, n * sizeof *own);
        for (size_t test = 0; test < n; test++)
            own[test].initial_state = (void *)&engines[i];
        failed += _cmocka_run_group_tests(engines[i].name, own, n, NULL, NULL);
    }
    return failed;
}

void store_up(struct fixture *f)
{
    struct bus_store_options options = {
        .dir = f->path, .map_size = f->map_size, .any_filesystem = true, .no_thread = f->engine->stepped
    };

    assert_int_equal(bus_store_open(&options, &f->store), 0);
    assert_int_equal(bus_store_define(f->store, TARGET_QUEUE, "shop.pack", &f->queue), 0);
    assert_int_equal(bus_store_define(f->store, TARGET_QUEUE, "shop.sell", &f->other), 0);
    assert_int_equal(bus_store_define(f->store, TARGET_STREAM, "shop", &f->stream), 0);
}

int suite_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    assert_true(sodium_init() >= 0);
    f->engine = *state;
    f->map_size = 64 * 1024 * 1024;
    strcpy(f->dir, "/tmp/broker-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/s", f->dir);
    store_up(f);
    *state = f;
    return 0;
}

int suite_teardown(void **state)
{
    struct fixture *f = *state;
    char command[100];

    bus_store_close(&f->store);
    store_fault_disarm();
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

void reopen(struct fixture *f)
{
    bus_store_close(&f->store);
    store_up(f);
}

struct id producer(uint8_t n)
{
    return (struct id) { { n } };
}

struct store_op *next_done(struct fixture *f)
{
    struct pollfd fd = { bus_store_fd(f->store), POLLIN, 0 };
    struct store_op *op;

    if (f->engine->stepped)
        bus_store_step(f->store);
    while (!(op = bus_store_done(f->store)) && !bus_store_dead(f->store))
        poll(&fd, 1, 20);
    bus_store_read_end(f->store);
    return op;
}

struct store_op *run(struct fixture *f, struct store_op *op)
{
    bus_store_submit(f->store, op);
    bus_store_flush(f->store);
    assert_ptr_equal(next_done(f), op);
    return op;
}

int settle(struct fixture *f, struct store_op *op)
{
    int status = run(f, op)->status;

    store_op_free(op);
    return status;
}

struct store_op *put_op(struct fixture *f, uint8_t who, uint32_t epoch, uint64_t seq, uint8_t priority,
                        int64_t due_ms)
{
    struct store_op *op = store_op_new(STORE_PUT);
    struct frame_head head = { .name = bytes_of_text("shop.pack"), .key = bytes_of_text("k") };
    struct buf packed = { 0 };

    frame_build_head(&packed, &head);
    store_op_record(
        op, &(struct job_record) {
                .time_ms = 1, .job = producer(9), .head = buf_bytes(&packed), .body = bytes_of_text("body") });
    buf_free(&packed);
    op->producer = producer(who);
    op->epoch = epoch;
    op->producer_seq = seq;
    op->key = (struct job_key) { f->queue, priority, 0 };
    op->now_ms = 1000;
    op->due_ms = due_ms;
    return op;
}

struct store_op *end_op(enum store_kind kind, struct fixture *f, struct job_key key, const char *body)
{
    struct store_op *op = store_op_new(kind);

    store_op_record(op, &(struct job_record) { .attempts = 1,
                                               .err = kind == STORE_ACK ? 0 : ERR_IO,
                                               .body = bytes_of_text(body),
                                               .text = bytes_of_text("why") });
    op->key = key;
    op->stream = f->stream;
    op->name = strdup("shop.ended");
    op->from = strdup("worker");
    op->now_ms = 2000;
    return op;
}

struct job_key first_job(struct fixture *f)
{
    struct job_key key = { 0 };

    assert_int_equal(bus_store_read_begin(f->store), 0);
    if (bus_store_next_job(f->store, f->queue, (struct job_key) { f->queue, 255, 0 }, &key) < 0)
        key.seq = 0;
    bus_store_read_end(f->store);
    return key;
}

uint64_t last_event(struct fixture *f)
{
    uint64_t first, last;

    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_stream_bounds(f->store, f->stream, &first, &last), 0);
    bus_store_read_end(f->store);
    return last;
}

struct store_op *append_op(struct fixture *f, uint64_t seq, int64_t now_ms, size_t size)
{
    struct store_op *op = store_op_new(STORE_APPEND);
    void *body = calloc(1, size + 1);

    store_op_record(op, &(struct job_record) { .body = bytes_of(body, size) });
    free(body);
    op->producer = producer(1);
    op->epoch = 1;
    op->producer_seq = seq;
    op->stream = f->stream;
    op->now_ms = now_ms;
    return op;
}

struct count {
    uint32_t target;
    uint64_t n, bytes;
};

static int count_of_target(void *ctx, const struct held_job *job)
{
    struct count *count = ctx;

    if (job->key.queue != count->target)
        return 0;
    count->n++;
    count->bytes += job->record.head.len + job->record.body.len;
    return 0;
}

static struct count count_ready(struct fixture *f, uint32_t queue)
{
    struct held_job job = { .key.queue = queue };
    struct count count = { .target = queue };

    while (bus_store_next_job(f->store, queue, job.key, &job.key) == 0) {
        assert_int_equal(bus_store_job(f->store, job.key, &job.record), 0);
        count_of_target(&count, &job);
    }
    return count;
}

static uint64_t count_bytes(struct fixture *f)
{
    struct event_record event;
    uint64_t n = 0;

    for (uint64_t seq = 0; bus_store_event(f->store, f->stream, seq, &seq, &event) == 0; seq++)
        n += event.head.len + event.body.len;
    return n;
}

void totals_are_true(struct fixture *f)
{
    const uint32_t queues[] = { f->queue, f->other };

    assert_int_equal(bus_store_read_begin(f->store), 0);
    for (size_t i = 0; i < 2; i++) {
        struct store_totals totals = bus_store_totals(f->store, queues[i]);
        struct count held = { .target = queues[i] }, dead = held, ready = count_ready(f, queues[i]);

        assert_int_equal(bus_store_held(f->store, count_of_target, &held), 0);
        assert_int_equal(bus_store_dead_jobs(f->store, count_of_target, &dead), 0);
        assert_int_equal(totals.ready, ready.n);
        assert_int_equal(totals.held, held.n);
        assert_int_equal(totals.dead, dead.n);
        assert_int_equal(totals.bytes, ready.bytes + held.bytes + dead.bytes);
    }
    assert_int_equal(bus_store_totals(f->store, f->stream).bytes, count_bytes(f));
    bus_store_read_end(f->store);
}
