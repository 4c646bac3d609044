/* mail - see mail.h */
#include "actors/notify/mail.h"

#include <string.h>

#include "data/store/table.h"
#include "gen/auth.h"
#include "gen/errors.h"
#include "gen/fetcher.h"

enum { MAIL_RESUMED_MOST = 1000 };

static turn_then mail_contact;

bool mail_is_set_up(const struct turn *t)
{
    const struct notify_settings *settings = turn_settings(t);

    return settings->mail_from && strchr(settings->mail_from, '@');
}

int mail_to_address(struct turn *t, struct id note, const char *to, const char *subject, const char *body)
{
    const struct notify_settings *settings = turn_settings(t);
    char id[ID_TEXT_SIZE];
    struct send_mail mail = { .to = to, .from = settings->mail_from, .subject = subject, .body = body };

    mail.message_id = arena_printf(turn_arena(t), "%s%s", id_format("note", note, id),
                                   strrchr(settings->mail_from, '@'));
    turn_count(t, NOTIFY_MAILS_PUT, 1);
    return put_send_mail(t, &mail, NULL, NULL);
}

static int mail_ask(struct turn *t, const struct note_mail *row)
{
    return ask_contact(t, &(struct contact) { .id = row->user_id }, mail_contact, &row->id, sizeof(row->id));
}

int mail_to_user(struct turn *t, struct id note, struct id user, const char *subject, const char *body)
{
    struct note_mail row = { .id = note, .user_id = user, .subject = subject, .body = body };
    int r = note_mail_put(turn_txn(t), &row);

    return r < 0 ? r : mail_ask(t, &row);
}

static int mail_send(struct turn *t, const struct note_mail *row, const struct user *to)
{
    int r = note_mail_del(turn_txn(t), row->id);

    if (r < 0)
        return r;
    if (!to || to->disabled || !to->email || !mail_is_set_up(t)) {
        turn_count(t, NOTIFY_MAILS_DROPPED, 1);
        return 0;
    }
    return mail_to_address(t, row->id, to->email, row->subject, row->body);
}

/* Auth's answer. The row may be gone: a question was asked again, and this is its second answer. Where it stays, the clock
 * asks again. */
static int mail_contact(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct id *id = ctx;
    struct note_mail row;
    int r = note_mail_get(turn_txn(t), turn_arena(t), *id, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (err < 0 && err != ERR_NOT_FOUND)
        return 0;
    return mail_send(t, &row, err == 0 ? reply : NULL);
}

int mail_resume(struct turn *t)
{
    struct note_mail row;
    struct table_walk walk;
    unsigned n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &note_mail_table, TABLE_PRIMARY, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && n++ < MAIL_RESUMED_MOST && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0)
        r = mail_ask(t, &row);
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}
