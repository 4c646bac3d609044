/* fetcher - the actor; see fetcher.h */
#include "actors/fetcher/fetcher.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "actors/fetcher/imports.h"
#include "actors/fetcher/mime.h"
#include "actors/fetcher/scan.h"
#include "actors/fetcher/smtp.h"
#include "actors/runtime/turn.h"
#include "data/blobs/s3.h"
#include "gen/errors.h"

#define NO_CATALOG_DELAY_MS 5000 /* a job comes back after this when the catalog does not say what it is */
#define LOCKED_DELAY_MS     2000 /* and after this when whoever had it before still writes */

enum { FETCHER_AHEAD = 1024 * 1024 }; /* bytes that are read ahead of an original in the second place */

struct fetcher {
    struct actor *actor;
    struct blobs *originals; /* wherever they lie: here, or in the second place */
    struct imports *imports;
};

/* ---- mail */

static int fetcher_work(void *ctx)
{
    return smtp_try(ctx);
}

static int fetcher_tried(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct smtp_try *try = ctx;
    const char *said = arena_strdup(turn_arena(t), try->said);

    if (err == 0) {
        turn_count(t, FETCHER_MAILS_SENT, 1);
        return done_send_mail(t, &(struct mail_sent) { .response = said });
    }
    if (err == ERR_INVALID) {
        turn_count(t, FETCHER_MAILS_REFUSED, 1);
        return turn_term(t, err, said);
    }
    turn_count(t, FETCHER_MAILS_DELAYED, 1);
    return turn_nack(t, 0, false, err, said);
}

static int fetcher_refuse(struct turn *t, int err, const char *why)
{
    turn_count(t, FETCHER_MAILS_REFUSED, 1);
    return turn_term(t, err, why);
}

static int fetcher_take_mail(struct fetcher *self, struct turn *t, const struct send_mail *job)
{
    const struct fetcher_settings *settings = turn_settings(t);
    struct mime_mail mail = { .from = job->from,
                              .to = job->to,
                              .subject = job->subject,
                              .body = job->body,
                              .message_id = job->message_id,
                              .date_ms = turn_sent_at(t) };
    struct buf message = { 0 }, block = { 0 };
    const char *wrong;
    int r;

    if (!settings->smtp_url || !*settings->smtp_url)
        return fetcher_refuse(t, ERR_UNSUPPORTED, "no mail server is set up: fetcher.smtp_url is empty");
    r = mime_write(&mail, &message, &wrong);
    if (r < 0)
        return fetcher_refuse(t, r, arena_printf(turn_arena(t), "%s: cannot stand in a mail", wrong));
    smtp_try_make(&block, settings, mail.from, mail.to, buf_bytes(&message));
    r = turn_pool(t, fetcher_work, fetcher_tried, block.data, block.len);
    buf_free(&message);
    buf_free(&block);
    return r < 0 ? r : TURN_LATER;
}

/* ---- imports: the end of one, in a turn of its own */

static int fetcher_settle(struct turn *t, const struct imports_end *end)
{
    const struct transfer_result *result = &end->result;
    struct import_done done = { .video_id = end->video, .bytes = result->bytes, .reason = result->reason };

    switch (result->end) {
    case TRANSFER_STORED:
        turn_count(t, FETCHER_IMPORTS_STORED, 1);
        done.outcome = IMPORT_OUTCOME_STORED;
        return done_import(t, &done);
    case TRANSFER_REFUSED:
        turn_count(t, FETCHER_IMPORTS_REFUSED, 1);
        done.outcome = IMPORT_OUTCOME_REFUSED;
        return done_import(t, &done);
    case TRANSFER_GONE: done.outcome = IMPORT_OUTCOME_GONE; return done_import(t, &done);
    default:
        turn_count(t, FETCHER_IMPORTS_DELAYED, 1);
        /* a try that brought something counts for nothing: only what stands still is given up */
        return turn_nack(t, result->error == ERR_LOCKED ? LOCKED_DELAY_MS : 0,
                         result->moved || result->error == ERR_LOCKED, result->error, result->reason);
    }
}

static int fetcher_then_end(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    static const char *const ends[] = { "stored", "refused", "gone", "later", "cancelled" };
    const struct imports_end *end = ctx;
    const struct transfer_result *result = &end->result;
    char id[ID_TEXT_SIZE];

    turn_log(t, "fetcher.import", "video=%s end=%s bytes=%llu%s%s%s%s", id_format("video", end->video, id),
             ends[result->end], (unsigned long long)result->bytes, result->denied ? " refused_address=" : "",
             result->denied_at, *result->reason ? " why=" : "", result->reason);
    turn_count(t, FETCHER_IMPORT_BYTES, result->bytes);
    turn_count(t, FETCHER_ADDRESSES_REFUSED, result->denied);
    return fetcher_settle(t, end);
}

