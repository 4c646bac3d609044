/* import - see import.h: asking for one, whose turn it is, and what it came to. */
#include "actors/catalog/uploads/import.h"

#include <string.h>
#include <strings.h>

#include "actors/catalog/step.h"
#include "actors/catalog/uploads/upload.h"
#include "schemas/wire/arena.h"

#define IMPORT_DAY_MS (24 * 3600 * INT64_C(1000))

enum { IMPORT_ROWS_A_TURN = 64 };

int import_of(struct turn *t, struct id video, struct import_row *ret)
{
    return import_row_get(turn_txn(t), turn_arena(t), video, ret);
}

static void import_enter(struct turn *t, struct import_row *row, enum import_state state)
{
    row->state = state;
    row->state_since = turn_now(t);
    if (state != IMPORT_STATE_RUNNING)
        row->job_id = ID_NONE;
}

/* ---- the URL */

static const char *import_after_scheme(const char *url)
{
    if (strncasecmp(url, "http://", 7) == 0)
        return url + 7;
    return strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

const char *import_url_wrong(const char *url)
{
    const char *host = import_after_scheme(url);
    size_t len = host ? strcspn(host, "/?#") : 0;

    if (!host)
        return "must begin with http:// or https://";
    for (const char *p = url; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '\\')
            return "holds a character that no URL has; what is not ASCII is written with %";
    if (len == 0 || *host == ':')
        return "names no server";
    return memchr(host, '@', len) ? "holds a name or a password; only what anybody may fetch can be imported"
                                  : NULL;
}

const char *import_host(struct arena *arena, const char *url)
{
    const char *host = import_after_scheme(url);

    return host ? arena_strndup(arena, host, strcspn(host, "/?#")) : "?";
}

/* Of a video that was given none, until the server has said what the file is called. */
static const char *import_title(struct turn *t, const char *url)
{
    return arena_printf(turn_arena(t), "Import from %.150s", import_host(turn_arena(t), url));
}

/* ---- how many */

static int import_charge(struct turn *t, struct id owner)
{
    uint64_t most = catalog_settings_of(t)->imports_a_day;
    struct import_use_row row;
    int r = import_use_row_get(turn_txn(t), turn_arena(t), owner, &row);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == ERR_NOT_FOUND || turn_now(t) - row.since >= IMPORT_DAY_MS)
        row = (struct import_use_row) { .owner_id = owner, .since = turn_now(t) };
    if (row.imports >= most) {
        int64_t minutes = (row.since + IMPORT_DAY_MS - turn_now(t)) / 60000 + 1;

        return turn_fail(t, ERR_RATE_LIMITED, NULL,
                         "of %llu imports a day all are used; the next one may be asked for in %lld minutes",
                         (unsigned long long)most, (long long)minutes);
    }
    row.imports++;
    return import_use_row_put(turn_txn(t), &row);
}

static int import_count_running(struct turn *t, struct id owner, uint64_t *ret)
{
    struct import_row row = { .owner_id = owner, .state = IMPORT_STATE_RUNNING };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &import_row_table, IMPORT_ROW_BY_OWNER, &row, 2, TABLE_UP,
                             (struct bytes) { 0 });

    *ret = 0;
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        ++*ret;
        r = 0;
    }
    table_walk_end(&walk);
    return r;
}

/* ---- its turn */

/* The upload that it writes: the one before, where that is there still, or a new one. */
static int import_upload(struct doing *d, struct import_row *row)
{
    struct upload upload = { 0 };
    int r = id_is_zero(row->upload_id) ? ERR_NOT_FOUND
                                       : upload_get(turn_txn(d->t), turn_arena(d->t), row->upload_id, &upload);

    if (r == 0) {
        upload.expires_at = turn_now(d->t) + (int64_t)catalog_settings_of(d->t)->upload_ms;
        return upload_put(turn_txn(d->t), &upload);
    }
    if (r != ERR_NOT_FOUND)
        return r;
    row->etag = row->modified = NULL;
    r = upload_open(d, &(struct create_upload) { .at = 0 }, d->row.owner_id, &upload);
    row->upload_id = upload.id;
    return r;
}

