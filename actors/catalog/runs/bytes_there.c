/* bytes_there - see bytes_there.h. The probe's index tells: rows of 24 bytes, big-endian, one per
 * keyframe: time in microseconds on the output timeline, first byte, end of all bytes needed to play to
 * the next row. */
#include "actors/catalog/runs/bytes_there.h"

#include "actors/catalog/places/copies.h"

enum {
    BYTES_ROW = 24,
    BYTES_MARKS = 16,         /* of a job */
    BYTES_BEYOND = 32 * 1024, /* and BYTES_BEYOND_US: what lies between the packets of the same moment */
    BYTES_BEYOND_US = 2000000,
};

struct bytes_row {
    int64_t us;
    uint64_t first, end;
};

static uint64_t bytes_read_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static int bytes_row(struct doing *d, const char *name, uint64_t n, struct bytes_row *ret)
{
    uint8_t row[BYTES_ROW];
    size_t got = 0;
    int r = blob_read(copies_near(d->self), name, n * BYTES_ROW, row, sizeof(row), &got);

    if (r < 0)
        return r;
    if (got != sizeof(row))
        return ERR_CORRUPT;
    *ret = (struct bytes_row) { (int64_t)bytes_read_u64(row), bytes_read_u64(row + 8), bytes_read_u64(row + 16) };
    return 0;
}

/* The last row whose time is at or before `us` (the first one, if none is). */
static int bytes_find(struct doing *d, const char *name, uint64_t rows, int64_t us, struct bytes_row *ret)
{
    uint64_t low = 0, high = rows;
    int r = 0;

    while (r == 0 && high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        r = bytes_row(d, name, middle, ret);
        if (r == 0 && ret->us <= us)
            low = middle;
        else
            high = middle;
    }
    return r < 0 ? r : bytes_row(d, name, low, ret);
}

/* Whether all of [first, end) lies in the parts, which come in order. */
static int bytes_covered(struct doing *d, uint64_t first, uint64_t end)
{
    struct source_part *parts;
    size_t n;
    int r = media_parts(d, &parts, &n);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n && first < end; i++)
        if (parts[i].offset <= first && first - parts[i].offset < parts[i].length)
            first = parts[i].offset + parts[i].length;
    return first >= end;
}

static struct grid_span bytes_gops(const struct plan *plan, size_t track, uint32_t run)
{
    struct grid_span segments = grid_run_segments(&plan->grid, run, plan_pace(plan, track)), first, last;

    if (plan->tracks[track].kind == PLAN_POSTER || !segments.count)
        return (struct grid_span) { 0, 1 };
    first = grid_segment_gops(&plan->grid, (uint32_t)segments.first);
    last = grid_segment_gops(&plan->grid, (uint32_t)(segments.first + segments.count - 1));
    return (struct grid_span) { first.first, last.first + last.count - first.first };
}

/* How many runs of a track are under way. */
static int bytes_open_runs(struct doing *d, size_t track, uint64_t *ret)
{
    struct track_row row;
    int r = runs_track(d, track, &row);

    *ret = r == 0 ? row.released - row.done_upto : 0;
    return r;
}

static int bytes_walk_marks(struct doing *d, struct table_walk *walk)
{
    return table_walk_start(walk, turn_txn(d->t), &mark_row_table, TABLE_PRIMARY,
                            &(struct mark_row) { .video_id = d->row.id, .version = d->row.version }, 2, TABLE_DOWN,
                            (struct bytes) { 0 });
}

int bytes_marks(struct doing *d, struct encode_run *job)
{
    uint64_t us = job->kind == RUN_KIND_AUDIO ? job->first * GRID_AAC_FRAME * 1000000 / job->rate
                                              : job->first * job->fps_den * 1000000 / job->fps_num;
    struct source_mark *marks = arena_alloc_n(turn_arena(d->t), BYTES_MARKS, sizeof(*marks));
    struct table_walk walk;
    struct mark_row row;
    size_t n = 0;
    int r = bytes_walk_marks(d, &walk);

    while (r == 0 && n < BYTES_MARKS && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        if (row.time_us <= (int64_t)us)
            marks[n++] = (struct source_mark) { .time_us = row.time_us, .offset = row.offset };
        r = 0;
    }
    table_walk_end(&walk);
    job->marks = marks;
    job->marks_n = n;
    return r;
}

/* Without an index: whether the bytes up to a time are there, were the rest as dense as what lies before the last keyframe
 * that is known. 1, 0, or an error; *ret_known false: none is known. */
static int bytes_guess(struct doing *d, uint64_t until_us, bool *ret_known)
{
    struct table_walk walk;
    struct mark_row row, last = { 0 };
    uint64_t need = 0;
    int r = bytes_walk_marks(d, &walk);

    until_us += BYTES_BEYOND_US;
    *ret_known = false;
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        r = 0;
        if (!*ret_known)
            last = row;
        *ret_known = true;
        if (row.time_us < (int64_t)until_us)
            break;
        need = row.offset;
    }
    table_walk_end(&walk);
    if (r < 0 || !*ret_known)
        return r;
    if (!need && last.time_us > 0)
        need = last.offset + (uint64_t)((double)last.offset / (double)last.time_us *
                                        (double)(until_us - (uint64_t)last.time_us));
    *ret_known = last.time_us > 0;
    return bytes_covered(d, 0, need + BYTES_BEYOND);
}

int bytes_there(struct doing *d, const struct version_row *version, const struct plan *plan, size_t track,
                uint32_t run)
{
    struct grid_span gops = bytes_gops(plan, track, run);
    struct bytes_row first, last;
    uint64_t open, frame = (uint64_t)plan->grid.gop * plan->grid.den * 1000000u / plan->grid.num;
    const char *name;
    int r;

    if (!version->index_rows) { /* the first ones one at a time: it may wait in the worker, and is handed back */
        bool known;

        r = bytes_guess(d, (gops.first + gops.count) * frame, &known);
        if (r != 0 || known)
            return r;
        r = bytes_open_runs(d, track, &open);
        return r < 0 ? r : open == 0;
    }
    name = arena_printf(turn_arena(d->t), "%s/index.bin", media_prefix(d->t, &d->row));
    r = bytes_find(d, name, version->index_rows, (int64_t)(gops.first * frame), &first);
    if (r == 0)
        r = bytes_find(d, name, version->index_rows, (int64_t)((gops.first + gops.count) * frame), &last);
    if (r == ERR_NOT_FOUND && d->self->copies) /* who looked at the file put it there */
        return copies_bring(d->self, d->t, name);
    return r < 0 ? r : bytes_covered(d, first.first, last.end);
}
