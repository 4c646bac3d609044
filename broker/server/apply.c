/* apply - what each operation does to the store. Every function checks first and writes then: what it answers in
 * op->status is a verdict on this operation alone; a negative return means that the transaction is lost. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/engine.h"
#include "gen/errors.h"

static uint64_t apply_next_seq(struct bus_store *store, uint32_t target)
{
    return targets_change(store, target)->next++;
}

/* Writes the job where it belongs: held until it is due, or ready. */
static int apply_place(struct bus_store *store, struct store_txn *txn, struct store_op *op, struct job_key job,
                       const struct job_record *record)
{
    struct record_key key = op->held ? record_held_key(op->due_ms, job) : record_job_key(job);
    struct store_totals *totals = &targets_change(store, job.queue)->totals;

    *(op->held ? &totals->held : &totals->ready) += 1;
    buf_reset(&store->scratch);
    record_pack_job(&store->scratch, record, job.priority, 0);
    return engine_put(store, txn, op->held ? ROWS_HELD : ROWS_JOB, record_bytes(&key), buf_bytes(&store->scratch));
}

static int apply_put(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    int r = lanes_check(store, txn, op, op->key.queue);

    if (r < 0 || op->status < 0)
        return r;
    op->key.seq = op->ret_seq = apply_next_seq(store, op->key.queue);
    op->held = op->due_ms > op->now_ms;
    r = apply_place(store, txn, op, op->key, &op->record);
    targets_change(store, op->key.queue)->totals.bytes += op->record.head.len + op->record.body.len;
    return r < 0 ? r : lanes_set(store, txn, op, op->key.queue);
}

static int apply_event(struct bus_store *store, struct store_txn *txn, struct store_op *op, struct bytes head,
                       struct bytes body)
{
    struct event_record event = { .time_ms = op->now_ms, .head = head, .body = body };
    struct record_key key;

    op->ret_seq = apply_next_seq(store, op->stream);
    op->ret_bytes = targets_change(store, op->stream)->totals.bytes += head.len + body.len;
    key = record_pair_key(op->stream, op->ret_seq);
    buf_reset(&store->scratch);
    record_pack_event(&store->scratch, &event);
    return engine_put(store, txn, ROWS_EVENT, record_bytes(&key), buf_bytes(&store->scratch));
}

static int apply_append(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    int r = lanes_check(store, txn, op, op->stream);

    if (r < 0 || op->status < 0)
        return r;
    r = apply_event(store, txn, op, op->record.head, op->record.body);
    return r < 0 ? r : lanes_set(store, txn, op, op->stream);
}

/* Where the job lies: ready or, when its end comes late, held. */
static int apply_find(struct bus_store *store, struct store_txn *txn, struct store_op *op,
                      struct record_key *ret_key, struct bytes *ret_payload)
{
    int r;

    *ret_key = record_job_key(op->key);
    r = engine_get(store, txn, ROWS_JOB, record_bytes(ret_key), ret_payload);
    if (r != ERR_NOT_FOUND || !op->late)
        return r;
    *ret_key = record_held_key(op->due_ms, op->key);
    op->held = true;
    return engine_get(store, txn, ROWS_HELD, record_bytes(ret_key), ret_payload);
}

/* Copies the job out of the store, for views die with the next write, and deletes it and its lease.
 * status ERR_LEASE_LOST: it is not there (any more). */
static int apply_take_out(struct bus_store *store, struct store_txn *txn, struct store_op *op, struct buf *copy,
                          struct job_record *ret)
{
    struct record_key key, lease = record_job_key(op->key);
    struct store_totals *totals;
    struct bytes payload;
    int r = apply_find(store, txn, op, &key, &payload);