static int import_put_job(struct turn *t, struct import_row *row)
{
    return put_import(t, &(struct import) { .video_id = row->video_id }, NULL, &row->job_id);
}

/* 1: nothing but the import brings the video's file; 0: its owner sends it, or has put the video away. */
static int import_is_wanted(struct doing *d, const struct import_row *row)
{
    struct upload other;
    int r = table_find(turn_txn(d->t), &upload_table, UPLOAD_BY_VIDEO, &(struct upload) { .video_id = d->row.id },
                       1, turn_arena(d->t), &other);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    return d->row.life == LIFE_STATE_LIVE && d->row.upload != UPLOAD_STATE_COMPLETE &&
           (r == ERR_NOT_FOUND || id_equal(other.id, row->upload_id));
}

/* 1: it runs; 0: it is not wanted any more, and stopped. */
static int import_start(struct catalog *self, struct turn *t, struct import_row *row)
{
    struct doing d;
    int r = video_load(self, t, row->video_id, &d), wanted;

    wanted = r < 0 ? r : import_is_wanted(&d, row);
    if (wanted < 0)
        return wanted;
    if (wanted)
        r = import_upload(&d, row);
    import_enter(t, row, wanted ? IMPORT_STATE_RUNNING : IMPORT_STATE_STOPPED);
    if (r == 0 && wanted)
        r = import_put_job(t, row);
    if (r == 0)
        r = import_row_put(turn_txn(t), row);
    return r < 0 ? r : wanted;
}

