/* broker - moves messages between the processes of one platform, and keeps what it promised.
 *
 * Serves     sessions, calls, jobs, events, values, taps; `$sys.*` to operators      (broker/BUS.md)
 * Keeps      jobs, events, cursors, lanes and lasting values, behind bus_store.h; calls, leases' clocks and values
 *            with a time to live in memory only
 * Trusts     a role once its secret, or from another host its key, is proved; of a message only its prefix and head. Bodies are opaque
 * When busy  answers ERR_BUSY above a window or a queue of calls, ERR_STORE_FULL from 85 % of the store on
 * Threads    one router (all of this file's state) and one writer (behind bus_store.h); they share nothing else. One
 *            more answers for keys while the broker listens for other hosts (zap.h)
 * Weak spot  one broker per platform: while it is away, calls fail and durable messages wait with their owners
 *
 * What follows is shared by the files of broker/server alone. A session that can no longer be sent to is marked
 * `lost` at once and taken apart when the router has finished what it was doing. */
#pragma once

#include <sys/queue.h>
#include <sys/types.h>
#include <zmq.h>

#include "broker/client/bus.h"
#include "broker/client/frame.h"
#include "broker/client/hmap.h"
#include "broker/server/bus_store.h"
#include "broker/server/policy.h"
#include "broker/server/roster.h"
#include "broker/server/timer.h"
#include "broker/server/zap.h"
#include "gen/broker.h"

enum {
    BROKER_DEAD_AFTER = 3,     /* heartbeats */
    BROKER_LAST_WORDS_MS = 50, /* a process that died may have messages on their way */
    BROKER_READY = 1024,       /* of a queue's next jobs, in memory */
    BROKER_SPARES = 16,        /* buffers that are kept for the next row of answers */
    BROKER_PIECES = 16,        /* in which the bytes that a follower has are counted */
};

/* One producer's messages to one queue or stream, over all the names by which a session says them. */
struct lane {
    LIST_ENTRY(lane) link;
    uint32_t target;
    uint64_t refused_from;  /* later ones wait for it; 0: none */
    const uint64_t *stored; /* bytes that the queue or stream holds */
};

/* The sockets that the broker listens on. Each has a context of its own: the work of CURVE on one never slows the other,
 * and a ZAP handler answers for its own alone. */
enum transport_kind { TRANSPORT_LOCAL, TRANSPORT_REMOTE, TRANSPORTS };
struct transport {
    void *zmq, *socket; /* NULL: not listening */
    int fd;             /* tells of changes, as long as the socket is not unsure */
    bool unsure;        /* there may be messages that the descriptor does not tell of */
};

/* Where an answer goes: routing ids mean something on one socket only. */
struct route {
    uint8_t transport, id[5];
};

static inline uint64_t route_key(const struct route *route)
{
    uint32_t number;

    memcpy(&number, route->id + 1, sizeof number);
    return (uint64_t)route->transport << 32 | number;
}

/* A name that a session opened. */
struct handle {
    enum frame_verb verb;
    int err;           /* ERR_FORBIDDEN, ERR_UNKNOWN_NAME: what was answered to OPEN */
    char *name;        /* NULL: not open */
    bool reads;        /* a call that changes nothing */
    struct lane *lane; /* put, append */
    struct service *service;
    struct queue *queue;
    struct stream *stream;
    struct offer *offer;
    struct taker *taker;
    struct follower *follower;
    struct watcher *watcher;
};

/* How many calls of a session wait for a free slot of a service. */
struct waits {
    LIST_ENTRY(waits) link;
    const struct service *service;
    unsigned n;
};

