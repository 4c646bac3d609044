/* change - accounts are changed: by their owner, by an administrator, by the operator's command line. */
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/password.h"
#include "data/store/table.h"
#include "gen/errors.h"

struct changing {
    struct password_job check, make; /* the old password, the new one */
    bool must_check;
    struct id account; /* zero: a new one */
    char email[256], name[512];
    enum role role;
    bool set_role;
};

static int change_hash(void *ctx)
{
    struct changing *work = ctx;
    if (work->must_check)
        password_run(&work->check);
    if (!work->must_check || work->check.right)
        password_run(&work->make);
    sodium_memzero(work->make.password, sizeof(work->make.password));
    return 0;
}

static void change_job(const struct auth *self, struct turn *t, struct password_job *job, const char *password)
{
    const struct auth_settings *settings = turn_settings(t);
    *job = (struct password_job) { .passes = settings->hash_passes, .memory = settings->hash_kib * 1024 };
    strncpy(job->password, password, sizeof(job->password) - 1);
    memcpy(job->pepper, self->pepper, sizeof(job->pepper));
}

/* The new password is hashed. All sessions end, the one that asked too: whoever knew the old one must sign in again. */
static int change_password_hashed(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct changing *asked = ctx;
    struct account account;
    if (err < 0 || asked->check.failed || asked->make.failed)
        return err < 0 ? err : ERR_BUSY;
    int r = account_get(turn_txn(t), turn_arena(t), asked->account, &account);
    if (r < 0)
        return r;
    if (asked->must_check && (!asked->check.right || strcmp(account.password_hash, asked->check.kept) != 0))
        return turn_fail(t, ERR_FORBIDDEN, "old_password", "is not the password of this account");
    if (*asked->name)
        account.name = asked->name;
    account.password_hash = asked->make.made;
    r = session_end_all(t, &account);
    if (r == 0)
        r = account_save(t, &account);
    if (r < 0)
        return r;
    struct user user = account_user(&account);
    return reply_update_user(t, &user);
}

static int change_password(struct auth *self, struct turn *t, const struct update_user *ask,
                           const struct account *account)
{
    struct changing work = { .account = account->id };
    const char *objection = password_objection(ask->password);
    if (objection)
        return turn_fail(t, ERR_INVALID, "password", "%s", objection);
    work.must_check = id_equal(turn_subject(t)->user_id, account->id);
    if (work.must_check && !ask->old_password)
        return turn_fail(t, ERR_INVALID, "old_password", "must be there to change your own password");
    if (work.must_check) {
        change_job(self, t, &work.check, ask->old_password);
        strncpy(work.check.kept, account->password_hash, sizeof(work.check.kept) - 1);
    }
    change_job(self, t, &work.make, ask->password);
    strncpy(work.name, ask->name ? ask->name : "", sizeof(work.name) - 1);
    int r = turn_pool(t, change_hash, change_password_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
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
    if ((ask->has_role || ask->has_disabled) && !turn_has_role(t, ROLE_ADMIN))
        return turn_fail(t, ERR_FORBIDDEN, ask->has_role ? "role" : "disabled",
                         "only an administrator may change it");
    if (ask->password && (ask->has_role || ask->has_disabled))
        return turn_fail(t, ERR_INVALID, "password", "change it by itself, not together with role or disabled");
    if (ask->password)
        return change_password(self, t, ask, &account);
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
    change_job(self, t, &work.make, ask->password);
    strncpy(work.email, ask->email, sizeof(work.email) - 1);
    strncpy(work.name, ask->name ? ask->name : "", sizeof(work.name) - 1);
    int r = turn_pool(t, change_hash, change_put_hashed, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}
