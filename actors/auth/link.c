/* link - what is mailed to prove an address or to set a new password: a token that is good once, and for a while.
 *
 * Nobody learns from an answer here whether there is an account: a link is asked for in the same turn and with the same
 * answer, whether somebody is going to be mailed or not. */
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/password.h"
#include "actors/auth/secret.h"
#include "actors/auth/throttle.h"
#include "data/store/table.h"
#include "gen/errors.h"

static const int64_t VERIFY_MS = 48 * 3600 * 1000, RESET_MS = 20 * 60 * 1000;

static const char *link_token(struct turn *t, struct id account, struct bytes *ret_hash)
{
    uint8_t random[SECRET_RANDOM], *hash = arena_alloc(turn_arena(t), SECRET_HASH);
    turn_random(t, random, sizeof(random));
    const char *token = secret_text(turn_arena(t), account, random);
    secret_hash(token, hash);
    *ret_hash = bytes_of(hash, SECRET_HASH);
    return token;
}

const char *link_verify_token(struct turn *t, struct account *account)
{
    account->verify_until = turn_now(t) + VERIFY_MS;
    return link_token(t, account->id, &account->verify_hash);
}

/* A token that fits nothing counts against where it came from. */
static int link_unknown(struct turn *t, const struct tries *tries)
{
    int r = tries_failed(t, tries);
    return r < 0 ? r
                 : auth_refuse(t, ERR_NOT_FOUND, "token",
                               "this link is not known, or was used already; ask for a new one");
}

static int link_mails(struct turn *t)
{
    const struct auth_settings *settings = turn_settings(t);
    if (settings->mail_from && *settings->mail_from)
        return 0;
    return turn_fail(
        t, ERR_UNSUPPORTED, NULL,
        "this platform sends no mail (notify.mail_from is empty); ask whoever runs it, who can help with "
        "`kinobus user`");
}

static int link_mail(struct turn *t, struct account *account, enum link_purpose purpose, const char *token)
{
    int r = account_put(turn_txn(t), account);
    return r < 0 ? r
                 : emit_link_asked(t, &(struct link_asked) { .user_id = account->id,
                                                             .purpose = purpose,
                                                             .email = account->email,
                                                             .name = account->name,
                                                             .token = token });
}

/* ---- an address */

/* What an account may do waits for the proof of its address. */
static void link_proved(struct turn *t, struct account *account)
{
    const struct auth_settings *settings = turn_settings(t);
    if (!account->verified && account->role < settings->default_role)
        account->role = settings->default_role;
    account->verified = true;
}

int auth_on_verify_email(struct auth *self, struct turn *t, const struct verify_email *ask, struct user *reply)
{
    struct tries tries = tries_of_address(t, ask->address);
    struct account account;
    struct id id;
    int r = tries_admit(t, &tries);
    if (r < 0)
        return r;
    if (!secret_read(ask->token, &id) || account_get(turn_txn(t), turn_arena(t), id, &account) < 0 ||
        !secret_fits(ask->token, account.verify_hash))
        return link_unknown(t, &tries);
    if (turn_now(t) > account.verify_until)
        return turn_fail(t, ERR_GONE, "token", "this link has run out; sign in and ask for a new one");
    account.verify_hash = (struct bytes) { 0 };
    link_proved(t, &account);
    r = account_put(turn_txn(t), &account);
    *reply = account_user(&account);
    return r;
}

int auth_on_ask_verification(struct auth *self, struct turn *t, const struct ask_verification *ask)
{
    struct account account;
    int r = link_mails(t);
    if (r == 0)
        r = account_get(turn_txn(t), turn_arena(t), turn_subject(t)->user_id, &account);
    if (r < 0)
        return r;
    if (account.verified)
        return turn_fail(t, ERR_CONFLICT, NULL, "the address of this account is proved already");
    r = tries_mail(t, account.email_key);
    if (r < 0)
        return r;
    if (r == 0)
        return turn_fail(
            t, ERR_RATE_LIMITED, NULL,
            "enough links were mailed to this address for now; look for them, or ask again in an hour");
    return link_mail(t, &account, LINK_PURPOSE_VERIFY, link_verify_token(t, &account));
}

/* ---- a password */

int auth_on_ask_reset(struct auth *self, struct turn *t, const struct ask_reset *ask)
{
    struct tries tries = tries_of_address(t, ask->address);
    struct account account;
    int r = link_mails(t);
    if (r == 0)
        r = tries_admit(t, &tries);
    if (r == 0)
        r = tries_mail(t, account_email_key(t, ask->email)); /* counted whether there is an account or not */
    if (r <= 0)
        return r;
    r = account_find(t, ask->email, &account);
    if (r < 0 || account.disabled)
        return r == ERR_NOT_FOUND ? 0 : r;
    account.reset_until = turn_now(t) + RESET_MS;
    const char *token = link_token(t, account.id, &account.reset_hash);
    return link_mail(t, &account, LINK_PURPOSE_RESET, token);
}

struct resetting {
    struct password_job job;
    struct tries tries;
    char token[201];
};

/* The account of a token that is good; else the error to answer. */
static int link_reset_account(struct turn *t, const char *token, const struct tries *tries, struct account *ret)
{
    struct id id;
    if (!secret_read(token, &id) || account_get(turn_txn(t), turn_arena(t), id, ret) < 0 || ret->disabled ||
        !secret_fits(token, ret->reset_hash))
        return link_unknown(t, tries);
    if (turn_now(t) > ret->reset_until)
        return turn_fail(t, ERR_GONE, "token", "this link has run out; ask for a new one");
    return 0;
}

static int link_reset_hashed(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct resetting *asked = ctx;
    struct account account;
    if (err < 0 || asked->job.failed)
        return err < 0 ? err : ERR_BUSY;
    int r = link_reset_account(t, asked->token, &asked->tries, &account); /* it may have been used meanwhile */
    if (r)
        return r;
    account.reset_hash = (struct bytes) { 0 };
    account.password_hash = asked->job.made;
    link_proved(t, &account); /* who reads its mail has its address */
    r = session_end_all(t, &account);
    if (r == 0)
        r = tries_clear_account(t, account.email_key);
    return r < 0 ? r : account_save(t, &account);
}

int auth_on_reset_password(struct auth *self, struct turn *t, const struct reset_password *ask)
{
    struct resetting work = { .tries = tries_of_address(t, ask->address) };
    const char *objection = password_objection(ask->password);
    struct account account;
    int r = tries_admit(t, &work.tries);
    if (r == 0 && objection)
        r = turn_fail(t, ERR_INVALID, "password", "%s", objection);
    if (r == 0)
        r = link_reset_account(t, ask->token, &work.tries, &account);
    if (r)
        return r;
    auth_password_job(self, t, &work.job, ask->password);
    strncpy(work.token, ask->token, sizeof(work.token) - 1);
    r = turn_pool(t, password_work, link_reset_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}