struct session {
    struct hnode node, by_serial; /* by route; by serial */
    TAILQ_ENTRY(session) link, lost_link;
    uint64_t serial; /* never used twice */
    struct route route;
    char *role, *version;
    char key[CURVE_KEY + 1]; /* of another host: the public key it came with; else empty */
    char *name, *address;    /* of another host: what its key is called, and where it comes from; else NULL */
    struct id instance, store;
    uint32_t epoch;
    unsigned uid, pid;
    int pidfd;        /* -1: not of this host */
    bool lost, dying; /* its process ended: last words only */
    bool goodbye;     /* it said BYE */
    int lost_err;
    int64_t since_ms, heard_ms; /* wall clock, monotonic */
    struct timer timer;
    struct handle *handles;
    uint32_t handles_n;
    TAILQ_HEAD(, call) asked; /* calls of this session */
    unsigned asked_n;
    LIST_HEAD(, waits) waits;
    LIST_HEAD(, lease) leases;
    LIST_HEAD(, lane) lanes;
    unsigned unconfirmed;
    uint64_t in_flight; /* bytes of these */
    uint64_t quota;     /* thousandths of a message that it may still say */
    int64_t quota_ms;   /* when that was counted */
    int64_t told_ms;    /* when the log was told of what it may not, last */
    uint64_t messages_in, messages_out;
    struct tap *tap;
    struct frame_row row; /* what it is told in this turn */
    TAILQ_ENTRY(session) row_link;
};

struct service {
    struct hnode node;
    char *name;
    bool single;
    TAILQ_HEAD(, offer) offers;
    TAILQ_HEAD(, call) waiting;
    unsigned waiting_n;
    uint64_t calls, errors;
    struct histogram latency; /* of calls that an offer had: until its answer, or the broker's */
};

struct offer {
    TAILQ_ENTRY(offer) link;
    TAILQ_HEAD(, call) calls;
    struct session *session;
    struct service *service;
    uint32_t handle;
    unsigned slots, used;
};

struct call {
    struct hnode node, by_asker; /* by the broker's cid; by asker and its cid */
    TAILQ_ENTRY(call) link;      /* among the asker's */
    TAILQ_ENTRY(call) at;        /* waiting, or with an offer */
    struct session *asker;
    uint64_t cid; /* the asker's */
    struct service *service;
    struct offer *offer; /* NULL: waiting */
    struct waits *waits;
    struct timer timer;
    int64_t began_us, deadline_ms;
    bool reads;     /* it may go to another worker when its own was lost */
    unsigned given; /* to how many */
    char *name;
    struct buf head;  /* as the worker gets it */
    struct buf small; /* body, when it came in the first frame; kept for the next worker */
    zmq_msg_t large;
    bool has_large;
};

struct taker {
    TAILQ_ENTRY(taker) link;
    struct session *session;
    struct queue *queue;
    uint32_t handle;
    unsigned credit, spare, used; /* spare: leases beyond credit, for urgent jobs beside others */
    unsigned urgent;              /* of those that it has */
    unsigned settling;            /* that it has ended and that are not committed: they use no credit */
    uint64_t bytes;               /* of the jobs that it has and has not ended */
};

enum lease_state {
    LEASE_ORPHAN, /* found on disk; its worker may still come back */
    LEASE_HELD,
    LEASE_SETTLING, /* its end is on the way to the disk */
};

struct lease {
    struct hnode node, by_seq; /* by lease id; in its queue, by seq */
    LIST_ENTRY(lease) link;    /* with its session */
    TAILQ_ENTRY(lease) fresh_link;
    bool fresh;    /* given, and not worth a row yet */
    bool returned; /* counts as settling with its taker, not as used */
    enum lease_state state;
    struct queue *queue;
    struct taker *taker; /* NULL: orphan, or the taker left while it settled */
    struct session *session;
    struct id instance;
    struct job_key key;
    uint16_t attempts, lost; /* before this lease */
    struct timer timer;
    int64_t began_us, since_ms;
    struct id job;
    size_t size;     /* of its head and body */
    struct buf head; /* the job's own, for taps and `why` */
};

/* A lease that ran out and whose job goes back: its worker may still say that it is done. */
struct late {
    struct hnode node; /* by lease id */
    struct timer timer;
    struct queue *queue;
    struct job_key key;
    struct id instance;
    uint16_t attempts;
    int64_t due_ms;
};

