#include "broker/server/record.h"

#include <string.h>

#include "broker/client/frame.h"
#include "broker/client/mp.h"
#include "gen/errors.h"

static void key_number(struct record_key *key, uint64_t n, unsigned size)
{
    for (unsigned i = size; i-- > 0;)
        key->b[key->len++] = (uint8_t)(n >> (8 * i));
}

static void key_data(struct record_key *key, struct bytes data)
{
    size_t room = sizeof key->b - key->len;
    size_t len = data.len < room ? data.len : room; /* names and keys are shorter: checked where they came in */

    if (len)
        memcpy(key->b + key->len, data.data, len);
    key->len += len;
}

static uint64_t raw_number(struct bytes raw, size_t at, unsigned size)
{
    const uint8_t *b = raw.data;
    uint64_t n = 0;

    for (unsigned i = 0; i < size; i++)
        n = n << 8 | b[at + i];
    return n;
}

static void key_job(struct record_key *key, struct job_key job)
{
    key_number(key, job.queue, 4);
    key_number(key, 255u - job.priority, 1);
    key_number(key, job.seq, 8);
}

struct record_key record_job_key(struct job_key job)
{
    struct record_key key = { .len = 0 };

    key_job(&key, job);
    return key;
}

struct record_key record_behind_job(struct job_key after)
{
    return record_job_key((struct job_key) { after.queue, after.seq ? after.priority : 255, after.seq + 1 });
}

struct record_key record_held_key(int64_t due_ms, struct job_key job)
{
    struct record_key key = { .len = 0 };

    key_number(&key, (uint64_t)due_ms, 8);
    key_job(&key, job);
    return key;
}

struct record_key record_pair_key(uint32_t target, uint64_t seq)
{
    struct record_key key = { .len = 0 };

    key_number(&key, target, 4);
    key_number(&key, seq, 8);
    return key;
}

struct record_key record_lane_key(struct id producer, uint32_t target)
{
    struct record_key key = { .len = 0 };

    key_data(&key, bytes_of(producer.b, sizeof producer.b));
    key_number(&key, target, 4);
    return key;
}

struct record_key record_named_key(uint32_t stream, struct bytes group)
{
    struct record_key key = { .len = 0 };

    key_number(&key, stream, 4);
    key_data(&key, group);
    return key;
}

struct record_key record_value_key(struct bytes name, struct bytes part)
{
    struct record_key key = { .len = 0 };

    key_data(&key, name);
    key_number(&key, 0, 1);
    key_data(&key, part);
    return key;
}

bool record_read_job_key(struct bytes raw, struct job_key *ret)
{
    if (raw.len != 13)
        return false;
    *ret = (struct job_key) { (uint32_t)raw_number(raw, 0, 4), (uint8_t)(255u - raw_number(raw, 4, 1)),
                              raw_number(raw, 5, 8) };
    return true;
}

bool record_read_held_key(struct bytes raw, int64_t *ret_due, struct job_key *ret)
{
    if (raw.len != 21)
        return false;
    *ret_due = (int64_t)raw_number(raw, 0, 8);
    return record_read_job_key(bytes_of((const uint8_t *)raw.data + 8, 13), ret);
}

bool record_read_pair_key(struct bytes raw, uint32_t *ret_target, uint64_t *ret_seq)
{
    if (raw.len != 12)
        return false;
    *ret_target = (uint32_t)raw_number(raw, 0, 4);
    *ret_seq = raw_number(raw, 4, 8);
    return true;
}

static struct bytes id_bytes(const struct id *id)
{
    return bytes_of(id->b, sizeof id->b);
}

void record_pack_job(struct buf *out, const struct job_record *job, uint8_t priority, int64_t died_ms)
{
    mp_put_array(out, 11);
    mp_put_uint(out, job->attempts);
    mp_put_uint(out, job->lost);
    mp_put_uint(out, (uint64_t)job->time_ms);
    mp_put_uint(out, (uint64_t)job->expires_ms);
    mp_put_bytes(out, id_bytes(&job->job));
    mp_put_bytes(out, job->head);
    mp_put_bytes(out, job->body);
    mp_put_uint(out, (uint64_t)-job->err);
    mp_put_text(out, job->text);
    mp_put_uint(out, priority);
    mp_put_uint(out, (uint64_t)died_ms);
}

