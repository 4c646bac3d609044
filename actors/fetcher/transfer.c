/* transfer - see transfer.h */
#include "actors/fetcher/transfer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "gen/errors.h"

enum { TRANSFER_PAUSE_MS = 500, TRANSFER_PAUSE_MOST_MS = 8000, TRANSFER_COMPARE = 64 * 1024 };

enum transfer_verdict {
    VERDICT_NONE,
    VERDICT_END,     /* result says which */
    VERDICT_AGAIN,   /* may work in a moment: again says why */
    VERDICT_CHANGED, /* it is another file */
    VERDICT_WHOLE,   /* all of it is here */
};

struct transfer {
    const struct transfer_how *how;
    struct import_order *order;
    struct transfer_result *result;
    struct blob_grow *grow;
    uint64_t frontier, written;
    uint64_t base;     /* what was there when the present try began */
    uint64_t compared; /* of that, with what comes */
    bool told;         /* the catalog knows what the server said */
    int64_t step_at_ms;
    enum transfer_verdict verdict;
    bool alive; /* the server was there, the last time */
    bool slow;  /* and sent too little */
    char again[TRANSFER_REASON];
};

static int64_t transfer_now(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- verdicts; each answers 1, for callbacks that end with it */

static int transfer_verdict(struct transfer *t, enum transfer_verdict verdict)
{
    t->verdict = verdict;
    return 1;
}

static int transfer_end(struct transfer *t, enum transfer_end end, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int transfer_end(struct transfer *t, enum transfer_end end, int error, const char *format, ...)
{
    va_list args;

    t->result->end = end;
    t->result->error = error;
    va_start(args, format);
    vsnprintf(t->result->reason, sizeof(t->result->reason), format, args);
    va_end(args);
    return transfer_verdict(t, VERDICT_END);
}

static int transfer_again(struct transfer *t, bool alive, const char *reason)
{
    t->alive = alive;
    snprintf(t->again, sizeof(t->again), "%s", reason);
    return transfer_verdict(t, VERDICT_AGAIN);
}

static int transfer_store_failed(struct transfer *t, int err)
{
    return transfer_end(t, TRANSFER_LATER, err, "%s",
                        err == ERR_STORE_FULL ? "The disk is full." : "The bytes could not be stored.");
}

/* What the catalog does not want, or has no room for. 0: it may not even have heard. */
static int transfer_refused_by_catalog(struct transfer *t, int err, uint64_t bytes)
{
    switch (err) {
    case ERR_GONE:
    case ERR_NOT_FOUND:
    case ERR_FORBIDDEN: return transfer_end(t, TRANSFER_GONE, err, "nobody waits for it any more");
    case ERR_TOO_LARGE:
        return transfer_end(t, TRANSFER_REFUSED, err,
                            "The file is too large: it has %" PRIu64 " bytes, and %" PRIu64 " are allowed.", bytes,
                            t->order->most_bytes);
    case ERR_QUOTA_EXCEEDED:
        return transfer_end(t, TRANSFER_REFUSED, err,
                            "Your quota has no room for the file: it has %" PRIu64 " bytes or more.", bytes);
    case ERR_STORE_FULL:
        return transfer_end(t, TRANSFER_REFUSED, err,
                            "There is not enough room on the disk for the file: it has %" PRIu64 " bytes or more.",
                            bytes);
    case ERR_CONFLICT:
    case ERR_INVALID:
        return transfer_end(t, TRANSFER_REFUSED, err,
                            "The file on the server changed again and again while it was fetched.");
    case ERR_CANCELLED: return transfer_end(t, TRANSFER_CANCELLED, err, "It was cancelled.");
    }
    return 0;
}

/* ---- the object */

static int transfer_open(struct transfer *t)
{
    struct blob_info info;
    int r = blob_grow_open(t->how->blobs, t->order->blob, &t->grow, &t->frontier);

    if (r == ERR_EXISTS) { /* sealed: all of it came before */
        r = blob_stat(t->how->blobs, t->order->blob, &info);
        if (r == 0) {
            t->frontier = info.size;
            transfer_verdict(t, VERDICT_WHOLE);
        }
    }
    if (r == ERR_LOCKED || r == ERR_BUSY)
        return transfer_end(t, TRANSFER_LATER, ERR_LOCKED, "Somebody else still writes it.");
    t->written = t->frontier;
    t->step_at_ms = transfer_now(CLOCK_MONOTONIC);
    return r < 0 ? transfer_store_failed(t, r) : 0;
}

/* All that was appended is made durable, and the catalog told so. */
static int transfer_step(struct transfer *t)
{
    uint64_t before = t->frontier;
    int r = blob_grow_sync(t->grow, &t->frontier);

    t->step_at_ms = transfer_now(CLOCK_MONOTONIC);
    t->result->bytes += t->frontier - before;
    t->result->moved |= t->frontier > before;
    if (r < 0)
        return transfer_store_failed(t, r);
    r = t->how->catalog.advanced(t->how->catalog.ctx, t->order, t->frontier);
    return transfer_refused_by_catalog(t, r, t->frontier);
}

static int transfer_step_if_due(void *ctx)
{
    struct transfer *t = ctx;

    int64_t passed = transfer_now(CLOCK_MONOTONIC) - t->step_at_ms;
    bool due = t->written - t->frontier >= TRANSFER_STEP ||
               passed >= (t->written > t->frontier ? TRANSFER_STEP_MS : TRANSFER_HEARTBEAT_MS);

    return due ? transfer_step(t) : 0;
}

static int transfer_append(struct transfer *t, const void *data, size_t len)
{
    const struct import_order *order = t->order;
    int r;

    if (order->has_length && t->written + len > order->length)
        return transfer_verdict(t, VERDICT_CHANGED);
    if (t->written + len > order->most_bytes)
        return transfer_end(t, TRANSFER_REFUSED, ERR_TOO_LARGE,
                            "The file is too large: it has more than %" PRIu64 " bytes.", order->most_bytes);
    r = blob_grow_append(t->grow, data, len);
    if (r < 0)
        return transfer_store_failed(t, r);
    t->written += len;
    return transfer_step_if_due(t);
}

/* What is there already, once more: *len is what was looked at. */
static int transfer_compare(struct transfer *t, const uint8_t *data, size_t *len)
{
    uint8_t there[TRANSFER_COMPARE];
    size_t done = 0, got;

    while (done < *len && t->compared < t->base) {
        uint64_t want = t->base - t->compared;
        int r;

        if (want > *len - done)
            want = *len - done;
        if (want > sizeof(there))
            want = sizeof(there);
        r = blob_read(t->how->blobs, t->order->blob, t->compared, there, (size_t)want, &got);
        if (r < 0)
            return transfer_store_failed(t, r);
        if (memcmp(there, data + done, got) != 0)
            return transfer_verdict(t, VERDICT_CHANGED);
        t->compared += got;
        done += got;
    }
    *len = done;
    return 0;
}

/* ---- the answer */

static int transfer_status(struct transfer *t, unsigned status)
{
    static const struct {
        unsigned status;
        const char *means;
    } known[] = {
        { 401, "it wants to know who asks" }, { 402, "it wants to be paid" },
        { 403, "it does not give the file" }, { 404, "it has no such file" },
        { 405, "it does not give the file" }, { 410, "it has no such file any more" },
        { 429, "it is asked too often" },     { 451, "it may not give the file" },
    };
    bool later = status == 408 || status == 425 || status == 429 || status >= 500;
    const char *means = status >= 500 ? "something is wrong there" : "it does not give the file";
    char reason[TRANSFER_REASON];

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].status == status)
            means = known[i].means;
    snprintf(reason, sizeof(reason), "The server answered %u: %s.", status, means);
    if (later)
        return transfer_again(t, false, reason);
    return transfer_end(t, TRANSFER_REFUSED, ERR_NOT_FOUND, "%s", reason);
}