struct queue {
    struct hnode node, by_id;
    char *name;
    uint32_t id, done_stream, dead_stream;
    struct policy_queue policy; /* borrows from the policy */
    TAILQ_HEAD(, taker) takers;
    struct hmap leases; /* by seq: out of the ready window while they last */
    struct job_key window[BROKER_READY];
    size_t first, n;      /* of the window */
    struct job_key swept; /* looked at up to here */
    bool whole;           /* the window holds every ready job */
    bool warm, warming;   /* those behind it have been brought into memory; are on their way */
    int64_t paused_ms;    /* wall clock: since then nothing is given from it; 0: it is not paused */
    bool pressed;         /* on the list of queues to dispatch */
    TAILQ_ENTRY(queue) press_link;
    uint64_t ready, held, dead; /* ready counts leased ones, too */
    uint64_t bytes;             /* of all of them */
    uint64_t puts, acks, retries, deads, withdrawn;
    struct histogram wait; /* from its put until a job is first given, a delay that was asked for with it */
    struct histogram run;  /* from when a job is given until the end of that lease is committed */
};

struct stream {
    struct hnode node, by_id;
    char *name;
    uint32_t id;
    int64_t keep_ms;
    uint64_t keep_bytes; /* 0: any number */
    uint64_t first, last, bytes;
    TAILQ_HEAD(, follower) followers;
    LIST_HEAD(, group) groups;
    bool pressed, pruning;
    TAILQ_ENTRY(stream) press_link;
    uint64_t appends;
};

struct group {
    LIST_ENTRY(group) link;
    char *name;
    uint64_t seq;
    bool dirty;
};

struct follower {
    TAILQ_ENTRY(follower) link;
    struct session *session;
    struct stream *stream;
    struct group *group;
    uint32_t handle;
    uint64_t at;             /* looked at up to here */
    uint64_t given, handled; /* the last event it got; and up to where it has handled them */
    uint64_t bytes;          /* of those between */
    struct piece {
        uint64_t last; /* event in it */
        uint64_t bytes;
    } pieces[BROKER_PIECES]; /* of these bytes, in order: each ends when its last event was handled */
    unsigned pieces_n;
    unsigned credit;
    bool tail_said, warming;
    uint64_t warm; /* events up to here have been brought into memory for it */
    char *names;   /* separated by commas; NULL: all the policy allows */
};

struct value {
    struct hnode node;
    char *name, *key, *from;
    struct buf body;
    struct timer timer;
    bool lasting;
    int64_t time_ms;
};

struct watcher {
    TAILQ_ENTRY(watcher) link;
    struct session *session;
    const char *name; /* of its handle */
    uint32_t handle;
};

struct filter { /* filter.h */
    struct filter_term *terms;
    size_t n;
    bool trace; /* one of them is about the trace */
};

struct tap {
    LIST_ENTRY(tap) link;
    struct session *session;
    uint32_t handle;
    unsigned credit, sample, count;
    bool headers_only;
    uint64_t dropped;
    struct filter filter;
    struct frame_row row; /* what it is shown and has not left yet */
    struct timer timer;
};

struct broker {
    struct policy policy;
    struct settings *told;
    const struct broker_settings *settings; /* as they stand now */
    struct id instance;
    struct timer shown;
    char *keys; /* folder of role secrets */
    struct bus_store *store;
    struct id store_id;
    uint32_t incarnation;
    bool no_socket; /* tests: what is sent goes to `outgoing` */
    void (*outgoing)(struct broker *broker, struct session *to, struct bytes a, struct bytes b);

