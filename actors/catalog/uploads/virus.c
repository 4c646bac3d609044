/* virus - see virus.h */
#include "actors/catalog/uploads/virus.h"

#include "actors/catalog/runs/jobs.h"
#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "schemas/wire/arena.h"

enum { VIRUS_ROWS_A_TURN = 256 };

#define VIRUS_OVERDUE_MS (24 * 3600 * INT64_C(1000)) /* by then a job has ended, or is lost */

static bool virus_is_set_up(const struct turn *t)
{
    const char *clamd = catalog_settings_of(t)->clamd;

    return clamd && *clamd;
}

int virus_of(struct turn *t, struct id video, struct virus_row *ret)
{
    return virus_row_get(turn_txn(t), turn_arena(t), video, ret);
}

const char *virus_words(struct turn *t, const struct virus_row *row)
{
    switch (row->state) {
    case VIRUS_SCAN_WAITING: return "clamd is asked to look at the original";
    case VIRUS_SCAN_CLEAN:
        return arena_printf(turn_arena(t), "clamd found nothing in its %llu bytes",
                            (unsigned long long)row->bytes);
    case VIRUS_SCAN_PARTIAL: return arena_printf(turn_arena(t), "nothing was found, but %s", row->detail);
    case VIRUS_SCAN_INFECTED:
        return row->detail ? arena_printf(turn_arena(t), "clamd found \"%s\"; %s", row->found, row->detail)
                           : arena_printf(turn_arena(t), "clamd found \"%s\"", row->found);
    default: return row->detail;
    }
}

/* ---- asking */

static void virus_enter(struct turn *t, struct virus_row *row, enum virus_scan state)
{
    row->state = state;
    row->since = turn_now(t);
    if (state != VIRUS_SCAN_WAITING)
        row->job_id = ID_NONE;
    turn_count(t, CATALOG_ORIGINALS_CLEAN, state == VIRUS_SCAN_CLEAN);
    turn_count(t, CATALOG_ORIGINALS_CLEAN_IN_PART, state == VIRUS_SCAN_PARTIAL);
    turn_count(t, CATALOG_ORIGINALS_INFECTED, state == VIRUS_SCAN_INFECTED);
    turn_count(t, CATALOG_ORIGINALS_NOT_SCANNED, state == VIRUS_SCAN_FAILED);
}

static int virus_put(struct doing *d, struct virus_row *row)
{
    struct scan_original job = { .video_id = d->row.id };
    const char *wrong;
    int r = media_parts(d, &job.parts, &job.parts_n);

    if (r < 0)
        return r;
    virus_enter(d->t, row, VIRUS_SCAN_WAITING);
    wrong = jobs_wrong(d->t, &scan_original_type, &job);
    if (wrong) {
        row->detail = arena_printf(turn_arena(d->t), "clamd cannot be asked: %.300s", wrong);
        virus_enter(d->t, row, VIRUS_SCAN_FAILED);
    } else {
        r = put_scan_original(d->t, &job, NULL, &row->job_id);
    }
    d->row.virus = row->state;
    return r < 0 ? r : virus_row_put(turn_txn(d->t), row);
}

int virus_ask(struct doing *d)
{
    return virus_is_set_up(d->t) ? virus_put(d, &(struct virus_row) { .video_id = d->row.id }) : 0;
}

bool virus_holds(const struct doing *d)
{
    if (!catalog_settings_of(d->t)->publish_scanned || !virus_is_set_up(d->t))
        return false;
    return d->row.upload != UPLOAD_STATE_COMPLETE || d->row.virus == VIRUS_SCAN_WAITING;
}

/* What was found before is told until something else is known. */
int virus_retry(struct doing *d)
{
    bool refused = d->row.media == MEDIA_STATE_REFUSED, waits;
    struct virus_row row;
    int r = virus_of(d->t, d->row.id, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    waits = row.state == VIRUS_SCAN_WAITING && turn_now(d->t) - row.since < VIRUS_OVERDUE_MS;
    if (refused && waits)
        return turn_fail(d->t, ERR_CONFLICT, NULL, "the virus scanner is asked already");
    if (refused && !virus_is_set_up(d->t))
        return turn_fail(d->t, ERR_CONFLICT, NULL, "no virus scanner is set up (catalog.clamd)");
    if (waits || !virus_is_set_up(d->t) || row.state == VIRUS_SCAN_CLEAN || row.state == VIRUS_SCAN_PARTIAL)
        return 0;
    d->events |= DOING_CHANGED;
    r = virus_put(d, &row);
    return r < 0 ? r : 1;
}

static int virus_put_again(struct catalog *self, struct turn *t, struct virus_row *row)
{
    struct doing d;
    int r = video_load(self, t, row->video_id, &d);

    if (r == 0)
        r = virus_put(&d, row);
    return r < 0 ? (r == ERR_NOT_FOUND ? 0 : r) : video_save(&d);
}

/* Those that wait, some in a turn: there may be more than the outbox has room for. */
static int virus_ask_rest(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct id at = *(const struct id *)ctx;
    struct table_walk walk;
    struct virus_row row;
    unsigned n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &virus_row_table, TABLE_PRIMARY, NULL, 0, TABLE_UP,
                             id_is_zero(at) ? bytes_of(NULL, 0) : bytes_of(at.b, sizeof(at.b)));

    for (; r == 0 && n < VIRUS_ROWS_A_TURN && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0; n++) {
        at = row.video_id;
        r = row.state == VIRUS_SCAN_WAITING ? virus_put_again(self, t, &row) : 0;
    }
    table_walk_end(&walk);
    return r == 0 && n == VIRUS_ROWS_A_TURN ? turn_after(t, 0, virus_ask_rest, &at, sizeof(at)) : r;
}

