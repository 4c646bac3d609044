/* upload - see upload.h */
#include "web/front/upload.h"

#include <stdlib.h>

#include "gen/errors.h"
#include "web/front/call.h"
#include "web/front/uploads.h"

const char *upload_name(struct exchange *x, const char *name)
{
    size_t chars = 0;

    for (size_t n = 0; name && name[n]; n++)
        if (((uint8_t)name[n] & 0xc0) != 0x80 && chars++ == UPLOAD_NAME_MAX)
            return arena_strndup(x->arena, name, n);
    return name;
}

int upload_problem(struct exchange *x, int err)
{
    switch (err) {
    case ERR_LOCKED:
        return exchange_problem(x, err, "Another request writes to this upload, and its bytes still arrive.");
    case ERR_BUSY:
        if (x->trouble)
            break;
        return exchange_problem(x, err, "As many uploads as allowed are running; try again in a moment.");
    case ERR_TOO_LARGE:
        if (x->trouble)
            break;
        return exchange_problem(x, err, "The upload would become longer than its declared length.");
    case ERR_INTERRUPTED: return exchange_problem(x, err, "The upload was interrupted; what is durable stays.");
    case ERR_STORE_FULL:
        if (x->trouble)
            break;
        return exchange_problem(x, err, "The disk is full: what is durable stays, and may be gone on with.");
    case ERR_IO: return exchange_problem(x, err, "The bytes could not be stored.");
    }
    return call_problem(x, err);
}

static int upload_open_object(struct upload_sink *sink)
{
    struct exchange *x = sink->x;
    struct blob_info info;
    int r = ERR_INTERNAL;

    if (sink->upload->blob)
        r = blob_grow_open(x->front->blobs, sink->upload->blob, &sink->grow, &sink->frontier);
    if (r == ERR_EXISTS) { /* sealed: all of it came before */
        r = blob_stat(x->front->blobs, sink->upload->blob, &info);
        sink->frontier = info.size;
    }
    sink->keep.upto = sink->written = sink->frontier;
    return r == ERR_BUSY ? ERR_LOCKED : r;
}

/* Whoever wrote it until now may have told its length, or ended it. */
static int upload_look_again(struct exchange *x, struct upload *upload)
{
    struct get_upload ask = { .id = upload->id };

    return call_ask(x, &get_upload_call, &(struct call_extra) { .again_ms = CALL_AGAIN_MS }, &ask, upload);
}

int upload_open(struct exchange *x, struct upload *upload, struct upload_sink *ret)
{
    int64_t now = front_monotonic();
    struct id id = upload->id;
    int r = uploads_begin(x->front->uploads, id, x->request, UPLOADS_ASK);

    if (r == 1) {
        r = upload_look_again(x, upload);
        if (r < 0)
            uploads_end(x->front->uploads, id);
    }
    *ret = (struct upload_sink) {
        .x = x, .upload = upload, .has_length = upload->has_length, .length = upload->length, .step_at_ms = now
    };
    if (r < 0)
        return upload_problem(x, r);
    front_count(x->front, FRONT_UPLOADS_OPEN, 1);
    r = upload_open_object(ret);
    if (r < 0) {
        upload_close(ret);
        upload_problem(x, r);
    }
    return r;
}

/* ---- the disk */

static void *upload_keep_run(void *arg)
{
    struct upload_keep *keep = arg;

    keep->r = blob_grow_keep(keep->grow, keep->upto, &keep->frontier);
    atomic_store(&keep->done, true);
    return NULL;
}

/* What was appended so far, while more arrives; here and now where there is no thread for it. */
static void upload_keep_begin(struct upload_sink *sink)
{
    struct upload_keep *keep = &sink->keep;

    keep->grow = sink->grow;
    keep->upto = sink->written;
    atomic_store(&keep->done, false);
    keep->running = pthread_create(&keep->thread, NULL, upload_keep_run, keep) == 0;
    if (!keep->running)
        upload_keep_run(keep);
}