    struct transport transports[TRANSPORTS];
    struct roster *roster; /* NULL: no other hosts */
    unsigned roster_seen;  /* its version when the sessions were looked at */
    struct timer recheck;  /* of the sessions against it */
    struct zap *zap;
    char listening[CURVE_ENDPOINT_MAX + 1]; /* tcp, with the port as it is; empty: not */
    int pids;                               /* epoll of pidfds */
    int64_t now_ms, now_us, wall_ms, started_ms;
    uint64_t random;
    bool stopping;
    struct timers timers;
    struct timer lazy, grace, prune, promote;
    bool in_grace;
    int64_t next_due_ms; /* of a held job; 0: none */
    bool promoting;

    struct hmap sessions, serials, services, queues, queue_ids, streams, stream_ids, calls, asked, leases, lates,
        values;
    TAILQ_HEAD(, session) all;
    TAILQ_HEAD(, session) lost;
    TAILQ_HEAD(, session) hearing; /* with a row that has not left */
    struct buf spares[BROKER_SPARES];
    unsigned spares_n;
    TAILQ_HEAD(pressed_queue_list, queue) pressed_queues;
    TAILQ_HEAD(pressed_stream_list, stream) pressed_streams;
    TAILQ_HEAD(, watcher) watchers;
    TAILQ_HEAD(, lease) fresh_leases;
    LIST_HEAD(, tap) taps;
    unsigned taps_n;
    uint64_t next_serial, next_call;
    uint32_t next_lease;
    unsigned blocked; /* the writer refused for lack of room: nothing is admitted until it may again */
    unsigned adding;  /* puts and appends on their way to the disk */
    int64_t stranger_ms;
    size_t values_bytes;
    uint64_t counters[BROKER_COUNTERS];
    struct buf frame;  /* the one being built */
    struct buf head;   /* and its head */
    struct buf tapped; /* the head of what taps are shown */
    bool in_row;       /* what is said now came together with more */
};

/* A message as it came: head is parsed by those who need it. */
struct message {
    struct frame frame;
    struct bytes head_raw, body;
    struct frame_head head;
    zmq_msg_t *large;    /* the second frame, NULL: none */
    struct batch *batch; /* that it is one of, NULL: alone */
};

/* send.c */
void send_frame(struct broker *b, struct session *to, const struct frame *frame, const struct frame_head *head,
                struct bytes body);
void send_raw(struct broker *b, struct session *to, const struct frame *frame, struct bytes head,
              struct bytes body);
void send_large(struct broker *b, struct session *to, const struct frame *frame, struct bytes head,
                zmq_msg_t *body);
void send_error(struct broker *b, struct session *to, uint32_t handle, struct bytes topic, int err);
void send_row(struct broker *b, struct session *to); /* what was gathered for it leaves */
void send_rows(struct broker *b);
/* Into a row of the caller's, who says when it leaves. The body has FRAME_INLINE bytes at most. */
void send_into(struct broker *b, struct session *to, struct frame_row *row, const struct frame *frame,
               struct bytes head, struct bytes body);
void send_out(struct broker *b, struct session *to, struct frame_row *row);
void session_mark_lost(struct broker *b, struct session *session, int err);

/* session.c */
void session_hello(struct broker *b, const struct route *route, zmq_msg_t *raw, struct message *m);
void session_refuse(struct broker *b, const struct route *route, int err);
void session_end(struct broker *b, struct session *session, int err);
void session_recheck(struct broker *b);          /* ends those whose key is not known any more */
void session_reap(struct broker *b);             /* takes apart what is marked lost */
void session_pids(struct broker *b);             /* processes that died */
void session_goodbye(struct broker *b, int err); /* tells everybody to come back later */
/* False: it says more per second than a peer may. */
bool session_within_quota(struct broker *b, struct session *session);
struct session *session_of(const struct broker *b, uint64_t serial);
void session_announce(struct broker *b, struct session *session, bool gone);

/* names.c */
char *names_copy(struct bytes text);
void names_open(struct broker *b, struct session *s, struct message *m);
void names_close(struct broker *b, struct session *s, struct handle *handle);
/* NULL, and an answer sent, when it is not open for this verb. */
struct handle *names_handle(struct broker *b, struct session *s, const struct message *m, enum frame_verb verb);
struct service *names_service(struct broker *b, struct bytes name);
struct queue *names_queue(const struct broker *b, struct bytes name);
struct stream *names_stream(const struct broker *b, struct bytes name);
int names_load(struct broker *b); /* queues and streams, from policy and store */
void names_free(struct broker *b);

