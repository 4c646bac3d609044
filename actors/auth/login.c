/* login - a password is looked at: cheap refusals first, the hash on the pool, then a session or a refusal.
 *
 * Who is unknown, disabled or wrong gets the same answer after the same work. Wrong passwords slow the account down
 * (2^n seconds, a quarter of an hour at most), they never lock it. */
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/password.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum { FREE_FAILURES = 3, SLOWEST_S = 900, SWEEP_ROWS = 16 };
static const int64_t FORGET_MS = 3600 * 1000;

struct logging_in {
    struct password_job job;
    struct id account; /* zero: there is none of this address */
    char email_key[256], client[512];
    bool web;
};

/* Rows that nobody needs any more go a few at a time, whenever one is written. */
static int throttle_sweep(struct turn *t)
{
    struct table_walk walk;
    struct throttle row;
    int r = table_walk_start(&walk, turn_txn(t), &throttle_table, THROTTLE_BY_END, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });
    for (unsigned n = 0; r == 0 && n < SWEEP_ROWS; n++) {
        r = table_walk_next(&walk, turn_arena(t), &row);
        if (r <= 0 || row.forget_at > turn_now(t))
            break;
        r = throttle_del(turn_txn(t), row.email_key);
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

static int throttle_failed(struct turn *t, const char *email_key)
{
    struct throttle row;
    if (throttle_get(turn_txn(t), turn_arena(t), email_key, &row) < 0 || row.forget_at < turn_now(t))
        row = (struct throttle) { .email_key = email_key };
    row.failures++;
    row.forget_at = turn_now(t) + FORGET_MS;
    if (row.failures > FREE_FAILURES) {
        uint64_t doublings = row.failures - FREE_FAILURES;
        int64_t seconds = doublings > 9 ? SLOWEST_S : (int64_t)1 << doublings;
        row.not_before = turn_now(t) + (seconds < SLOWEST_S ? seconds : SLOWEST_S) * 1000;
    }
    int r = throttle_put(turn_txn(t), &row);
    return r < 0 ? r : throttle_sweep(t);
}

static int login_refused(struct turn *t, const char *email_key)
{
    turn_count(t, AUTH_LOGINS_REFUSED, 1);
    int r = throttle_failed(t, email_key);
    return r < 0 ? r : auth_refuse(t, ERR_UNAUTHENTICATED);
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
        return login_refused(t, asked->email_key);
    if (*asked->job.made) { /* the cost of hashing was raised since */
        account.password_hash = asked->job.made;
        int r = account_put(turn_txn(t), &account);
        if (r < 0)
            return r;
    }
    int r = throttle_del(turn_txn(t), asked->email_key);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = session_open(state, t, &account, asked->web ? SESSION_KIND_WEB : SESSION_KIND_API, asked->client, &result);
    if (r < 0)
        return r;
    turn_count(t, AUTH_LOGINS, 1);
    return reply_login(t, &result);
}

int auth_on_login(struct auth *self, struct turn *t, const struct login *ask, struct login_result *reply)
{
    const struct auth_settings *settings = turn_settings(t);
    struct logging_in work = { .job = { .passes = settings->hash_passes, .memory = settings->hash_kib * 1024 },
                               .web = ask->web };
    const char *email_key = account_email_key(t, ask->email);
    struct throttle slow;
    struct account account;
    if (throttle_get(turn_txn(t), turn_arena(t), email_key, &slow) == 0 && slow.not_before > turn_now(t)) {
        turn_count(t, AUTH_LOGINS_THROTTLED, 1);
        turn_fail(t, ERR_RATE_LIMITED, NULL, "too many wrong passwords for this account; wait a little");
        return turn_retry_after(t, ERR_RATE_LIMITED, (uint32_t)(slow.not_before - turn_now(t)));
    }
    if (account_find(t, ask->email, &account) == 0) {
        work.account = account.id;
        strncpy(work.job.kept, account.password_hash, sizeof(work.job.kept) - 1);
    }
    strncpy(work.job.password, ask->password, sizeof(work.job.password) - 1);
    strncpy(work.email_key, email_key, sizeof(work.email_key) - 1);
    strncpy(work.client, ask->client ? ask->client : "", sizeof(work.client) - 1);
    memcpy(work.job.pepper, self->pepper, sizeof(work.job.pepper));
    int r = turn_pool(t, password_work, login_checked, &work, sizeof(work));
    sodium_memzero(&work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}
