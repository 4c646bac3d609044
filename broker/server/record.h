/* record - keys and values of the broker's store: the layouts, and nothing else.
 *
 *     job, lease   queue u32, 255 - priority u8, seq u64          in key order they are the ready index
 *     held         due ms u64, then the same
 *     dead         queue u32, seq u64
 *     evt          stream u32, seq u64
 *     prod         producer 16 bytes, target u32
 *     cur          stream u32, group
 *     lvc          name, 0, key
 *
 * Numbers are big-endian. Values are msgpack arrays; readers skip what a later version adds at the end. */
#pragma once

#include "broker/server/bus_store.h"

enum { RECORD_KEY_MAX = 511 };

struct record_key {
    uint8_t b[RECORD_KEY_MAX];
    size_t len;
};

static inline struct bytes record_bytes(const struct record_key *key)
{
    return bytes_of(key->b, key->len);
}

struct record_key record_job_key(struct job_key job);
struct record_key record_behind_job(struct job_key after); /* the first there may be; seq 0: the queue's first */
struct record_key record_held_key(int64_t due_ms, struct job_key job);
struct record_key record_pair_key(uint32_t target, uint64_t seq); /* dead, evt */
struct record_key record_lane_key(struct id producer, uint32_t target);
struct record_key record_named_key(uint32_t stream, struct bytes group);
struct record_key record_value_key(struct bytes name, struct bytes key);
bool record_read_job_key(struct bytes raw, struct job_key *ret);
bool record_read_held_key(struct bytes raw, int64_t *ret_due, struct job_key *ret);
bool record_read_pair_key(struct bytes raw, uint32_t *ret_target, uint64_t *ret_seq);

void record_pack_job(struct buf *out, const struct job_record *job, uint8_t priority, int64_t died_ms);
int record_unpack_job(struct bytes in, struct job_record *ret, uint8_t *ret_priority, int64_t *ret_died_ms);
void record_pack_event(struct buf *out, const struct event_record *event);
int record_unpack_event(struct bytes in, struct event_record *ret);
void record_pack_pair(struct buf *out, uint64_t first, uint64_t second);
int record_unpack_pair(struct bytes in, uint64_t *ret_first, uint64_t *ret_second);
void record_pack_lease(struct buf *out, uint16_t attempts, struct id instance);
int record_unpack_lease(struct bytes in, uint16_t *ret_attempts, struct id *ret_instance);

/* The head of the event that ends a job, from the job's own. */
int record_end_head(struct buf *out, struct bytes job_head, const char *event, const char *from, int64_t now_ms,
                    uint16_t attempts, int err, struct bytes text);