static void fetcher_on_ended(void *ctx, const struct imports_end *end)
{
    struct fetcher *self = ctx;

    actor_resume(self->actor, end->kept, 0, fetcher_then_end, end, sizeof(*end));
}

/* ---- what a transfer wants to know of the catalog */

static int fetcher_then_answer(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct fetcher *self = state;
    const struct imports_question *question = ctx;

    imports_answer(self->imports, question->kept, err,
                   question->ask == IMPORTS_ASK_ANSWERED && err == 0 ? reply : NULL);
    return 0;
}

static int fetcher_then_ask(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct fetcher *self = state;
    const struct imports_question *question = ctx;
    int r = ERR_INTERNAL;

    switch (question->ask) {
    case IMPORTS_ASK_ANSWERED:
        r = ask_import_answered(t, &question->answered, fetcher_then_answer, question, sizeof(*question));
        break;
    case IMPORTS_ASK_ADVANCED:
        r = ask_upload_advanced(t, &question->advanced, fetcher_then_answer, question, sizeof(*question));
        break;
    case IMPORTS_ASK_COMPLETE:
        r = ask_upload_complete(t, &question->complete, fetcher_then_answer, question, sizeof(*question));
        break;
    case IMPORTS_ASK_NONE: break;
    }
    if (r < 0)
        imports_answer(self->imports, question->kept, r, NULL);
    return 0;
}

static void fetcher_on_asks(void *ctx, const struct imports_question *question)
{
    struct fetcher *self = ctx;

    actor_resume(self->actor, 0, 0, fetcher_then_ask, question, sizeof(*question));
}

/* ---- imports: the beginning of one */

static int fetcher_start_import(struct fetcher *self, struct turn *t, const struct import_order *order,
                                struct id video)
{
    const struct fetcher_settings *settings = turn_settings(t);
    struct transfer_how how = { .blobs = self->originals,
                                .connect_s = (unsigned)settings->import_connect_s,
                                .redirects = (unsigned)settings->import_redirects,
                                .slow_s = (unsigned)settings->import_slow_s,
                                .tries = (unsigned)settings->import_tries,
                                .slow_bytes = settings->import_slow_bytes };
    int r;

    snprintf(how.ca_file, sizeof(how.ca_file), "%s", settings->ca_file ? settings->ca_file : "");
    if (settings->allow_networks && guard_read(settings->allow_networks, &how.guard) < 0)
        turn_log(t, "fetcher.allow_networks", "\"%s\" is no list of networks: only the first %u of it count",
                 settings->allow_networks, how.guard.allowed_n);
    r = imports_start(self->imports, &how, order, turn_job(t), video, turn_keep(t));
    return r < 0 ? r : TURN_LATER;
}

static int fetcher_then_import(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct import_order *order = reply;
    const struct id *video = ctx;
    struct import_done done = { .video_id = *video, .outcome = IMPORT_OUTCOME_GONE };

    if (err == 0 && !order->complete)
        return fetcher_start_import(self, t, order, *video);
    if (err == 0)
        done.outcome = IMPORT_OUTCOME_STORED;
    if (err == 0 || err == ERR_GONE)
        return done_import(t, &done);
    return turn_nack(t, NO_CATALOG_DELAY_MS, true, err, "the catalog does not say what to fetch");
}

static int fetcher_take_import(struct fetcher *self, struct turn *t, const struct import *job)
{
    int r = ask_begin_import(t, &(struct begin_import) { .job_id = turn_job(t) }, fetcher_then_import,
                             &job->video_id, sizeof(job->video_id));

    return r < 0 ? r : TURN_LATER;
}

/* ---- virus scans */

static int fetcher_scan(void *ctx)
{
    return scan_run(ctx);
}

/* What is wrong may be repaired meanwhile: a scanner that is started, or a setting. */
static int fetcher_scan_later(struct turn *t, int err, const char *why)
{
    turn_count(t, FETCHER_SCANS_DELAYED, 1);
    return turn_nack(t, 0, false, err, why);
}