int record_unpack_job(struct bytes in, struct job_record *ret, uint8_t *ret_priority, int64_t *ret_died_ms)
{
    struct mp mp = mp_of(in);
    uint64_t attempts, lost, time_ms, expires_ms, err, priority, died_ms;
    struct bytes job;
    uint32_t n;

    if (!mp_get_array(&mp, &n) || n < 11 || !mp_get_uint(&mp, &attempts) || !mp_get_uint(&mp, &lost) ||
        !mp_get_uint(&mp, &time_ms) || !mp_get_uint(&mp, &expires_ms) || !mp_get_data(&mp, &job) ||
        !mp_get_data(&mp, &ret->head) || !mp_get_data(&mp, &ret->body) || !mp_get_uint(&mp, &err) ||
        !mp_get_data(&mp, &ret->text) || !mp_get_uint(&mp, &priority) || !mp_get_uint(&mp, &died_ms))
        return ERR_CORRUPT;
    ret->attempts = (uint16_t)attempts;
    ret->lost = (uint16_t)lost;
    ret->time_ms = (int64_t)time_ms;
    ret->expires_ms = (int64_t)expires_ms;
    ret->job = frame_id(job);
    ret->err = err ? err_from_code(err) : 0;
    if (ret_priority)
        *ret_priority = (uint8_t)priority;
    if (ret_died_ms)
        *ret_died_ms = (int64_t)died_ms;
    return 0;
}

void record_pack_event(struct buf *out, const struct event_record *event)
{
    mp_put_array(out, 3);
    mp_put_uint(out, (uint64_t)event->time_ms);
    mp_put_bytes(out, event->head);
    mp_put_bytes(out, event->body);
}

int record_unpack_event(struct bytes in, struct event_record *ret)
{
    struct mp mp = mp_of(in);
    uint64_t time_ms;
    uint32_t n;

    if (!mp_get_array(&mp, &n) || n < 3 || !mp_get_uint(&mp, &time_ms) || !mp_get_data(&mp, &ret->head) ||
        !mp_get_data(&mp, &ret->body))
        return ERR_CORRUPT;
    ret->time_ms = (int64_t)time_ms;
    return 0;
}

void record_pack_pair(struct buf *out, uint64_t first, uint64_t second)
{
    mp_put_array(out, 2);
    mp_put_uint(out, first);
    mp_put_uint(out, second);
}

int record_unpack_pair(struct bytes in, uint64_t *ret_first, uint64_t *ret_second)
{
    struct mp mp = mp_of(in);
    uint32_t n;

    return mp_get_array(&mp, &n) && n >= 2 && mp_get_uint(&mp, ret_first) && mp_get_uint(&mp, ret_second)
               ? 0
               : ERR_CORRUPT;
}

void record_pack_lease(struct buf *out, uint16_t attempts, struct id instance)
{
    mp_put_array(out, 2);
    mp_put_uint(out, attempts);
    mp_put_bytes(out, id_bytes(&instance));
}

int record_unpack_lease(struct bytes in, uint16_t *ret_attempts, struct id *ret_instance)
{
    struct mp mp = mp_of(in);
    struct bytes instance;
    uint64_t attempts;
    uint32_t n;

    if (!mp_get_array(&mp, &n) || n < 2 || !mp_get_uint(&mp, &attempts) || !mp_get_data(&mp, &instance))
        return ERR_CORRUPT;
    *ret_attempts = (uint16_t)attempts;
    *ret_instance = frame_id(instance);
    return 0;
}

int record_end_head(struct buf *out, struct bytes job_head, const char *event, const char *from, int64_t now_ms,
                    uint16_t attempts, int err, struct bytes text)
{
    struct frame_head job, head;
    int r = frame_parse_head(job_head, &job);

    if (r < 0)
        return ERR_CORRUPT;
    head = (struct frame_head) {
        .name = bytes_of_text(event),
        .from = bytes_of_text(from),
        .time_ms = (uint64_t)now_ms,
        .key = job.key,
        .trace = job.trace,
        .job = job.job,
        .attempt = attempts,
        .error = (uint64_t)-err,
        .text = text,
    };
    frame_build_head(out, &head);
    return 0;
}