/* call.c */
void call_on_req(struct broker *b, struct session *s, struct message *m);
void call_on_answer(struct broker *b, struct session *s, struct message *m);
void call_on_cancel(struct broker *b, struct session *s, struct message *m);
void call_on_offer(struct broker *b, struct session *s, struct message *m);
void call_offer_gone(struct broker *b, struct offer *offer);
void call_asker_gone(struct broker *b, struct session *s);
void call_grace_over(struct broker *b);

/* job.c: what is said of jobs */
void job_on_put(struct broker *b, struct session *s, struct message *m);
void job_put(struct broker *b, struct session *s, struct handle *handle, const struct message *m);
void job_on_ack(struct broker *b, struct session *s, struct message *m);
void job_on_nack(struct broker *b, struct session *s, struct message *m);
void job_on_extend(struct broker *b, struct session *s, struct message *m);
void job_on_credit(struct broker *b, struct session *s, struct message *m);
void job_on_resume(struct broker *b, struct session *s, struct message *m);
void job_put_done(struct broker *b, struct store_op *op);
void job_settled(struct broker *b, struct store_op *op);

/* lease.c: what becomes of them */
struct lease *lease_new(struct broker *b, struct queue *queue, struct job_key key,
                        const struct job_record *record);
void lease_free(struct broker *b, struct lease *lease);
void lease_late_free(struct broker *b, struct late *late);
void lease_settle(struct broker *b, struct lease *lease); /* its end is said, and on its way to the disk */
void lease_give(struct broker *b, struct lease *lease, struct taker *taker);
int64_t lease_fail(struct broker *b, struct lease *lease, int err, struct bytes text, int64_t delay_ms,
                   bool counted);
void lease_withdraw(struct broker *b, struct lease *lease);
void lease_kill(struct broker *b, struct lease *lease, int err, struct bytes text);
void lease_note(struct broker *b); /* those that last get their rows */
void lease_session_gone(struct broker *b, struct session *s);
int lease_load(struct broker *b);

/* queue.c: which job is next, and who gets it */
void queue_press(struct broker *b, struct queue *queue);
void queue_add(struct broker *b, struct queue *queue, struct job_key key);
void queue_run(struct broker *b); /* dispatches what is pressed */
void queue_taker_gone(struct broker *b, struct taker *taker);
void queue_promote(struct broker *b);
void queue_promoted(struct broker *b, struct store_op *op);
void queue_warmed(struct broker *b, const struct store_op *op);
void queue_held_until(struct broker *b, int64_t due_ms);
/* Jobs whose time to live ran out while nobody took them. */
void queue_sweep(struct broker *b);
int queue_load(struct broker *b);

/* stream.c */
void stream_on_append(struct broker *b, struct session *s, struct message *m);
void stream_append(struct broker *b, struct session *s, struct handle *handle, const struct message *m);
void stream_on_sub(struct broker *b, struct session *s, struct message *m);
void stream_on_cursor(struct broker *b, struct session *s, struct message *m);
void stream_append_done(struct broker *b, struct store_op *op);
void stream_grown(struct broker *b, const struct store_op *op); /* an event was appended by it */
void stream_run(struct broker *b);
void stream_follower_gone(struct broker *b, struct follower *follower);
void stream_flush_cursors(struct broker *b);
void stream_prune(struct broker *b);
void stream_pruned(struct broker *b, struct store_op *op);
void stream_warmed(struct broker *b, const struct store_op *op);
int stream_load(struct broker *b);