    op->status = r == ERR_NOT_FOUND ? ERR_LEASE_LOST : 0;
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    buf_put(copy, payload.data, payload.len);
    r = record_unpack_job(buf_bytes(copy), ret, NULL, NULL);
    if (r == 0 && op->late && ret->attempts != op->record.attempts) {
        op->status = ERR_LEASE_LOST; /* somebody else has had it since */
        return 0;
    }
    if (r == 0)
        r = engine_del(store, txn, op->held ? ROWS_HELD : ROWS_JOB, record_bytes(&key));
    if (r < 0)
        return r;
    totals = &targets_change(store, op->key.queue)->totals;
    *(op->held ? &totals->held : &totals->ready) -= 1;
    r = engine_del(store, txn, ROWS_LEASE, record_bytes(&lease));
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* The event that ends a job: done with the result, dead with the job's own body. */
static int apply_end_event(struct bus_store *store, struct store_txn *txn, struct store_op *op,
                           const struct job_record *job, unsigned attempts, struct bytes body)
{
    struct buf head = { 0 };
    int r;

    if (!op->stream)
        return 0;
    r = record_end_head(&head, job->head, op->name, op->from, op->now_ms, (uint16_t)attempts, op->record.err,
                        op->record.text);
    if (r == 0)
        r = apply_event(store, txn, op, buf_bytes(&head), body);
    buf_free(&head);
    return r;
}

/* The job is no more, ready, held or dead. */
static void apply_gone(struct bus_store *store, struct store_op *op, const struct job_record *job)
{
    op->job_bytes = job->head.len + job->body.len;
    targets_change(store, op->key.queue)->totals.bytes -= op->job_bytes;
}

/* Nobody is told of the end: what the job was does not matter, but for its size, which the router knows. */
static int apply_delete(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct record_key key = record_job_key(op->key);
    int r = engine_del(store, txn, ROWS_JOB, record_bytes(&key));

    op->status = r == ERR_NOT_FOUND ? ERR_LEASE_LOST : 0;
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    targets_change(store, op->key.queue)->totals.ready--;
    targets_change(store, op->key.queue)->totals.bytes -= op->job_bytes;
    r = engine_del(store, txn, ROWS_LEASE, record_bytes(&key));
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int apply_ack(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct buf copy = { 0 };
    struct job_record job;
    int r;

    if (!op->late && !op->stream)
        return apply_delete(store, txn, op);
    r = apply_take_out(store, txn, op, &copy, &job);
    if (r == 0 && op->status == 0) {
        apply_gone(store, op, &job);
        r = apply_end_event(store, txn, op, &job, job.attempts + !op->late, op->record.body);
    }
    buf_free(&copy);
    return r;
}

static int apply_dead(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct record_key key = record_pair_key(op->key.queue, op->key.seq);
    struct buf copy = { 0 };
    struct job_record job;
    int r = apply_take_out(store, txn, op, &copy, &job);

    if (r == 0 && op->status == 0) {
        job.attempts = op->record.attempts;
        job.lost = op->record.lost;
        job.err = op->record.err;
        job.text = op->record.text;
        buf_reset(&store->scratch);
        record_pack_job(&store->scratch, &job, op->key.priority, op->now_ms);
        targets_change(store, op->key.queue)->totals.dead++;
        r = engine_put(store, txn, ROWS_DEAD, record_bytes(&key), buf_bytes(&store->scratch));
        if (r == 0)
            r = apply_end_event(store, txn, op, &job, job.attempts, job.body);
    }
    buf_free(&copy);
    return r;
}

static int apply_retry(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct buf copy = { 0 };
    struct job_record job;
    int r = apply_take_out(store, txn, op, &copy, &job);

    if (r == 0 && op->status == 0) {
        job.attempts = op->record.attempts;
        job.lost = op->record.lost;
        if (op->record.err) {
            job.err = op->record.err;
            job.text = op->record.text;
        }
        op->held = op->due_ms > op->now_ms;
        r = apply_place(store, txn, op, op->key, &job);
    }
    buf_free(&copy);
    return r;
}

static int apply_lease(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct record_key key = record_job_key(op->key);
    struct bytes payload;
    int r = engine_get(store, txn, ROWS_JOB, record_bytes(&key), &payload);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r; /* it ended before its lease was worth a row */
    buf_reset(&store->scratch);
    record_pack_lease(&store->scratch, op->record.attempts, op->instance);
    return engine_put(store, txn, ROWS_LEASE, record_bytes(&key), buf_bytes(&store->scratch));
}

/* Moves one held row to the ready jobs. */
static int apply_promote_row(struct bus_store *store, struct store_txn *txn, struct store_op *op,
                             struct bytes held, struct bytes value, struct job_key job)
{
    struct record_key from = { .len = held.len }, to = record_job_key(job);
    struct bytes payload;
    int r = engine_open_row(store, ROWS_HELD, held, value, &payload);

    if (r < 0)
        return r;
    memcpy(from.b, held.data, held.len);
    buf_reset(&store->scratch);
    buf_put(&store->scratch, payload.data, payload.len);
    r = engine_put(store, txn, ROWS_JOB, record_bytes(&to), buf_bytes(&store->scratch));
    if (r == 0)
        r = engine_del(store, txn, ROWS_HELD, record_bytes(&from));
    targets_change(store, job.queue)->totals.held--;
    targets_change(store, job.queue)->totals.ready++;
    if (r == 0)
        op->promoted[op->promoted_n++] = job;
    return r;
}

static int apply_promote(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct store_cursor *cursor = NULL;
    struct bytes key, value;
    struct job_key job;
    int64_t due;
    int r = 0;

    free(op->promoted);
    op->promoted = calloc(ENGINE_PROMOTE, sizeof *op->promoted);
    if (!op->promoted)
        abort();
    op->promoted_n = 0;
    op->next_due_ms = 0;
    while (r == 0) {
        /* A cursor of its own for each row: the views and the place die with the writes. */
        r = store_cursor_open(txn, store->tables[ROWS_HELD], &cursor);
        if (r == 0)
            r = store_cursor_first(cursor, &key, &value);
        if (r == 0 && !record_read_held_key(key, &due, &job))
            r = ERR_CORRUPT;
        if (r == 0 && (due > op->now_ms || op->promoted_n == ENGINE_PROMOTE)) {
            op->next_due_ms = due;
            break;
        }
        if (r == 0)
            r = apply_promote_row(store, txn, op, key, value, job);
        store_cursor_close(&cursor);
    }
    store_cursor_close(&cursor);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int apply_cursor(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct record_key key = record_named_key(op->stream, bytes_of_text(op->name));

    buf_reset(&store->scratch);
    record_pack_pair(&store->scratch, op->seq, (uint64_t)op->now_ms);
    return engine_put(store, txn, ROWS_CURSOR, record_bytes(&key), buf_bytes(&store->scratch));
}

static int apply_set(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct record_key key = record_value_key(bytes_of_text(op->name), op->record.head);
    int r;

    if (!op->record.body.data) {
        r = engine_del(store, txn, ROWS_VALUE, record_bytes(&key));
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    op->status = store->full ? ERR_STORE_FULL : 0;
    return op->status ? 0 : engine_put(store, txn, ROWS_VALUE, record_bytes(&key), op->record.body);
}

static int apply_from_dead(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct record_key key = record_pair_key(op->key.queue, op->key.seq);
    struct buf copy = { 0 };
    struct job_record job;
    struct bytes payload;
    int r = engine_get(store, txn, ROWS_DEAD, record_bytes(&key), &payload);

    op->status = r == ERR_NOT_FOUND ? ERR_NOT_FOUND : 0;
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    buf_put(&copy, payload.data, payload.len);
    r = record_unpack_job(buf_bytes(&copy), &job, &op->key.priority, NULL);
    if (r == 0)
        r = engine_del(store, txn, ROWS_DEAD, record_bytes(&key));
    if (r == 0)
        targets_change(store, op->key.queue)->totals.dead--;
    if (r == 0 && op->kind == STORE_REQUEUE) {
        job.attempts = job.lost = 0;
        job.expires_ms = 0;
        r = apply_place(store, txn, op, op->key, &job);
    } else if (r == 0) {
        apply_gone(store, op, &job);
    }
    buf_free(&copy);
    return r;
}

static int apply_prune(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct store_totals *totals = &targets_change(store, op->stream)->totals;
    struct record_key from = record_pair_key(op->stream, 0);
    struct store_cursor *cursor = NULL;
    struct event_record event;
    struct bytes key, value, payload;
    uint32_t stream;
    uint64_t seq;
    unsigned n = 0;
    int r = store_cursor_open(txn, store->tables[ROWS_EVENT], &cursor);

    if (r == 0)
        r = store_cursor_seek(cursor, record_bytes(&from), &key, &value);
    for (; r == 0 && n < ENGINE_PRUNE; n++) {
        if (!record_read_pair_key(key, &stream, &seq) || stream != op->stream)
            break;
        r = engine_open_row(store, ROWS_EVENT, key, value, &payload);
        if (r == 0)
            r = record_unpack_event(payload, &event);
        if (r < 0 || (event.time_ms >= op->due_ms && (!op->keep_bytes || totals->bytes <= op->keep_bytes)))
            break;
        totals->bytes -= event.head.len + event.body.len;
        r = store_cursor_del(cursor);
        if (r == 0)
            op->seq = seq;
        if (r == 0)
            r = store_cursor_next(cursor, &key, &value);
    }
    store_cursor_close(&cursor);
    op->ret_bytes = totals->bytes;
    op->more = r == 0 && n == ENGINE_PRUNE;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int apply_pause(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    struct target_row *row = targets_change(store, op->key.queue);

    (void)txn;
    op->changed = !row->paused_ms != !op->due_ms;
    if (op->changed)
        row->paused_ms = op->due_ms;
    return 0;
}

static int apply_resume(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    (void)txn;
    (void)op;
    store->full = false;
    return 0;
}

int engine_apply(struct bus_store *store, struct store_txn *txn, struct store_op *op)
{
    static int (*const apply[STORE_KINDS])(struct bus_store *, struct store_txn *, struct store_op *) = {
        [STORE_PUT] = apply_put,           [STORE_APPEND] = apply_append,  [STORE_ACK] = apply_ack,
        [STORE_DEAD] = apply_dead,         [STORE_RETRY] = apply_retry,    [STORE_LEASE] = apply_lease,
        [STORE_PROMOTE] = apply_promote,   [STORE_CURSOR] = apply_cursor,  [STORE_SET] = apply_set,
        [STORE_REQUEUE] = apply_from_dead, [STORE_DROP] = apply_from_dead, [STORE_PRUNE] = apply_prune,
        [STORE_PAUSE] = apply_pause,       [STORE_RESUME] = apply_resume,
    };

    op->status = 0;
    op->ret_seq = 0;
    op->held = false;
    return apply[op->kind](store, txn, op);
}
