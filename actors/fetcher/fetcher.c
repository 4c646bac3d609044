/* fetcher - the actor; see fetcher.h */
#include "actors/fetcher/fetcher.h"

#include <string.h>

#include <curl/curl.h>

#include "actors/fetcher/mime.h"
#include "actors/fetcher/smtp.h"
#include "actors/runtime/turn.h"
#include "gen/errors.h"

struct fetcher {
    bool nothing; /* a job is all it knows */
};

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

static int fetcher_open(void *me, struct actor *actor)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : ERR_INTERNAL;
}

static void fetcher_close(void *me)
{
    curl_global_cleanup();
}

static const struct fetcher_handlers handlers = {
    .take_send_mail = fetcher_take_mail,
};

const struct actor_def fetcher_actor = {
    .name = "fetcher",
    .schema = &fetcher_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct fetcher),
    .stateless = true,
    .open = fetcher_open,
    .close = fetcher_close,
};