/* Waits for it. What it made durable counts from now on; where it failed the frontier is as it was. */
static int upload_keep_end(struct upload_sink *sink)
{
    struct upload_keep *keep = &sink->keep;

    if (keep->running)
        pthread_join(keep->thread, NULL);
    keep->running = false;
    if (keep->grow && keep->frontier > sink->frontier)
        sink->frontier = keep->frontier;
    return keep->grow ? keep->r : 0;
}

void upload_close(struct upload_sink *sink)
{
    upload_keep_end(sink);
    if (sink->grow)
        blob_grow_close(&sink->grow);
    uploads_end(sink->x->front->uploads, sink->upload->id);
    front_uncount(sink->x->front, FRONT_UPLOADS_OPEN);
}

static int upload_go_on(struct upload_sink *sink);

int upload_append(struct upload_sink *sink, const void *data, size_t len)
{
    int r;

    if (!sink->grow || (sink->has_length && sink->written + len > sink->length))
        return ERR_TOO_LARGE;
    r = blob_grow_append(sink->grow, data, len);
    if (r < 0)
        return r;
    sink->written += len;
    front_count(sink->x->front, FRONT_UPLOAD_BYTES, len);
    return sink->hold ? 0 : upload_go_on(sink);
}

/* ---- the catalog */

static int upload_tell(struct upload_sink *sink, unsigned again_ms)
{
    struct upload_advanced ask = { .id = sink->upload->id,
                                   .capability = sink->upload->capability,
                                   .offset = sink->frontier,
                                   .length = sink->length,
                                   .has_length = sink->has_length };

    front_count(sink->x->front, FRONT_UPLOAD_REPORTS, 1);
    return call_ask(sink->x, &upload_advanced_call,
                    &(struct call_extra) { .again_ms = again_ms, .anonymous = true }, &ask, NULL);
}

/* What the catalog does not hear now it hears with the next step, or finds in the object itself. */
static int upload_report(struct upload_sink *sink)
{
    int r = upload_tell(sink, 0);

    switch (r) {
    case ERR_GONE:
    case ERR_NOT_FOUND:
    case ERR_FORBIDDEN:
    case ERR_QUOTA_EXCEEDED:
    case ERR_STORE_FULL: return r;
    }
    return 0;
}

/* Begins the next step where it is due, once the one before is durable; the catalog hears of that one meanwhile. */
static int upload_go_on(struct upload_sink *sink)
{
    int64_t now = front_monotonic();
    bool due = sink->written - sink->keep.upto >= UPLOAD_STEP || now - sink->step_at_ms >= UPLOAD_STEP_MS;
    uint64_t told = sink->frontier;
    int r = 0;

    if (due || (sink->keep.running && atomic_load(&sink->keep.done)))
        r = upload_keep_end(sink);
    if (r < 0)
        return r;
    if (due) {
        upload_keep_begin(sink);
        sink->step_at_ms = now;
    }
    return sink->frontier > told ? upload_report(sink) : 0;
}

int upload_step(struct upload_sink *sink)
{
    int r = upload_keep_end(sink);

    if (r == 0 && sink->grow && sink->written > sink->frontier)
        r = blob_grow_sync(sink->grow, &sink->frontier);
    sink->step_at_ms = front_monotonic();
    if (r < 0 || (sink->has_length && sink->frontier == sink->length))
        return r; /* upload_finish tells of the end */
    return upload_report(sink);
}

int upload_finish(struct upload_sink *sink, struct video *ret_video)
{
    struct upload_complete ask = { .id = sink->upload->id, .capability = sink->upload->capability };
    struct blob_info info;
    int r = upload_keep_end(sink);

    if (r == 0 && sink->grow) {
        if (sink->frontier - blob_grow_summed(sink->grow) <= UPLOAD_SUM_MOST)
            blob_grow_sum(sink->grow);
        r = blob_grow_seal(&sink->grow, &info);
        if (r == 0)
            sink->frontier = info.size;
    }
    ask.length = sink->frontier;
    if (r == 0 && sink->upload->partial) /* a part of a film that is joined later: there is no video to answer */
        return upload_tell(sink, CALL_HOLD_MS);
    if (r == 0)
        r = call_ask(sink->x, &upload_complete_call,
                     &(struct call_extra) { .again_ms = CALL_HOLD_MS, .anonymous = true }, &ask, ret_video);
    return r;
}