/* durable.c: windows, lanes and batches, for puts and appends */
void durable_on_batch(struct broker *b, struct session *s, struct message *m);
bool durable_is_batch(const struct message *m);
struct lane *durable_lane(struct session *s, uint32_t target, const uint64_t *stored);
uint64_t durable_stored(const struct session *s); /* bytes in the queues and streams that it produces to */
void durable_lanes_free(struct session *s);
bool durable_admit(struct broker *b, struct session *s, struct handle *handle, const struct message *m);
void durable_answer(struct broker *b, struct store_op *op);
struct store_op *durable_op(struct broker *b, struct session *s, const struct message *m, enum store_kind kind,
                            const char *name, int64_t expires_ms);

/* value.c */
void value_on_set(struct broker *b, struct session *s, struct message *m);
void value_on_watch(struct broker *b, struct session *s, struct message *m);
void value_set_done(struct broker *b, struct store_op *op);
void value_set(struct broker *b, const char *name, struct bytes key, struct bytes body, const char *from,
               int64_t ttl_ms);
void value_watcher_gone(struct broker *b, struct watcher *watcher);
int value_load(struct broker *b);
void value_free_all(struct broker *b);

/* tap.c; call tap_show() through TAP(), which costs one branch while nobody looks */
struct tap_show {
    enum bus_tap_kind kind;
    const char *from, *to;
    struct bytes name;
    struct bytes head; /* packed: key, trace, job */
    struct bytes body;
    uint64_t seq;
    int64_t latency_us; /* -1: none */
    int err;
    unsigned attempt;
};
void tap_show(struct broker *b, const struct tap_show *show);
void tap_on_tap(struct broker *b, struct session *s, struct message *m);
void tap_on_credit(struct broker *b, struct session *s, const struct message *m);
void tap_gone(struct broker *b, struct tap *tap);
#define TAP(b, ...)                                            \
    do {                                                       \
        if (__builtin_expect((b)->taps_n != 0, 0))             \
            tap_show((b), &(struct tap_show) { __VA_ARGS__ }); \
    } while (0)

/* sys.c: $sys.* */
void sys_call(struct broker *b, struct session *s, const char *name, struct message *m);
void sys_done(struct broker *b, struct store_op *op);

/* transport.c */
int transport_local(struct broker *b, const char *endpoint, char error[static 256]);
int transport_remote(struct broker *b, const char *endpoint, char error[static 256]); /* CURVE; `*` as port: any */
bool transport_receive(struct broker *b); /* a message, or a row, of each socket; false: none was waiting */
int transport_fd(const struct broker *b, enum transport_kind kind);
void transport_told(struct broker *b, int fd); /* that this descriptor is ready, whosever it is */
bool transport_waiting(struct broker *b);
void transport_close(struct broker *b);
/* shown.c: what it is told and what it has counted, as values like those of every actor */
void shown_start(struct broker *b);
void shown_count(struct broker *b); /* brings the counters up to date that are kept elsewhere */
void shown_setting(struct broker *b, struct bytes key, struct bytes body); /* settings.broker was set or removed */

/* router.c */
struct broker_options {
    const char *state, *bind, *keys;
    const char *listen;          /* tcp://ADDRESS:PORT for other hosts, NULL: none */
    const char *const *policies; /* NULL-terminated */
    struct settings *settings;   /* consumed; NULL: as built in */
    size_t map_size;
    bool any_filesystem;
    bool no_socket, no_thread; /* tests */
};
int broker_new(const struct broker_options *options, struct broker **ret, char error[static 256]);
int broker_run(struct broker *b, int stop_fd); /* until stop_fd is readable: 0; or the store died */
void broker_stop(struct broker *b);            /* drains */
void broker_free(struct broker **b);
void broker_take(struct broker *b, enum transport_kind transport, struct bytes routing, zmq_msg_t *a,
                 zmq_msg_t *body);
/* To the store. What came together is committed together: whoever ends such a row flushes. */
void broker_submit(struct broker *b, struct store_op *op);
void broker_settle(struct broker *b); /* what the store handed back, and what follows from it */
void broker_clock(struct broker *b);
