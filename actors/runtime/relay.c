/* relay - what the outbox holds goes to the broker, in order, and leaves the outbox once the broker has it.
 *
 * Rows are read from the store, sent while the broker's window has room, and marked when it confirms them; the marked
 * ones are deleted in the next write transaction (lazily: a row that is sent twice is recognised). After a
 * reconnection, or a refusal that may pass, everything unconfirmed is sent again from the oldest on. */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "data/store/outbox.h"
#include "gen/errors.h"

#define RELAY_AGAIN_MS 500
#define RELAY_LAZY_MS  200

enum sent_state { SENT_FLYING, SENT_AGAIN, SENT_OK, SENT_REFUSED };

struct sent {
    uint64_t seq;
    enum sent_state state;
    int err;
    bool tidied; /* in the transaction that is not committed yet */
};

struct relay {
    struct sent *sent; /* by rising seq */
    size_t sent_n, sent_cap;
    uint64_t last; /* the row sent last */
    unsigned flying, marks;
    uint64_t rows;             /* in the outbox */
    int64_t again_at, tidy_at; /* mono ms; 0: no */
    bool more;                 /* rows beyond `last` may exist */
};

struct relay *relay_new(void)
{
    struct relay *relay = calloc(1, sizeof(*relay));

    if (!relay)
        abort();
    return relay;
}

void relay_free(struct relay **relay)
{
    if (*relay)
        free((*relay)->sent);
    free(*relay);
    *relay = NULL;
}

int relay_open(struct actor *actor)
{
    struct store_txn *txn = NULL;
    int r = outbox_open(actor->store);

    if (r == 0)
        r = store_begin_read(actor->store, &txn);
    if (r == 0)
        r = outbox_count(txn, &actor->relay->rows);
    store_abort(&txn);
    return r;
}