int virus_ask_again(struct turn *t)
{
    return turn_after(t, 0, virus_ask_rest, &ID_NONE, sizeof(ID_NONE));
}

/* ---- what it came to */

static int virus_refuse(struct doing *d, const struct virus_row *row)
{
    if (d->row.media == MEDIA_STATE_REFUSED)
        return 0;
    d->reason = arena_printf(
        turn_arena(d->t),
        "The virus scanner (clamd) found \"%s\" in the file: nobody can watch it. Where that is "
        "a false alarm, have it looked at again once the scanner knows better.",
        row->found);
    return step_take(d, STEP_MEDIA, ON_INFECTED);
}

/* It was refused, and is clean after all: what is there of it is gone on with. */
static int virus_acquit(struct doing *d)
{
    struct version_row version;
    int r = version_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, &version);

    d->row.reason = NULL;
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = step_take(d, STEP_MEDIA, r == 0 ? ON_RETRY_RUNS : ON_RETRY_PROBE);
    d->dirty |= r == 0 && d->row.media == MEDIA_STATE_PROCESSING;
    return r;
}

static int virus_settle(struct catalog *self, struct turn *t, struct virus_row *row, enum virus_scan state)
{
    struct doing d;
    int r = video_load(self, t, row->video_id, &d);

    if (r < 0 || d.row.life == LIFE_STATE_DELETING)
        return r == ERR_NOT_FOUND ? 0 : r;
    /* what was found before counts until it is looked at again */
    if (state == VIRUS_SCAN_FAILED && d.row.media == MEDIA_STATE_REFUSED)
        state = VIRUS_SCAN_INFECTED;
    virus_enter(t, row, state);
    r = virus_row_put(turn_txn(t), row);
    d.row.virus = state;
    d.events |= DOING_CHANGED;
    if (r == 0 && state == VIRUS_SCAN_INFECTED)
        r = virus_refuse(&d, row);
    else if (r == 0 && d.row.media == MEDIA_STATE_REFUSED)
        r = virus_acquit(&d);
    else if (r == 0)
        r = release_try(&d); /* it may have been held back */
    return r < 0 ? r : video_save(&d);
}

/* Something was found in it, further on than it was looked at now. */
static bool virus_is_no_answer(const struct virus_row *row, const struct original_scanned *done)
{
    return done->outcome == SCAN_OUTCOME_PARTIAL && row->found && done->bytes < row->bytes;
}

/* The end of the job that is waited for; or of one that was given up, and that an operator put again. */
int catalog_on_original_scanned(struct catalog *self, struct turn *t, const struct original_scanned *done)
{
    static const enum virus_scan states[] = { [SCAN_OUTCOME_CLEAN] = VIRUS_SCAN_CLEAN,
                                              [SCAN_OUTCOME_PARTIAL] = VIRUS_SCAN_PARTIAL,
                                              [SCAN_OUTCOME_INFECTED] = VIRUS_SCAN_INFECTED,
                                              [SCAN_OUTCOME_UNSCANNABLE] = VIRUS_SCAN_FAILED,
                                              [SCAN_OUTCOME_GONE] = VIRUS_SCAN_FAILED };
    struct virus_row row;
    int r = virus_of(t, done->video_id, &row);

    if (r == 0 && !id_equal(row.job_id, done->job_id) && row.state != VIRUS_SCAN_FAILED)
        return 0;
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (virus_is_no_answer(&row, done)) {
        row.detail = "looked at again, but not as far as then";
        return virus_settle(self, t, &row, VIRUS_SCAN_INFECTED);
    }
    row.bytes = done->bytes;
    if (done->outcome <= SCAN_OUTCOME_PARTIAL)
        row.found = NULL;
    else if (done->outcome == SCAN_OUTCOME_INFECTED)
        row.found = done->found && *done->found ? done->found : "something without a name";
    row.detail = done->outcome == SCAN_OUTCOME_GONE ? "the original does not lie where it should" : done->detail;
    row.detail = row.detail && *row.detail ? row.detail : NULL;
    return virus_settle(self, t, &row, states[done->outcome]);
}

int catalog_on_original_scan_dead(struct catalog *self, struct turn *t, const struct original_scan_dead *dead)
{
    struct virus_row row;
    int r = table_find(turn_txn(t), &virus_row_table, VIRUS_ROW_BY_JOB,
                       &(struct virus_row) { .job_id = dead->job_id }, 1, turn_arena(t), &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    row.detail = arena_printf(turn_arena(t), "clamd could not be asked: %.300s",
                              dead->reason && *dead->reason ? dead->reason : "nothing said why");
    return virus_settle(self, t, &row, VIRUS_SCAN_FAILED);
}
