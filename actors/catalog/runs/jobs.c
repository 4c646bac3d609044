/* jobs - see jobs.h. */
#include <string.h>

#include "actors/catalog/runs/jobs.h"
#include "broker/client/bus.h"
#include "broker/client/mp.h"
#include "schemas/wire/arena.h"

enum { JOBS_MOST = 100, JOBS_AGAIN_MS = 1000 };

static const struct call_def jobs_why_call = { .name = "$sys.why", .deadline_ms = 3000 };
static const struct call_def jobs_withdraw_call = { .name = "$sys.withdraw", .deadline_ms = 10000 };

/* The broker's own calls take msgpack maps with text keys; the key of a video's jobs is its id as text. */
static int jobs_call(struct turn *t, const struct call_def *call, struct id video, turn_then *then,
                     const void *ctx, size_t ctx_len)
{
    char id[ID_TEXT_SIZE];
    struct buf packed = { 0 };
    struct bytes body;
    int r;

    mp_put_map(&packed, 2);
    mp_put_str(&packed, "key");
    mp_put_str(&packed, id_format("video", video, id));
    mp_put_str(&packed, "limit");
    mp_put_uint(&packed, JOBS_MOST);
    body = buf_bytes(&packed);
    r = turn_ask(t, call, &body, then, ctx, ctx_len);
    buf_free(&packed);
    return r;
}

/* ---- before they are put */

const char *jobs_wrong(struct turn *t, const struct wire_type *type, const void *job)
{
    struct wire_error err = { .err = 0 };
    struct buf packed = { 0 };
    int r = wire_pack_err(type, job, &packed, &err);
    size_t len = packed.len;

    buf_free(&packed);
    if (r < 0)
        return arena_printf(turn_arena(t), "of its job, %s %s", *err.path ? err.path : type->name, err.sentence);
    return len > BUS_DURABLE_MAX
               ? arena_printf(turn_arena(t), "its job would be larger than %d bytes", BUS_DURABLE_MAX)
               : NULL;
}

/* ---- why */

int jobs_ask(struct turn *t, struct id video, turn_then *then, const void *ctx, size_t ctx_len)
{
    return jobs_call(t, &jobs_why_call, video, then, ctx, ctx_len);
}

struct jobs_row {
    struct bytes queue, state, worker, error, text;
    uint64_t seq, attempts, attempts_max, at_ms;
};

/* False: the map is broken. */
static bool jobs_read(struct mp *mp, struct jobs_row *ret)
{
    const struct {
        const char *name;
        struct bytes *text;
        uint64_t *number;
    } members[] = {
        { "queue", &ret->queue, NULL },       { "state", &ret->state, NULL },
        { "worker", &ret->worker, NULL },     { "error", &ret->error, NULL },
        { "text", &ret->text, NULL },         { "seq", NULL, &ret->seq },
        { "attempts", NULL, &ret->attempts }, { "attempts_max", NULL, &ret->attempts_max },
        { "at_ms", NULL, &ret->at_ms },
    };
    struct bytes name;
    uint32_t n;

    if (!mp_get_map(mp, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        bool got = false;

        if (!mp_get_data(mp, &name))
            return false;
        for (size_t k = 0; !got && k < sizeof(members) / sizeof(*members); k++)
            if (bytes_equal(name, bytes_of_text(members[k].name)))
                got = members[k].text ? mp_get_data(mp, members[k].text) : mp_get_uint(mp, members[k].number);
        if (!got && !mp_skip(mp))
            return false;
    }
    return true;
}

static const char *jobs_text(struct arena *arena, struct bytes text)
{
    return text.len ? arena_strndup(arena, text.data, text.len) : NULL;
}

static struct why_job jobs_show(struct arena *arena, const struct jobs_row *row)
{
    bool leased = bytes_equal(row->state, bytes_of_text("leased"));
    struct why_job job = { .queue = jobs_text(arena, row->queue),
                           .seq = row->seq,
                           .state = jobs_text(arena, row->state),
                           .attempts = row->attempts + leased, /* the one under way counts */
                           .attempts_max = row->attempts_max,
                           .worker = jobs_text(arena, row->worker),
                           .error = jobs_text(arena, row->error),
                           .detail = jobs_text(arena, row->text) };

    if (bytes_equal(row->state, bytes_of_text("held")))
        job.next_try_at = (int64_t)row->at_ms, job.has_next_try_at = true;
    else if (row->at_ms)
        job.since = (int64_t)row->at_ms, job.has_since = true;
    return job;
}

void jobs_add(struct turn *t, struct bytes answer, struct why_reply *reply)
{
    struct mp mp = mp_of(answer);
    uint32_t n;

    if (!mp_get_array(&mp, &n))
        return;
    reply->jobs = arena_alloc_n(turn_arena(t), JOBS_MOST, sizeof(*reply->jobs));
    for (uint32_t i = 0; i < n && i < JOBS_MOST; i++) {
        struct jobs_row row = { .seq = 0 };

        if (!jobs_read(&mp, &row))
            return;
        reply->jobs[reply->jobs_n++] = jobs_show(turn_arena(t), &row);
    }
}

/* ---- withdrawn */

static int jobs_withdraw_again(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    jobs_withdraw(t, *(const struct id *)ctx);
    return 0;
}

/* Those that are held back cannot be withdrawn before they are due. What a crash in between leaves runs in vain. */
static int jobs_withdrawn(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    uint64_t held = 0, due_ms = 0, *number;
    struct bytes name;
    struct mp mp;
    uint32_t n;

    if (err < 0)
        return 0;
    mp = mp_of(*(const struct bytes *)reply);
    if (!mp_get_map(&mp, &n))
        return 0;
    while (n-- && mp_get_data(&mp, &name)) {
        number = NULL;
        if (bytes_equal(name, bytes_of_text("held")))
            number = &held;
        else if (bytes_equal(name, bytes_of_text("due_ms")))
            number = &due_ms;
        if (!(number ? mp_get_uint(&mp, number) : mp_skip(&mp)))
            return 0;
    }
    if (!held)
        return 0;
    int64_t in = (int64_t)due_ms - turn_now(t);
    return turn_after(t, in > 0 ? (uint32_t)in + JOBS_AGAIN_MS : JOBS_AGAIN_MS, jobs_withdraw_again, ctx,
                      sizeof(struct id));
}

void jobs_withdraw(struct turn *t, struct id video)
{
    jobs_call(t, &jobs_withdraw_call, video, jobs_withdrawn, &video, sizeof(video));
}
