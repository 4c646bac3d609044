/* change - accounts are changed: by their owner, by an administrator, by the operator's command line. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/password.h"
#include "actors/auth/throttle.h"
#include "data/store/table.h"
#include "gen/errors.h"
#include "schemas/wire/time.h"

struct changing {
    struct password_job check, make; /* the old password, the new one */
    struct tries tries;              /* at the old one */
    struct id account;               /* zero: a new one */
    char email[256], name[512];
    enum role role;
    bool set_role;
};

static int change_hash(void *ctx)
{
    struct changing *work = ctx;
    bool must_check = *work->check.kept;
    if (must_check)
        password_run(&work->check);
    if (!must_check || work->check.right)
        password_run(&work->make);
    sodium_memzero(work->make.password, sizeof(work->make.password));
    return 0;
}

/* The account whose new password is hashed, with it; all its sessions end, for whoever knew the old one has them. */
static int change_hashed(struct turn *t, int err, const struct changing *asked, struct account *account)
{
    if (err < 0 || asked->check.failed || asked->make.failed)
        return err < 0 ? err : ERR_BUSY;
    int r = account_get(turn_txn(t), turn_arena(t), asked->account, account);
    if (r < 0)
        return r;
    account->password_hash = asked->make.made;
    return session_end_all(t, account);
}

/* ---- one's own */

static int change_own_hashed(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct changing *asked = ctx;
    struct account account;
    struct login_result result;
    if (err == 0 && !asked->check.failed && !asked->check.right) {
        int r = tries_failed(t, &asked->tries);
        return r < 0 ? r : auth_refuse(t, ERR_FORBIDDEN, "old_password", "is not the password of this account");
    }
    int r = change_hashed(t, err, asked, &account);
    if (r == 0)
        r = tries_right(t, &asked->tries);
    if (r == 0)
        r = account_save(t, &account);
    if (r == 0)
        r = session_keep(state, t, &account, &result);
    return r < 0 ? r : reply_change_password(t, &result);
}