static int transfer_tell(struct transfer *t, const struct answer *a, bool has_length, uint64_t length)
{
    char name[NAMING_SIZE];
    struct import_answered told = { .upload_id = t->order->upload_id,
                                    .has_length = has_length,
                                    .length = length,
                                    .etag = a->status == 206 ? t->order->etag : a->etag,
                                    .modified = a->status == 206 ? t->order->modified : a->modified,
                                    .filename = a->name };
    int r;

    if (!*a->name) {
        naming_of_url(t->order->url, name);
        told.filename = name;
    }
    r = t->how->catalog.answered(t->how->catalog.ctx, &told, t->order);
    t->told = r == 0;
    if (r == 0 || transfer_refused_by_catalog(t, r, length))
        return r ? 1 : 0;
    return transfer_end(t, TRANSFER_LATER, r, "The catalog does not answer.");
}

/* A part of it, that was asked for. */
static int transfer_range(struct transfer *t, const struct answer *a)
{
    const struct import_order *order = t->order;

    if (!t->frontier || !a->has_range || a->from != t->frontier || (a->has_total && a->until != a->total) ||
        (order->has_length && (!a->has_total || a->total != order->length)) ||
        (*a->etag && order->etag && *order->etag && strcmp(a->etag, order->etag) != 0))
        return transfer_verdict(t, VERDICT_CHANGED);
    t->compared = t->base;
    return !order->has_length && a->has_total ? transfer_tell(t, a, true, a->total) : 0;
}

