/* bus_store - where the broker keeps what it promised: jobs, events, cursors, lanes and values.
 *
 * The boundary between the router and an engine. The router hands in operations and goes on; the engine applies
 * them in the order they came, as many per commit as are waiting, and hands each back when its commit is on the
 * disk. Reads are synchronous, from a snapshot that holds what was handed back before it began. The engine
 * behind it is LMDB (engine.c); another one has to pass the same statements (tests/unit/broker/suite.h).
 *
 * A read waits for the disk where its rows lie nowhere else. Who is about to read many old rows has them brought into memory
 * first (STORE_WARM), and goes on with other things meanwhile.
 *
 * Ids        queues and streams are numbers that the engine gives to names, for ever
 * Exactness  a lane (producer, target) has one high-water mark, written with the message it counts: what is at or
 *            below it is a duplicate. A sequence number is never used twice, also when a queue ran empty
 * Refuses    when the store is full, everything that would add (STORE_PUT, STORE_APPEND, STORE_SET) until the
 *            router has seen the refusal and said STORE_RESUME: so that no later message of a lane overtakes a
 *            refused one
 * Dies       when the outcome of a commit is unknown: nothing is handed back any more, and the process must
 *            exit */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "broker/server/histogram.h"
#include "schemas/wire/buf.h"
#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

struct bus_store;

/* Where a job lies: priority 255 comes first. */
struct job_key {
    uint32_t queue;
    uint8_t priority;
    uint64_t seq;
};

struct job_record {
    uint16_t attempts;           /* that failed */
    uint16_t lost;               /* sessions that were lost with it; not counted as attempts */
    int64_t time_ms, expires_ms; /* when it was put; 0: never */
    struct id job;
    struct bytes head, body; /* as the producer's message, and what the broker added */
    int err;                 /* of the last attempt */
    struct bytes text;
};

struct event_record {
    int64_t time_ms;
    struct bytes head, body;
};

enum store_kind {
    STORE_PUT, /* a job, ready or held until `due_ms` */
    STORE_APPEND,
    STORE_ACK,     /* job ends well: deleted, done event appended */
    STORE_DEAD,    /* job ends badly: kept among the dead, dead event appended */
    STORE_RETRY,   /* job is held until `due_ms`, or ready again (0) */
    STORE_LEASE,   /* who has it; lazy */
    STORE_PROMOTE, /* held jobs that are due become ready: see `promoted` */
    STORE_CURSOR,  /* of a group; lazy */
    STORE_SET,     /* a lasting value; body.data NULL: removes it */
    STORE_REQUEUE, /* a dead job becomes ready, with its attempts forgotten */
    STORE_DROP,    /* a dead job is forgotten */
    STORE_PAUSE, /* of a queue: since `due_ms`, or not any more (0). Told at the next start; what the engine gives and takes
                    * is the same */
    STORE_PRUNE, /* events of before `due_ms` go, and the oldest while there are more than `keep_bytes` (0: any
                    * number): a bounded number of them; `seq` is then the last one that went */
    STORE_RESUME,
    STORE_BACKUP, /* a copy into the folder `name`, made on a thread of its own */
    STORE_WARM, /* changes nothing: the ready jobs behind `key`, or the events behind `seq` of `stream` (0: jobs), are brought into
                 * memory by a thread of its own, STORE_WARM_ROWS of them or STORE_WARM_BYTES. `ret_seq`: of the last event */
    STORE_KINDS,
};

/* One operation. The router fills the first part and owns the memory again when it comes back. */
struct store_op {
    STAILQ_ENTRY(store_op) link;
    enum store_kind kind;
    bool lazy;             /* waits for the next commit instead of causing one */
    uint64_t session, cid; /* the router's own: whom to answer */
    uint32_t handle;
    int64_t began_us;
    void *ctx;

    struct id producer; /* STORE_PUT, STORE_APPEND */
    uint32_t epoch;
    uint64_t producer_seq;
    struct job_key key; /* STORE_PUT: without seq */
    uint32_t stream;    /* of the event; of the done or dead event: 0 for none */
    int64_t now_ms, due_ms;
    uint64_t seq;             /* STORE_CURSOR */
    uint64_t keep_bytes;      /* STORE_PRUNE */
    bool late;                /* STORE_ACK: the lease ran out; the job may be held until `due_ms`, and ends only if
                               * no more than record.attempts failed since */
    char *name;               /* event type of done or dead; group; value */
    char *from;               /* of a done or dead event: the role that ended the job */
    struct job_record record; /* head, body and text borrow from `memory`; of STORE_ACK the body is the result,
                                       of STORE_SET head is the key */
    uint64_t
        job_bytes; /* of the head and body of a job that goes: STORE_ACK without an event is told, others tell */
    struct id instance; /* STORE_LEASE: whose */
    struct buf memory;