int auth_on_change_password(struct auth *self, struct turn *t, const struct change_password *ask,
                            struct login_result *reply)
{
    struct changing work = { .account = turn_subject(t)->user_id };
    const char *objection = password_objection(ask->password);
    struct account account;
    if (objection)
        return turn_fail(t, ERR_INVALID, "password", "%s", objection);
    int r = account_get(turn_txn(t), turn_arena(t), work.account, &account);
    /* Whoever sits at somebody's browser guesses no faster: tries are counted by the session. */
    work.tries = tries_at_account(t, "", NULL, turn_subject(t)->session_id);
    if (r == 0)
        r = tries_admit(t, &work.tries);
    if (r < 0)
        return r;
    auth_password_job(self, t, &work.check, ask->old_password);
    auth_password_job(self, t, &work.make, ask->password);
    strncpy(work.check.kept, account.password_hash, sizeof(work.check.kept) - 1);
    r = turn_pool(t, change_hash, change_own_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}

/* ---- another's */

static int change_other_hashed(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct changing *asked = ctx;
    struct account account;
    int r = change_hashed(t, err, asked, &account);
    if (r == 0 && *asked->name)
        account.name = asked->name;
    if (r == 0)
        r = account_save(t, &account);
    if (r < 0)
        return r;
    struct user user = account_user(&account);
    return reply_update_user(t, &user);
}

static int change_other(struct auth *self, struct turn *t, const struct update_user *ask, struct id account)
{
    struct changing work = { .account = account };
    const char *objection = password_objection(ask->password);
    if (id_equal(turn_subject(t)->user_id, account))
        return turn_fail(t, ERR_INVALID, "password",
                         "your own is changed with the old one, at POST /api/v1/auth/password");
    if (!turn_has_role(t, ROLE_ADMIN))
        return turn_fail(t, ERR_FORBIDDEN, "password", "only an administrator may set it for somebody else");
    if (objection)
        return turn_fail(t, ERR_INVALID, "password", "%s", objection);
    if (ask->has_role || ask->has_disabled)
        return turn_fail(t, ERR_INVALID, "password", "change it by itself, not together with role or disabled");
    if (ask->birthday)
        return turn_fail(t, ERR_INVALID, "password", "change it by itself, not together with a birthday");
    auth_password_job(self, t, &work.make, ask->password);
    strncpy(work.name, ask->name ? ask->name : "", sizeof(work.name) - 1);
    int r = turn_pool(t, change_hash, change_other_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}

/* Role and access of an account are an administrator's; not their own, so that a platform never loses its last one. */
static int change_allowed(struct turn *t, const struct update_user *ask)
{
    const char *field = ask->has_role ? "role" : "disabled";
    if (!ask->has_role && !ask->has_disabled)
        return 0;
    if (!turn_has_role(t, ROLE_ADMIN))
        return turn_fail(t, ERR_FORBIDDEN, field, "only an administrator may change it");
    if (id_equal(turn_subject(t)->user_id, ask->id))
        return turn_fail(t, ERR_CONFLICT, field, "nobody changes it for himself: another administrator can");
    return 0;
}

/* A day that has been, of somebody alive, as "1990-12-31". Moments are counted from 1970 on: the same day is looked for 400 years
 * later, after which the calendar repeats. */
static bool change_is_birthday(struct turn *t, const char *text)
{
    char today[TIME_TEXT_SIZE];
    const char *later;
    int64_t at;

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || strspn(text, "0123456789") != 4)
        return false;
    later = arena_printf(turn_arena(t), "%d%sT00:00:00Z", atoi(text) + 400, text + 4);
    return time_parse(later, &at) == 0 && strcmp(text, "1880") >= 0 &&
           strncmp(text, time_format(turn_now(t), today), 10) <= 0;
}

/* Told once: who changes it with every film has no age. */
static int change_birthday(struct turn *t, const struct update_user *ask, struct account *account)
{
    if (!ask->birthday)
        return 0;
    if (!change_is_birthday(t, ask->birthday))
        return turn_fail(t, ERR_INVALID, "birthday", "is no day that has been: write it like 1990-12-31");
    if (account->birthday && *account->birthday && strcmp(account->birthday, ask->birthday) != 0 &&
        !turn_has_role(t, ROLE_ADMIN))
        return turn_fail(t, ERR_FORBIDDEN, "birthday", "was told already: an administrator can correct it");
    account->birthday = ask->birthday;
    return 0;
}

int auth_on_update_user(struct auth *self, struct turn *t, const struct update_user *ask, struct user *reply)
{
    struct account account;
    int r = turn_require_owner(t, ask->id);
    if (r < 0)
        return r;
    r = account_get(turn_txn(t), turn_arena(t), ask->id, &account);
    if (r < 0)
        return r;
    r = change_allowed(t, ask);
    if (r == 0)
        r = change_birthday(t, ask, &account);
    if (r < 0)
        return r;
    if (ask->password)
        return change_other(self, t, ask, account.id);
    if (ask->name)
        account.name = ask->name;
    if (ask->has_role)
        account.role = ask->role;
    if (ask->has_disabled)
        account.disabled = ask->disabled;
    if (ask->has_role || ask->has_disabled)
        r = session_end_all(t, &account); /* tokens carry the role */
    if (r == 0)
        r = account_save(t, &account);
    *reply = account_user(&account);
    return r;
}

static int change_put_hashed(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct changing *asked = ctx;
    const struct auth_settings *settings = turn_settings(t);
    struct account account;
    if (err < 0 || asked->make.failed)
        return err < 0 ? err : ERR_BUSY;
    int r = account_find(t, asked->email, &account);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    bool is_new = r == ERR_NOT_FOUND;
    if (is_new)
        account = (struct account) { .id = turn_id(t),
                                     .email = asked->email,
                                     .email_key = account_email_key(t, asked->email),
                                     .name = asked->email,
                                     .role = settings->default_role,
                                     .verified = true,
                                     .created_at = turn_now(t) };
    if (*asked->name)
        account.name = asked->name;
    if (asked->set_role)
        account.role = asked->role;
    account.password_hash = asked->make.made;
    r = session_end_all(t, &account);
    if (r == 0)
        r = account_save(t, &account);
    if (r == 0 && is_new)
        r = emit_user_created(
            t, &(struct user_created) {
                   .user_id = account.id, .rev = account.rev, .email = account.email, .name = account.name });
    if (r < 0)
        return r;
    struct user user = account_user(&account);
    return reply_put_user(t, &user);
}

int auth_on_put_user(struct auth *self, struct turn *t, const struct put_user *ask, struct user *reply)
{
    struct changing work = { .set_role = ask->has_role, .role = ask->role };
    struct account account;
    if (!ask->password) { /* an account that is there, its role or name alone */
        int r = account_find(t, ask->email, &account);
        if (r == ERR_NOT_FOUND)
            return turn_fail(t, ERR_INVALID, "password", "must be there to make a new account");
        if (r < 0)
            return r;
        account.role = ask->has_role ? ask->role : account.role;
        account.name = ask->name ? ask->name : account.name;
        r = session_end_all(t, &account);
        if (r == 0)
            r = account_save(t, &account);
        *reply = account_user(&account);
        return r;
    }
    const char *objection = password_objection(ask->password);
    if (objection)
        return turn_fail(t, ERR_INVALID, "password", "%s", objection);
    auth_password_job(self, t, &work.make, ask->password);
    strncpy(work.email, ask->email, sizeof(work.email) - 1);
    strncpy(work.name, ask->name ? ask->name : "", sizeof(work.name) - 1);
    int r = turn_pool(t, change_hash, change_put_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}