static int transfer_whole(struct transfer *t, const struct answer *a)
{
    const struct import_order *order = t->order;

    t->compared = 0;
    if (a->encoded)
        return transfer_end(t, TRANSFER_REFUSED, ERR_UNSUPPORTED_MEDIA,
                            "The server sends the file encoded, although that was not asked for.");
    if (strcasecmp(a->type, "text/html") == 0 || strcasecmp(a->type, "application/xhtml+xml") == 0)
        return transfer_end(t, TRANSFER_REFUSED, ERR_UNSUPPORTED_MEDIA,
                            "The address is that of a page (%s), not of a film.", a->type);
    if (a->has_length && a->length > order->most_bytes)
        return transfer_refused_by_catalog(t, ERR_TOO_LARGE, a->length);
    if (a->has_length && order->has_length && a->length != order->length)
        return transfer_verdict(t, VERDICT_CHANGED);
    if (t->told && order->has_length == a->has_length && strcmp(order->etag ? order->etag : "", a->etag) == 0 &&
        strcmp(order->modified ? order->modified : "", a->modified) == 0)
        return 0;
    return transfer_tell(t, a, a->has_length, a->length);
}

static int transfer_began(void *ctx, const struct answer *a)
{
    struct transfer *t = ctx;

    if (a->status == 200)
        return transfer_whole(t, a);
    if (a->status == 206)
        return transfer_range(t, a);
    if (a->status == 416 && t->frontier)
        return transfer_verdict(t, a->has_total && a->total == t->frontier ? VERDICT_WHOLE : VERDICT_CHANGED);
    return transfer_status(t, a->status);
}

static int transfer_piece(void *ctx, const void *data, size_t len)
{
    struct transfer *t = ctx;
    size_t same = len;
    int r = transfer_compare(t, data, &same);

    return r == 0 && same < len ? transfer_append(t, (const uint8_t *)data + same, len - same) : r;
}

/* ---- one try */

/* Its ETag, else its date, proves that a part is one of the same file. */
static const char *transfer_validator(const struct transfer *t)
{
    const struct import_order *order = t->order;

    if (!t->frontier)
        return NULL;
    if (order->etag && *order->etag)
        return order->etag;
    return order->modified && *order->modified ? order->modified : NULL;
}

/* The answer ended as it should: is that all of it? */
static void transfer_got_all(struct transfer *t)
{
    if (t->compared < t->base)
        transfer_verdict(t, VERDICT_CHANGED);
    else if (t->order->has_length && t->written != t->order->length)
        transfer_verdict(t, VERDICT_CHANGED);
    else if (t->written == 0)
        transfer_end(t, TRANSFER_REFUSED, ERR_INVALID, "The file on the server is empty.");
    else
        transfer_verdict(t, VERDICT_WHOLE);
}

static void transfer_judge(struct transfer *t, const struct get *get, enum get_end end)
{
    switch (end) {
    case GET_STOPPED: break;
    case GET_DONE: transfer_got_all(t); break;
    case GET_CANCELLED: transfer_end(t, TRANSFER_CANCELLED, ERR_CANCELLED, "%s", get->reason); break;
    case GET_LATE:
        transfer_end(t, TRANSFER_REFUSED, ERR_EXPIRED, "Fetching the file took longer than is allowed.");
        break;
    case GET_REFUSED: transfer_end(t, TRANSFER_REFUSED, ERR_FORBIDDEN, "%s", get->reason); break;
    default: transfer_again(t, end != GET_UNREACHED, get->reason);
    }
}