    int status;         /* 0, ERR_DUPLICATE, ERR_CONFLICT (epoch), ERR_NOT_FOUND, ERR_STORE_FULL */
    uint64_t ret_seq;   /* of the job put, or of the event appended */
    bool changed;       /* STORE_PAUSE: it was not so already; one that is paused stays so since when it was */
    uint64_t ret_bytes; /* of the stream's events, after this operation */
    bool more;          /* STORE_PRUNE: it ended at its bound */
    bool held;          /* STORE_PUT, STORE_RETRY: not ready yet; STORE_ACK, late: it was held */
    struct job_key *promoted; /* STORE_PROMOTE */
    size_t promoted_n;
    int64_t next_due_ms; /* STORE_PROMOTE: of the next held job; 0: none */
};

enum { STORE_WARM_ROWS = 2048, STORE_WARM_BYTES = 4 * 1024 * 1024 };

struct store_op *store_op_new(enum store_kind kind);
void store_op_free(struct store_op *op);
/* Copies head and body (and text) of `record` into the operation. */
void store_op_record(struct store_op *op, const struct job_record *record);

struct bus_store_options {
    const char *dir;
    size_t map_size;
    bool any_filesystem;
    bool no_thread; /* tests: bus_store_step() does the writer's work */
};

int bus_store_open(const struct bus_store_options *options, struct bus_store **ret);
void bus_store_close(struct bus_store **store); /* what was submitted is committed first */
struct id bus_store_id(const struct bus_store *store);
uint32_t bus_store_incarnation(const struct bus_store *store);

enum bus_target { TARGET_QUEUE = 'q', TARGET_STREAM = 's' };
/* At start only, before the first operation. */
int bus_store_define(struct bus_store *store, enum bus_target kind, const char *name, uint32_t *ret_id);

/* What an engine cannot do it answers with ERR_UNSUPPORTED; only STORE_BACKUP may be lacking. */
bool bus_store_can(const struct bus_store *store, enum store_kind kind);

/* What a queue or stream holds: kept with every commit, never counted. */
struct store_totals {
    uint64_t ready, held, dead; /* jobs; ready ones under a lease, too */
    uint64_t bytes;             /* heads and bodies of events, or of all these jobs */
};
struct store_totals bus_store_totals(const struct bus_store *store, uint32_t target); /* at start only */
int64_t bus_store_paused_ms(const struct bus_store *store,
                            uint32_t queue); /* at start only; 0: it is not paused */

void bus_store_submit(struct bus_store *store, struct store_op *op);
void bus_store_flush(struct bus_store *store);            /* commits lazy ones, too, now */
struct store_op *bus_store_done(struct bus_store *store); /* the next that came back, NULL: none */
int bus_store_fd(const struct bus_store *store);          /* readable when some may have come back */
bool bus_store_dead(const struct bus_store *store);
void bus_store_step(struct bus_store *store);

struct bus_store_counts {
    uint64_t operations;     /* committed since the start */
    struct histogram commit; /* how long each commit took, its operations' application with it */
};
struct bus_store_counts bus_store_counts(const struct bus_store *store);
unsigned bus_store_percent(const struct bus_store *store); /* of the map that is used */

/* Reads, by the router's thread. Views die with bus_store_read_end(). */
int bus_store_read_begin(struct bus_store *store);
void bus_store_read_end(struct bus_store *store);
int bus_store_job(struct bus_store *store, struct job_key key, struct job_record *ret);
/* The next ready job of the queue behind `after` (seq 0: the first). */
int bus_store_next_job(struct bus_store *store, uint32_t queue, struct job_key after, struct job_key *ret);
/* Up to `room` of them, in order; fewer: the queue has no more. */
int bus_store_next_jobs(struct bus_store *store, uint32_t queue, struct job_key after, struct job_key *ret,
                        size_t room, size_t *ret_n);
/* When the first held job of all is due; ERR_NOT_FOUND: none is held. */
int bus_store_next_due(struct bus_store *store, int64_t *ret_due_ms);
/* The first event with a seq of at least `from`. */
int bus_store_event(struct bus_store *store, uint32_t stream, uint64_t from, uint64_t *ret_seq,
                    struct event_record *ret);
/* The first event of this time or later among those from `first` to `last`; last + 1 when there is none. Where the
 * clock was set back, a place where earlier and later meet. */
int bus_store_event_at(struct bus_store *store, uint32_t stream, uint64_t first, uint64_t last, int64_t time_ms,
                       uint64_t *ret_seq);
int bus_store_stream_bounds(struct bus_store *store, uint32_t stream, uint64_t *ret_first, uint64_t *ret_last);

struct held_job {
    struct job_key key;
    int64_t due_ms;
    struct job_record record;
};
struct store_lease {
    struct job_key key;
    uint16_t attempts;
    struct id instance;
};
/* Walks: each() answers 0 to go on, anything else ends the walk and is returned. */
int bus_store_held(struct bus_store *store, int (*each)(void *ctx, const struct held_job *), void *ctx);
int bus_store_dead_jobs(struct bus_store *store, int (*each)(void *ctx, const struct held_job *), void *ctx);
int bus_store_leases(struct bus_store *store, int (*each)(void *ctx, const struct store_lease *), void *ctx);
int bus_store_cursors(struct bus_store *store,
                      int (*each)(void *ctx, uint32_t stream, struct bytes group, uint64_t), void *ctx);
int bus_store_values(struct bus_store *store,
                     int (*each)(void *ctx, struct bytes name, struct bytes key, struct bytes body), void *ctx);