/* Those of an account that wait, the oldest first, as far as it may have them at a time. */
static int import_pump(struct catalog *self, struct turn *t, struct id owner)
{
    const struct import_row waits = { .owner_id = owner, .state = IMPORT_STATE_WAITING };
    struct import_row row;
    uint64_t running;
    int r = import_count_running(t, owner, &running);

    while (r == 0 && running < catalog_settings_of(t)->imports_at_once) {
        r = table_find(turn_txn(t), &import_row_table, IMPORT_ROW_BY_OWNER, &waits, 2, turn_arena(t), &row);
        if (r == 0)
            r = import_start(self, t, &row);
        if (r > 0)
            running++, r = 0;
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Whoever asks; the operator says for whom. */
static int import_owner(struct turn *t, struct id asked, struct id *ret)
{
    const struct subject *who = turn_subject(t);

    *ret = who->known ? who->user_id : asked;
    if (id_is_zero(*ret))
        return turn_fail(t, ERR_INVALID, "owner_id", "must say whose video it becomes");
    if (!id_is_zero(asked) && !id_equal(asked, *ret))
        return turn_fail(t, ERR_FORBIDDEN, "owner_id", "is for the operator's command line");
    return 0;
}

int catalog_import_video(struct catalog *self, struct turn *t, const struct import_video *ask, struct video *reply)
{
    struct create_video create = { .title = ask->title && *ask->title ? ask->title : import_title(t, ask->url),
                                   .description = ask->description,
                                   .visibility = ask->visibility };
    const char *wrong = import_url_wrong(ask->url);
    struct import_row row = { .url = ask->url, .asked_at = turn_now(t) };
    struct doing d;
    int r = import_owner(t, ask->owner_id, &row.owner_id);

    if (r < 0)
        return r;
    if (wrong)
        return turn_fail(t, ERR_INVALID, "url", "%s", wrong);
    r = import_charge(t, row.owner_id);
    if (r == 0)
        r = room_reserve(self, t, 0);
    if (r == 0)
        r = calls_create(self, t, &create, row.owner_id, true, reply);
    if (r < 0)
        return r;
    row.video_id = reply->id;
    import_enter(t, &row, IMPORT_STATE_WAITING);
    r = import_row_put(turn_txn(t), &row);
    if (r == 0)
        r = import_pump(self, t, row.owner_id);
    if (r == 0)
        r = video_load(self, t, row.video_id, &d);
    if (r == 0)
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

/* ---- whoever has taken the job */

/* The import that runs under a job, and its upload. ERR_GONE: nobody waits for it. */
static int import_by_job(struct turn *t, struct id job, struct import_row *ret, struct upload *ret_upload)
{
    int r = table_find(turn_txn(t), &import_row_table, IMPORT_ROW_BY_JOB, &(struct import_row) { .job_id = job },
                       1, turn_arena(t), ret);

    if (r == 0)
        r = upload_get(turn_txn(t), turn_arena(t), ret->upload_id, ret_upload);
    if (r == ERR_NOT_FOUND || (r == 0 && !ret_upload->complete && !ret_upload->expires_at))
        return ERR_GONE;
    return r;
}

static void import_show(struct turn *t, const struct import_row *row, const struct upload *upload,
                        struct import_order *ret)
{
    const struct catalog_settings *settings = catalog_settings_of(t);

    *ret = (struct import_order) {
        .upload_id = upload->id,
        .capability = upload->capability,
        .blob = upload->blob,
        .url = row->url,
        .length = upload->length,
        .has_length = upload->has_length,
        .etag = row->etag,
        .modified = row->modified,
        .most_bytes = settings->import_bytes,
        .until = row->began_at + (int64_t)settings->import_hours * 3600 * 1000,
        .complete = upload->complete,
    };
}

int catalog_begin_import(struct catalog *self, struct turn *t, const struct begin_import *ask,
                         struct import_order *reply)
{
    struct import_row row;
    struct upload upload;
    int r = import_by_job(t, ask->job_id, &row, &upload);

    if (r == 0 && !row.began_at) {
        row.began_at = turn_now(t);
        r = import_row_put(turn_txn(t), &row);
    }
    if (r == 0)
        import_show(t, &row, &upload, reply);
    return r;
}

/* What came of the file before is thrown away, and what was made of it. */
static int import_restart(struct doing *d, struct import_row *row, struct upload *upload)
{
    int r;

    if (row->restarts >= catalog_settings_of(d->t)->import_restarts)
        return turn_fail(d->t, ERR_CONFLICT, NULL, "the file is another one again");
    row->restarts++;
    row->upload_id = ID_NONE;
    r = upload_forget(d->self, d->t, upload);
    if (r == 0)
        r = step_take(d, STEP_UPLOAD, ON_DROPPED);
    if (r == 0)
        r = import_upload(d, row); /* and saves it */
    if (r == 0)
        r = upload_get(turn_txn(d->t), turn_arena(d->t), row->upload_id, upload);
    return r < 0 ? r : video_load(d->self, d->t, row->video_id, d);
}

static int import_learn(struct doing *d, struct import_row *row, struct upload *upload,
                        const struct import_answered *ask)
{
    int r = 0;

    row->etag = ask->etag;
    row->modified = ask->modified;
    if (ask->has_length && ask->length > catalog_settings_of(d->t)->import_bytes)
        return turn_fail(d->t, ERR_TOO_LARGE, "length", "is more than catalog.import_bytes");
    if (ask->has_length && !upload->has_length)
        r = upload_set_length(d, upload, ask->length, upload->offset);
    if (r < 0 || !ask->filename || !*ask->filename)
        return r;
    upload->filename = ask->filename;
    if (strcmp(d->row.title, import_title(d->t, row->url)) == 0) {
        d->row.title = upload_title(d->t, ask->filename);
        d->events |= DOING_CHANGED;
    }
    return 0;
}

int catalog_import_answered(struct catalog *self, struct turn *t, const struct import_answered *ask,
                            struct import_order *reply)
{
    struct import_row row;
    struct upload upload;
    struct doing d;
    int r = import_by_job(t, ask->job_id, &row, &upload);

    if (r == 0)
        r = video_load(self, t, row.video_id, &d);
    if (r < 0)
        return r == ERR_NOT_FOUND ? ERR_GONE : r;
    if (!ask->restart)
        r = import_learn(&d, &row, &upload, ask);
    else if (id_equal(row.upload_id, ask->upload_id)) /* else it was told so before */
        r = import_restart(&d, &row, &upload);
    if (r == 0)
        r = upload_put(turn_txn(t), &upload);
    if (r == 0)
        r = import_row_put(turn_txn(t), &row);
    if (r == 0)
        r = video_save(&d);
    if (r == 0)
        import_show(t, &row, &upload, reply);
    return r;
}

/* ---- what it came to */

/* It will not come by itself any more. keep: what is durable stays for a while, so that it can be gone on with. */
static int import_fail(struct catalog *self, struct turn *t, struct import_row *row, const char *reason, bool keep)
{
    struct upload upload;
    struct doing d;
    int r = video_load(self, t, row->video_id, &d);

    import_enter(t, row, IMPORT_STATE_FAILED);
    if (r < 0)
        return r;
    d.reason = arena_strdup(turn_arena(t), reason && *reason ? reason : "The file could not be fetched.");
    r = upload_get(turn_txn(t), turn_arena(t), row->upload_id, &upload);
    if (r == 0 && (!keep || upload.offset == 0) && !upload.complete) {
        r = upload_forget(self, t, &upload);
        row->upload_id = ID_NONE;
        if (r == 0)
            r = step_take(&d, STEP_UPLOAD, ON_NOT_FETCHED);
    } else if ((r == 0 || r == ERR_NOT_FOUND) && step_is_known(&d.row, STEP_MEDIA, ON_NOT_FETCHED)) {
        r = step_take(&d, STEP_MEDIA, ON_NOT_FETCHED);
    }
    if (r == ERR_NOT_FOUND || r == ERR_CONFLICT)
        r = 0;
    return r < 0 ? r : video_save(&d);
}

/* The end of a job: of the import that runs under it, if there is one. */
static int import_ended(struct catalog *self, struct turn *t, struct id job, enum import_outcome outcome,
                        const char *reason, bool keep)
{
    struct import_row row;
    int r = table_find(turn_txn(t), &import_row_table, IMPORT_ROW_BY_JOB, &(struct import_row) { .job_id = job },
                       1, turn_arena(t), &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (outcome == IMPORT_OUTCOME_REFUSED)
        r = import_fail(self, t, &row, reason, keep);
    else
        import_enter(t, &row, outcome == IMPORT_OUTCOME_STORED ? IMPORT_STATE_DONE : IMPORT_STATE_STOPPED);
    if (r == 0)
        r = import_row_put(turn_txn(t), &row);
    return r < 0 ? r : import_pump(self, t, row.owner_id);
}

int catalog_on_import_done(struct catalog *self, struct turn *t, const struct import_done *done)
{
    return import_ended(self, t, done->job_id, done->outcome, done->reason, false);
}

int catalog_on_import_dead(struct catalog *self, struct turn *t, const struct import_dead *dead)
{
    const char *reason = arena_printf(turn_arena(t), "Fetching the file failed, again and again: %.380s",
                                      dead->reason ? dead->reason : "nothing said why");

    return import_ended(self, t, dead->job_id, IMPORT_OUTCOME_REFUSED, reason, true);
}

static int import_ask_one(struct turn *t, struct import_row *row)
{
    int r = row->state == IMPORT_STATE_RUNNING ? import_put_job(t, row) : 0;

    return r == 0 && row->state == IMPORT_STATE_RUNNING ? import_row_put(turn_txn(t), row) : r;
}

/* Some rows in a turn: there may be more jobs than the outbox has room for. */
static int import_ask_rest(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct id at = *(const struct id *)ctx;
    struct table_walk walk;
    struct import_row row;
    unsigned n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &import_row_table, TABLE_PRIMARY, NULL, 0, TABLE_UP,
                             id_is_zero(at) ? bytes_of(NULL, 0) : bytes_of(at.b, sizeof(at.b)));

    for (; r == 0 && n < IMPORT_ROWS_A_TURN && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0; n++) {
        at = row.video_id;
        r = import_ask_one(t, &row);
    }
    table_walk_end(&walk);
    return r == 0 && n == IMPORT_ROWS_A_TURN ? turn_after(t, 0, import_ask_rest, &at, sizeof(at)) : r;
}

int import_ask_again(struct catalog *self, struct turn *t)
{
    return import_ask_rest(self, t, 0, NULL, &ID_NONE);
}

/* ---- what happens to its video */

int import_is_over(struct turn *t, const struct upload *upload)
{
    struct import_row row;
    int r = id_is_zero(upload->video_id) ? ERR_NOT_FOUND : import_of(t, upload->video_id, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    return id_equal(row.upload_id, upload->id) && row.state != IMPORT_STATE_RUNNING && !upload->complete;
}

/* Puts the row away in a state in which it does not run, and lets the next one have its turn. 1: it was on its way. */
static int import_leave(struct doing *d, struct import_row *row, enum import_state state)
{
    int r = import_of(d->t, d->row.id, row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (row->state != IMPORT_STATE_RUNNING && row->state != IMPORT_STATE_WAITING)
        return 0;
    import_enter(d->t, row, state);
    r = import_row_put(turn_txn(d->t), row);
    if (r == 0)
        r = import_pump(d->self, d->t, row->owner_id);
    return r < 0 ? r : 1;
}

int import_stop(struct doing *d)
{
    struct import_row row;
    int r = import_leave(d, &row, IMPORT_STATE_STOPPED);

    return r < 0 ? r : 0;
}

int import_unwanted(struct doing *d)
{
    struct import_row row;
    struct upload upload;
    int r = import_leave(d, &row, IMPORT_STATE_FAILED);

    if (r <= 0)
        return r;
    r = upload_get(turn_txn(d->t), turn_arena(d->t), row.upload_id, &upload);
    if (r < 0 || upload.complete)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = upload_forget(d->self, d->t, &upload);
    return r < 0 ? r : step_take(d, STEP_UPLOAD, ON_NOT_FETCHED);
}

static int import_again(struct doing *d, struct import_row *row)
{
    int r;

    row->asked_at = turn_now(d->t);
    row->began_at = 0;
    row->restarts = 0;
    import_enter(d->t, row, IMPORT_STATE_WAITING);
    r = import_row_put(turn_txn(d->t), row);
    return r < 0 ? r : import_pump(d->self, d->t, row->owner_id);
}

int import_go_on(struct doing *d)
{
    struct import_row row;
    int r = import_of(d->t, d->row.id, &row);

    if (r < 0 || row.state != IMPORT_STATE_STOPPED || d->row.upload == UPLOAD_STATE_COMPLETE)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = import_again(d, &row);
    return r < 0 ? r : video_load(d->self, d->t, row.video_id, d);
}

int import_retry(struct doing *d)
{
    struct import_row row;
    int r = import_of(d->t, d->row.id, &row);

    if (r < 0 || d->row.upload == UPLOAD_STATE_COMPLETE ||
        (row.state != IMPORT_STATE_FAILED && row.state != IMPORT_STATE_STOPPED))
        return r == ERR_NOT_FOUND ? 0 : r;
    r = import_charge(d->t, d->row.owner_id);
    if (r == 0 && d->row.upload != UPLOAD_STATE_RECEIVING) { /* nothing of it is left */
        r = step_take(d, STEP_UPLOAD, ON_OPENED);
        if (r == 0)
            r = step_take(d, STEP_MEDIA, ON_OPENED);
        if (r == 0)
            r = video_save(d);
    }
    if (r == 0)
        r = import_again(d, &row);
    if (r == 0) /* it may have begun */
        r = video_load(d->self, d->t, row.video_id, d);
    return r < 0 ? r : 1;
}
