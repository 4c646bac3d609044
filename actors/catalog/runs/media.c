/* media - from the first bytes to a plan: when to look at an original, and what the look came to. */
#include <string.h>

#include "actors/catalog/runs/extra.h"
#include "actors/catalog/uploads/import.h"
#include "actors/catalog/runs/jobs.h"
#include "actors/catalog/runs/sample.h"
#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "schemas/wire/arena.h"

const char *media_prefix(struct turn *t, const struct video_row *row)
{
    char id[ID_TEXT_SIZE];

    return arena_printf(turn_arena(t), "media/%s/%llu", id_format("video", row->id, id),
                        (unsigned long long)row->version);
}

/* The original as it lies there now, by offset. */
int media_parts(struct doing *d, struct source_part **ret, size_t *ret_n)
{
    struct arena *arena = turn_arena(d->t);
    struct source_part *parts = arena_alloc_n(arena, CATALOG_PARTS_MOST, sizeof(*parts));
    struct original_part part = { .video_id = d->row.id };
    struct table_walk walk;
    size_t n = 0;
    int r = table_walk_start(&walk, turn_txn(d->t), &original_part_table, TABLE_PRIMARY, &part, 1, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && n < CATALOG_PARTS_MOST && (r = table_walk_next(&walk, arena, &part)) > 0) {
        parts[n++] = (struct source_part) {
            .offset = part.offset, .length = part.length, .blob = part.blob, .growing = part.growing
        };
        r = 0;
    }
    table_walk_end(&walk);
    *ret = parts;
    *ret_n = n;
    return r;
}

/* Whether the byte at `offset` is there. */
static int media_has_byte(struct doing *d, uint64_t offset)
{
    struct source_part *parts;
    size_t n;
    int r = media_parts(d, &parts, &n);

    for (size_t i = 0; r == 0 && i < n; i++)
        if (offset >= parts[i].offset && offset - parts[i].offset < parts[i].length)
            return 1;
    return r;
}

/* A first look when enough is there; another one when the byte that the last one missed is. */
int media_bytes_came(struct doing *d)
{
    bool all = d->row.upload == UPLOAD_STATE_COMPLETE;
    int r;

    if (d->row.life != LIFE_STATE_LIVE || d->row.upload == UPLOAD_STATE_EXPIRED)
        return 0;
    if (d->row.media == MEDIA_STATE_NONE) {
        if (!all && d->row.uploaded_bytes < catalog_settings_of(d->t)->probe_after_bytes)
            return 0;
        return step_take(d, STEP_MEDIA, ON_ENOUGH);
    }
    if (d->row.media != MEDIA_STATE_PROBING || !d->row.probe_waits)
        return 0;
    r = all ? 1 : media_has_byte(d, d->row.probe_needs);
    return r > 0 ? step_take(d, STEP_MEDIA, ON_ENOUGH) : r;
}

static const char *media_sentence(struct doing *d, const char *what, const char *detail)
{
    return arena_printf(turn_arena(d->t), "%s%s%.400s", what, detail && *detail ? ": " : ".",
                        detail ? detail : "");
}

int media_ask_probe(struct doing *d)
{
    struct job_options options = { .priority = 255 };
    struct probe probe;
    const char *wrong;
    int r;

    if (!d->row.version)
        d->row.version = 1;
    probe = (struct probe) {
        .video_id = d->row.id,
        .version = d->row.version,
        .prefix = media_prefix(d->t, &d->row),
        .length = d->row.declared_bytes,
        .complete = d->row.upload == UPLOAD_STATE_COMPLETE,
    };
    r = media_parts(d, &probe.parts, &probe.parts_n);
    if (r < 0)
        return r;
    wrong = jobs_wrong(d->t, &probe_type, &probe);
    if (wrong) {
        d->reason = media_sentence(d, "The file cannot be looked at", wrong);
        return step_take(d, STEP_MEDIA, ON_PROBE_DEAD);
    }
    r = put_probe(d->t, &probe, &options, &d->row.probe_job);
    d->row.probe_asked_at = turn_now(d->t);
    d->row.probe_waits = false;
    d->row.reason = NULL;
    return r;
}

int media_wait_bytes(struct doing *d)
{
    const struct probe_done *done = d->about;

    d->row.probe_job = ID_NONE;
    d->row.probe_needs = done->need_offset;
    d->row.probe_waits = true;
    return 0;
}

/* The answer is kept as it came: the plan is derived from it whenever it is needed. */
static int media_keep_probe(struct doing *d, struct version_row *version)
{
    struct buf packed = { 0 };
    int r = wire_pack(&probe_done_type, d->about, &packed);

    if (r == 0)
        version->probe = arena_bytes(turn_arena(d->t), buf_bytes(&packed));
    buf_free(&packed);
    return r;
}

static void media_fill_row(struct video_row *row, const struct probe_done *probe, const struct plan *plan)
{
    row->runs_total = 0;
    row->runs_done = 0;
    row->work_done = 0;
    row->left_ms = 0;
    row->duration_ms = plan->has_video && plan->grid.frames ? grid_ms(&plan->grid, plan->grid.frames)
                                                            : probe->duration_ms;
    if (plan->has_video) {
        row->width = plan->ladder.rungs[0].width;
        row->height = plan->ladder.rungs[0].height;
    }
    for (size_t i = 0; i < plan->tracks_n; i++)
        row->runs_total += plan_runs(plan, i);
    if (!plan->grid.frames)
        row->runs_total = 0;
}