static void transfer_try(struct transfer *t)
{
    struct get get = { .url = t->order->url,
                       .validator = transfer_validator(t),
                       .from = t->frontier,
                       .guard = &t->how->guard,
                       .ca_file = t->how->ca_file,
                       .connect_s = t->how->connect_s,
                       .redirects = t->how->redirects,
                       .slow_s = t->how->slow_s,
                       .slow_bytes = t->how->slow_bytes,
                       .until_ms = t->order->until,
                       .cancel = t->how->cancel,
                       .began = transfer_began,
                       .piece = transfer_piece,
                       .moment = transfer_step_if_due,
                       .ctx = t };
    enum get_end end;

    t->verdict = VERDICT_NONE;
    t->base = t->frontier;
    end = get_run(&get);
    t->slow = end == GET_SLOW;
    transfer_judge(t, &get, end);
    if (get.denied) {
        t->result->denied += get.denied;
        snprintf(t->result->denied_at, sizeof(t->result->denied_at), "%s", get.denied_at);
    }
    if (t->grow && t->written > t->frontier && t->verdict == VERDICT_AGAIN)
        transfer_step(t); /* what came stays, whatever broke */
}

/* ---- all of them */

static void transfer_restart(struct transfer *t)
{
    struct import_answered told = { .upload_id = t->order->upload_id, .restart = true };
    int r;

    if (t->grow)
        blob_grow_close(&t->grow);
    t->verdict = VERDICT_NONE;
    t->told = false;
    r = t->how->catalog.answered(t->how->catalog.ctx, &told, t->order);
    if (r == 0)
        transfer_open(t);
    else if (!transfer_refused_by_catalog(t, r, 0))
        transfer_end(t, TRANSFER_LATER, r, "The catalog does not answer.");
}

static void transfer_finish(struct transfer *t)
{
    int r = t->grow ? blob_grow_seal(&t->grow, NULL) : 0;

    if (r < 0) {
        transfer_store_failed(t, r);
        return;
    }
    t->result->bytes += t->written - t->frontier;
    t->frontier = t->written;
    r = t->how->catalog.complete(t->how->catalog.ctx, t->order, t->frontier);
    if (r == 0)
        transfer_end(t, TRANSFER_STORED, 0, "%s", "");
    else if (!transfer_refused_by_catalog(t, r, t->frontier))
        transfer_end(t, TRANSFER_LATER, r, "The catalog does not answer.");
}

static void transfer_pause(struct transfer *t, unsigned idle)
{
    int64_t ms = idle ? (int64_t)TRANSFER_PAUSE_MS << (idle < 6 ? idle - 1 : 5) : TRANSFER_PAUSE_MS / 5;
    int64_t end = transfer_now(CLOCK_MONOTONIC) + (ms < TRANSFER_PAUSE_MOST_MS ? ms : TRANSFER_PAUSE_MOST_MS);
    const struct timespec moment = { .tv_nsec = 20000000 };

    while (!atomic_load(t->how->cancel) && transfer_now(CLOCK_MONOTONIC) < end)
        nanosleep(&moment, NULL);
}

/* As many tries in vain as there may be. A server that is not there, and was once, may come back: that is for later. */
static void transfer_give_up(struct transfer *t)
{
    char at[80] = "";

    if (!t->alive && (t->frontier || t->told)) {
        transfer_end(t, TRANSFER_LATER, ERR_UNAVAILABLE, "%s", t->again);
        return;
    }
    if (t->frontier)
        snprintf(at, sizeof(at), " It stands at byte %" PRIu64 ", whatever is tried.", t->frontier);
    transfer_end(t, TRANSFER_REFUSED, ERR_UNAVAILABLE, "%s%s", t->again, at);
}

void transfer_run(const struct transfer_how *how, struct import_order *order, struct transfer_result *ret)
{
    struct transfer t = { .how = how, .order = order, .result = ret };
    unsigned idle = 0;

    *ret = (struct transfer_result) { .end = TRANSFER_LATER };
    transfer_open(&t);
    t.told = order->has_length || (order->etag && *order->etag) || (order->modified && *order->modified);
    while (t.verdict != VERDICT_END) {
        uint64_t before = ret->bytes;

        if (t.verdict == VERDICT_NONE && order->has_length && t.frontier == order->length)
            transfer_verdict(&t, VERDICT_WHOLE);
        if (t.verdict == VERDICT_WHOLE) {
            transfer_finish(&t);
            break;
        }
        transfer_try(&t);
        if (t.verdict == VERDICT_CHANGED) {
            transfer_restart(&t);
        } else if (t.verdict == VERDICT_AGAIN) {
            idle = ret->bytes > before && !t.slow ? 0 : idle + 1;
            if (idle >= how->tries)
                transfer_give_up(&t);
            else
                transfer_pause(&t, idle);
            if (t.verdict == VERDICT_AGAIN)
                t.verdict = VERDICT_NONE;
        }
    }
    if (t.grow)
        blob_grow_close(&t.grow);
}