static int fetcher_scanned(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    static const enum scan_outcome outcomes[] = { [SCAN_CLEAN] = SCAN_OUTCOME_CLEAN,
                                                  [SCAN_PARTIAL] = SCAN_OUTCOME_PARTIAL,
                                                  [SCAN_INFECTED] = SCAN_OUTCOME_INFECTED,
                                                  [SCAN_UNSCANNABLE] = SCAN_OUTCOME_UNSCANNABLE,
                                                  [SCAN_GONE] = SCAN_OUTCOME_GONE };
    const struct scan_try *scan = ctx;
    const char *said = arena_strdup(turn_arena(t), scan->said);
    struct original_scanned done = { .video_id = scan->video,
                                     .outcome = outcomes[scan->end],
                                     .bytes = scan->looked };
    char id[ID_TEXT_SIZE];

    if (err < 0)
        return fetcher_scan_later(t, err, said);
    if (scan->end == SCAN_INFECTED)
        done.found = said;
    else
        done.detail = said;
    turn_count(t, FETCHER_ORIGINALS_SCANNED, scan->end <= SCAN_INFECTED);
    turn_count(t, FETCHER_SCANNED_BYTES, scan->looked);
    turn_log(t, "fetcher.scan", "video=%s outcome=%s bytes=%llu%s%s", id_format("video", scan->video, id),
             wire_enum_name(&scan_outcome_names, done.outcome), (unsigned long long)scan->looked,
             *said ? " said=" : "", said);
    return done_scan_original(t, &done);
}

static int fetcher_take_scan(struct fetcher *self, struct turn *t, const struct scan_original *job)
{
    const struct fetcher_settings *settings = turn_settings(t);
    struct scan_try head = { .blobs = self->originals,
                             .timeout_s = (unsigned)settings->clamd_timeout_s,
                             .most = settings->clamd_bytes,
                             .video = job->video_id };
    struct buf block = { 0 };
    int r;

    if (!settings->clamd || !*settings->clamd) /* by now */
        return fetcher_scan_later(t, ERR_UNAVAILABLE, "no virus scanner is set up: catalog.clamd is empty");
    if (clamd_place_read(settings->clamd, &head.place) < 0)
        return fetcher_scan_later(t, ERR_UNAVAILABLE,
                                  arena_printf(turn_arena(t),
                                               "catalog.clamd: \"%s\" is neither unix:PATH nor tcp:HOST:PORT",
                                               settings->clamd));
    scan_make(&block, &head);
    for (size_t i = 0; i < job->parts_n; i++)
        scan_add(&block, job->parts[i].from, job->parts[i].length, job->parts[i].blob);
    r = turn_pool(t, fetcher_scan, fetcher_scanned, block.data, block.len);
    buf_free(&block);
    return r < 0 ? r : TURN_LATER;
}

/* ---- life */

static void fetcher_on_wake(void *state, struct actor *actor, int fd, short events, void *ctx)
{
    struct fetcher *self = state;

    imports_collect(self->imports);
}

/* The job was withdrawn, or its lease ended: whoever has it next goes on from what is durable. */
static void fetcher_gone(void *state, struct actor *actor, uint64_t kept)
{
    struct fetcher *self = state;

    imports_cancel(self->imports, kept);
}

/* What is fetched is put on the local disk; what clamd is to look at may lie in the second place alone. */
static int fetcher_open_blobs(struct fetcher *self, struct actor *actor)
{
    const struct fetcher_settings *settings = actor_settings(actor);
    const struct blobs_s3_options how = { .connect_ms = (unsigned)settings->far_connect_ms,
                                          .quiet_s = (unsigned)settings->far_quiet_s,
                                          .patience_ms = (unsigned)settings->far_patience_s * 1000,
                                          .ahead = FETCHER_AHEAD,
                                          .lines = (unsigned)settings->imports,
                                          .reads = true };
    char error[S3_SAID_MAX];
    int r = blobs_s3_open_behind(actor_state_dir(actor), settings->far, &how, &self->originals, error);

    if (*error)
        fprintf(stderr, "fetcher: catalog.far: %s\n", error);
    return r;
}

static int fetcher_open(void *state, struct actor *actor)
{
    static const struct imports_events events = { .asks = fetcher_on_asks, .ended = fetcher_on_ended };
    const struct fetcher_settings *settings = actor_settings(actor);
    struct fetcher *self = state;
    int r;

    self->actor = actor;
    /* a thread for each mail and for each scan: none waits for one of the other kind */
    actor_capacity(actor, (unsigned)settings->imports, 0, 2 * (unsigned)settings->imports);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR_INTERNAL;
    r = fetcher_open_blobs(self, actor);
    if (r == 0)
        r = imports_open(&events, self, &self->imports);
    if (r == 0)
        r = actor_poll(actor, imports_fd(self->imports), POLLIN, fetcher_on_wake, NULL);
    return r;
}

static void fetcher_close(void *state)
{
    struct fetcher *self = state;

    imports_close(&self->imports);
    blobs_close(&self->originals);
    curl_global_cleanup();
}

static const struct fetcher_handlers handlers = {
    .take_send_mail = fetcher_take_mail,
    .take_import = fetcher_take_import,
    .take_scan_original = fetcher_take_scan,
};

const struct actor_def fetcher_actor = {
    .name = "fetcher",
    .schema = &fetcher_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct fetcher),
    .stateless = true,
    .open = fetcher_open,
    .close = fetcher_close,
    .gone = fetcher_gone,
};