int media_begin(struct doing *d)
{
    const struct probe_done *probe = d->about;
    struct version_row version = {
        .video_id = d->row.id,
        .version = d->row.version,
        .created_at = turn_now(d->t),
        .index_rows = probe->index_rows,
    };
    struct plan plan;
    char reason[300];
    int r = plan_make(probe, &plan, reason, sizeof(reason));

    if (r == ERR_UNSUPPORTED) {
        d->reason = arena_strdup(turn_arena(d->t), reason);
        return step_take(d, STEP_MEDIA, ON_RUN_DEAD);
    }
    version.tapers = plan.tapers;
    if (r == 0)
        r = media_keep_probe(d, &version);
    if (r < 0)
        return r;
    d->row.probe_job = ID_NONE;
    media_fill_row(&d->row, probe, &plan);
    return runs_begin(d, &version);
}

/* The plan of a video's version, as far as its end is known. */
int media_load_plan(struct doing *d, struct version_row *version, struct plan *ret)
{
    struct arena *arena = turn_arena(d->t);
    struct probe_done probe;
    struct wire_error error;
    char reason[300];
    int r = version_row_get(turn_txn(d->t), arena, d->row.id, d->row.version, version);

    if (r < 0)
        return r;
    if (wire_unpack(&probe_done_type, version->probe, arena, &probe, &error) < 0)
        return ERR_CORRUPT;
    r = plan_make(&probe, ret, reason, sizeof(reason));
    ret->tapers = version->tapers;
    if (r == 0 && version->frames)
        plan_end(ret, version->frames);
    if (r == 0 && version->samples)
        plan_sample(ret, (uint32_t)version->samples);
    if (r == 0 && version->no_copy)
        plan_encode_top(ret);
    if (r == 0)
        sample_plan(version, ret);
    if (r == 0)
        extra_plan(version, ret);
    return r;
}

static int media_find_probed(struct turn *t, struct id job, struct video_row *ret)
{
    return table_find(turn_txn(t), &video_row_table, VIDEO_ROW_BY_PROBE, &(struct video_row) { .probe_job = job },
                      1, turn_arena(t), ret);
}

/* A probe's end concerns the probe that the video waits for; any other is late. */
static int media_load_probed(struct catalog *self, struct turn *t, struct id video, struct id job,
                             struct doing *ret)
{
    int r;

    *ret = (struct doing) { .self = self, .t = t };
    r = id_is_zero(video) ? media_find_probed(t, job, &ret->row) : video_load(self, t, video, ret);
    if (r == 0 && (id_is_zero(job) || !id_equal(ret->row.probe_job, job)))
        r = ERR_NOT_FOUND;
    return r;
}

static enum step_on media_outcome(struct doing *d, const struct probe_done *done)
{
    switch (done->outcome) {
    case PROBE_OUTCOME_OK: return ON_PROBED;
    case PROBE_OUTCOME_NEED_MORE:
        if (d->row.upload != UPLOAD_STATE_COMPLETE)
            return ON_NEED_MORE;
        d->reason = "The file ends before it says enough about itself; it may have been cut short.";
        return ON_REFUSED;
    default: d->reason = media_sentence(d, "This file cannot become a video", done->reason); return ON_REFUSED;
    }
}

int catalog_on_probe_done(struct catalog *self, struct turn *t, const struct probe_done *done)
{
    struct doing d;
    int r = media_load_probed(self, t, done->video_id, done->job_id, &d);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    d.about = done;
    r = step_take(&d, STEP_MEDIA, media_outcome(&d, done));
    if (r == ERR_CONFLICT)
        return 0;
    if (r == 0) /* bytes may have come while it looked */
        r = media_bytes_came(&d);
    if (r == 0 && d.row.media == MEDIA_STATE_FAILED)
        r = import_unwanted(&d);
    return r < 0 ? r : video_save(&d);
}

int catalog_on_probe_dead(struct catalog *self, struct turn *t, const struct probe_dead *dead)
{
    struct doing d;
    int r = media_load_probed(self, t, ID_NONE, dead->job_id, &d);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    d.reason = media_sentence(&d, "Looking at the file failed, again and again", dead->reason);
    r = step_take(&d, STEP_MEDIA, ON_PROBE_DEAD);
    if (r == ERR_CONFLICT)
        return 0;
    return r < 0 ? r : video_save(&d);
}

/* The ends of probes are lost: whoever waits for one asks again. */
int media_ask_again(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct video_row row;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_PROBE, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        struct doing d = { .self = self, .t = t, .row = row };

        r = 0;
        if (row.probe_asked_at >= turn_now(t)) /* in this very turn: it has moved on in the index */
            continue;
        r = media_ask_probe(&d);
        if (r == 0)
            r = video_save(&d);
    }
    table_walk_end(&walk);
    return r;
}
