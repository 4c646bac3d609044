/* login - a password is looked at: cheap refusals first, the hash on the pool, then a session or a refusal.
 *
 * Who is unknown, disabled or wrong gets the same answer after the same work. */
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/password.h"
#include "actors/auth/secret.h"
#include "actors/auth/throttle.h"
#include "data/store/table.h"
#include "gen/errors.h"

struct logging_in {
    struct password_job job;
    struct tries tries;
    struct id account; /* zero: there is none of this address */
    struct id device;  /* zero: nobody has logged in to the account from there */
    char client[512], from[64];
    bool web;
};

static int login_refused(struct turn *t, const struct tries *tries)
{
    turn_count(t, AUTH_LOGINS_REFUSED, 1);
    int r = tries_failed(t, tries);
    return r < 0 ? r
                 : auth_refuse(t, ERR_UNAUTHENTICATED, NULL,
                               "there is no account with this address and this password");
}

static int login_open(struct auth *self, struct turn *t, const struct logging_in *asked,
                      const struct account *account, struct login_result *ret)
{
    struct login_session like = { .kind = asked->web ? SESSION_KIND_WEB : SESSION_KIND_API,
                                  .client = asked->client,
                                  .from = asked->from };
    int r = session_open(self, t, account, &like, ret);
    ret->device = secret_mark_text(turn_arena(t), id_is_zero(asked->device) ? turn_id(t) : asked->device,
                                   account->id, self->device_key);
    return r;
}

/* The password was looked at. The account is read again: much may have happened in those 25 ms. */
static int login_checked(void *state, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct logging_in *asked = ctx;
    struct account account;
    struct login_result result;
    if (err < 0 || asked->job.failed)
        return err < 0 ? err : ERR_BUSY;
    if (!asked->job.right || account_get(turn_txn(t), turn_arena(t), asked->account, &account) < 0 ||
        account.disabled || strcmp(account.password_hash, asked->job.kept) != 0)
        return login_refused(t, &asked->tries);
    if (*asked->job.made) { /* the cost of hashing was raised since */
        account.password_hash = asked->job.made;
        int r = account_put(turn_txn(t), &account);
        if (r < 0)
            return r;
    }
    int r = tries_right(t, &asked->tries);
    if (r == 0)
        r = login_open(state, t, asked, &account, &result);
    if (r < 0)
        return r;
    turn_count(t, AUTH_LOGINS, 1);
    return reply_login(t, &result);
}

int auth_on_login(struct auth *self, struct turn *t, const struct login *ask, struct login_result *reply)
{
    struct logging_in work = { .web = ask->web };
    struct account account;
    auth_password_job(self, t, &work.job, ask->password);
    if (account_find(t, ask->email, &account) == 0) {
        work.account = account.id;
        strncpy(work.job.kept, account.password_hash, sizeof(work.job.kept) - 1);
    }
    secret_mark_read(ask->device, work.account, self->device_key, &work.device);
    work.tries = tries_at_account(t, account_email_key(t, ask->email), ask->address, work.device);
    int r = tries_admit(t, &work.tries);
    strncpy(work.client, ask->client ? ask->client : "", sizeof(work.client) - 1);
    strncpy(work.from, ask->address ? ask->address : "", sizeof(work.from) - 1);
    if (r == 0)
        r = turn_pool(t, password_work, login_checked, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}