static struct sent *relay_find(struct relay *relay, uint64_t seq)
{
    size_t low = 0, high = relay->sent_n;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (relay->sent[mid].seq == seq)
            return &relay->sent[mid];
        if (relay->sent[mid].seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* A row that is sent for the first time has the highest seq yet. */
static struct sent *relay_note(struct relay *relay, uint64_t seq)
{
    if (relay->sent_n == relay->sent_cap) {
        relay->sent_cap = relay->sent_cap ? 2 * relay->sent_cap : 64;
        relay->sent = realloc(relay->sent, relay->sent_cap * sizeof(*relay->sent));
        if (!relay->sent)
            abort();
    }
    relay->sent[relay->sent_n] = (struct sent) { .seq = seq };
    return &relay->sent[relay->sent_n++];
}

static int relay_send(struct actor *actor, const struct outbox_row *row, struct arena *arena)
{
    struct outbox_head saved;
    struct bus_head head = { 0 };
    int r = outbox_head_unpack(row->head, arena, &saved, NULL);

    if (r < 0)
        return r;
    if (saved.trace.len == sizeof(head.trace.trace) + sizeof(head.trace.span) + 1) {
        memcpy(head.trace.trace, saved.trace.data, sizeof(head.trace.trace));
        memcpy(head.trace.span, (const char *)saved.trace.data + 16, sizeof(head.trace.span));
        head.trace.flags = ((const uint8_t *)saved.trace.data)[24];
    }
    head.key = bytes_of_text(saved.key);
    head.job = saved.job;
    head.priority = (uint8_t)saved.priority;
    head.delay_ms = (uint32_t)saved.delay_ms;
    head.ttl_ms = (uint32_t)saved.ttl_ms;
    if (row->kind == OUTBOX_JOB)
        return bus_put(actor->bus, row->target, row->seq, &head, row->body);
    return bus_append(actor->bus, row->target, row->seq, &head, row->body);
}

/* Sends the next row. 0: sent or passed over; an error: not now. */
static int relay_next(struct actor *actor, struct store_txn *txn, struct arena *arena)
{
    struct relay *relay = actor->relay;
    struct outbox_row row;
    struct sent *sent;
    int r = outbox_next(txn, arena, relay->last, &row);

    if (r < 0)
        return r;
    sent = relay_find(relay, row.seq);
    if (sent && sent->state != SENT_AGAIN) { /* under way, or no longer needed */
        relay->last = row.seq;
        return 0;
    }
    r = relay_send(actor, &row, arena);
    if (r < 0 && (err_retryable(r) || r == ERR_NO_SESSION))
        return r;
    if (!sent)
        sent = relay_note(relay, row.seq);
    relay->last = row.seq;
    sent->state = SENT_FLYING;
    relay->flying++;
    if (r < 0)
        relay_refused(actor, row.seq, r); /* it can never be sent as it is */
    return 0;
}

void relay_pump(struct actor *actor)
{
    struct relay *relay = actor->relay;
    struct store_txn *txn = NULL;
    struct arena *arena;
    int r = 0;

    if (!relay || !actor->up)
        return;
    if (relay->again_at && relay->again_at <= actor_mono(actor)) {
        relay->again_at = 0;
        relay->last = 0;
        relay->more = true;
    }
    if (!relay->more || relay->flying >= actor->welcome.window)
        return;
    r = store_begin_read(actor->store, &txn);
    if (r < 0) {
        relay->again_at = actor_mono(actor) + RELAY_AGAIN_MS;
        return;
    }
    arena = arena_new();
    while (r == 0 && relay->flying < actor->welcome.window)
        r = relay_next(actor, txn, arena);
    store_abort(&txn);
    arena_free(&arena);
    if (r == ERR_NOT_FOUND)
        relay->more = false;
    else if (r < 0 && !relay->again_at)
        relay->again_at = actor_mono(actor) + RELAY_AGAIN_MS;
}

void relay_up(struct actor *actor)
{
    struct relay *relay = actor->relay;

    if (!relay)
        return;
    for (size_t i = 0; i < relay->sent_n; i++)
        if (relay->sent[i].state == SENT_FLYING)
            relay->sent[i].state = SENT_AGAIN;
    relay->flying = 0;
    relay->last = 0;
    relay->again_at = 0;
    relay->more = true;
    relay_pump(actor);
}

static void relay_mark(struct actor *actor, struct sent *sent, enum sent_state state)
{
    struct relay *relay = actor->relay;

    if (sent->state == SENT_FLYING && relay->flying)
        relay->flying--;
    if (state != SENT_AGAIN && sent->state != SENT_OK && sent->state != SENT_REFUSED) {
        relay->marks++;
        if (!relay->tidy_at)
            relay->tidy_at = actor_mono(actor) + RELAY_LAZY_MS;
    }
    sent->state = state;
}

void relay_ok(struct actor *actor, uint64_t seq)
{
    struct sent *sent = actor->relay ? relay_find(actor->relay, seq) : NULL;

    if (sent && sent->state != SENT_REFUSED)
        relay_mark(actor, sent, SENT_OK);
}

void relay_refused(struct actor *actor, uint64_t seq, int err)
{
    struct sent *sent = actor->relay ? relay_find(actor->relay, seq) : NULL;

    if (!sent || sent->state == SENT_OK || sent->state == SENT_REFUSED)
        return;
    if (err_retryable(err)) {
        relay_mark(actor, sent, SENT_AGAIN);
        if (!actor->relay->again_at)
            actor->relay->again_at = actor_mono(actor) + RELAY_AGAIN_MS;
        return;
    }
    relay_mark(actor, sent, SENT_REFUSED);
    sent->err = err;
    count(actor, COUNTERS_OUTBOX_REFUSED, 1);
    log_line(LOG_AT_ERROR, "outbox-refused", "seq=%llu result=%s", (unsigned long long)seq, err_name(err));
}

bool relay_has_marks(const struct actor *actor)
{
    return actor->relay && actor->relay->marks;
}

int relay_tidy(struct actor *actor, struct store_txn *txn)
{
    struct relay *relay = actor->relay;
    int r = 0;

    for (size_t i = 0; r == 0 && relay && relay->marks && i < relay->sent_n; i++) {
        struct sent *sent = &relay->sent[i];

        if (sent->state == SENT_OK)
            r = outbox_del(txn, sent->seq);
        else if (sent->state == SENT_REFUSED)
            r = outbox_refuse(txn, sent->seq, actor_now(actor), sent->err, err_title(sent->err));
        else
            continue;
        if (r == ERR_NOT_FOUND)
            r = 0;
        sent->tidied = true;
    }
    return r;
}

void relay_tidied(struct actor *actor, bool committed)
{
    struct relay *relay = actor->relay;
    size_t kept = 0;

    for (size_t i = 0; relay && i < relay->sent_n; i++) {
        if (relay->sent[i].tidied && committed) {
            relay->marks--;
            relay->rows -= relay->rows > 0;
            continue;
        }
        relay->sent[i].tidied = false;
        relay->sent[kept++] = relay->sent[i];
    }
    if (relay)
        relay->sent_n = kept;
    if (relay && committed)
        relay->tidy_at = 0;
    else if (relay && relay->tidy_at) /* the disk is full, for instance */
        relay->tidy_at = actor_mono(actor) + RELAY_AGAIN_MS;
}

void relay_added(struct actor *actor, unsigned rows)
{
    if (!actor->relay || !rows)
        return;
    actor->relay->rows += rows;
    actor->relay->more = true;
}

bool relay_is_full(const struct actor *actor)
{
    return actor->relay && actor->relay->rows >= settings_common(actor->settings)->outbox_rows;
}

int64_t relay_due(const struct actor *actor)
{
    const struct relay *relay = actor->relay;
    int64_t due = INT64_MAX;

    if (!relay || !actor->up)
        return due;
    if (relay->again_at)
        due = relay->again_at;
    if (relay->tidy_at && relay->tidy_at < due)
        due = relay->tidy_at;
    if (relay->more && relay->flying < actor->welcome.window && !relay->again_at)
        due = 0;
    return due;
}
