/* sys - what the broker itself serves, to operators: `$sys.*`.
 *
 * Requests and replies are self-describing msgpack maps with text keys, so that the command line shows them as
 * they are. An unknown key of a request is skipped. */
#pragma once

#include "broker/client/mp.h"
#include "broker/server/broker.h"

struct sys_ask {
    struct session *session;
    uint64_t cid;
    struct bytes queue, key, name, dir, filter, role, verb;
    uint64_t seq, limit, since_ms;
    bool has_seq, all, back, buckets;
};

/* Fill `out`, or answer an error. */
typedef int sys_serve(struct broker *b, const struct sys_ask *ask, struct buf *out);
sys_serve sys_queues, sys_peers, sys_services, sys_streams, sys_stats, sys_values, sys_why, sys_dead_ls,
    sys_dead_show, sys_events, sys_acl, sys_withdraw;

void sys_pair_uint(struct buf *out, const char *name, uint64_t n);
void sys_pair_int(struct buf *out, const char *name, int64_t n);
void sys_pair_text(struct buf *out, const char *name, struct bytes text);
void sys_pair_id(struct buf *out, const char *name, struct id id);
void sys_pair_bool(struct buf *out, const char *name, bool on);
void sys_pair_trace(struct buf *out, const char *name, struct bytes trace); /* its trace id in hex; "": none */
/* How many, p50, p90, p99 and the largest, since the broker started. buckets: what each bucket counts, too, as the
 * bucket's end and its count in turn; empty ones are left out. */
void sys_pair_histogram(struct buf *out, const char *name, const struct histogram *h, bool buckets);
/* Ordering keys are ids or text: shown as text, an id of 16 bytes in its text form without prefix. */
void sys_pair_key(struct buf *out, const char *name, struct bytes key);
