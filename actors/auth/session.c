/* session - logins as they are held: web sessions by a cookie, API clients by refresh tokens that change with each use.
 *
 * A refresh token that comes a second time was stolen, or its reply was lost. For ten seconds the reply is given again;
 * after that the whole session ends, for one of the two who hold it should not. */
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/secret.h"
#include "actors/runtime/token/token.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum { AGAIN_MS = 10000, TOUCH_MS = 3600 * 1000 };
static const int64_t DAY_MS = 24 * 3600 * 1000;

static int session_access(struct auth *self, struct turn *t, const struct account *account, struct id session,
                          struct login_result *ret)
{
    const struct auth_settings *settings = turn_settings(t);
    char *token = arena_alloc(turn_arena(t), TOKEN_TEXT_SIZE);
    struct token_claims claims = { .user = account->id,
                                   .session = session,
                                   .role = (unsigned)account->role,
                                   .epoch = account->epoch,
                                   .issued_ms = turn_now(t),
                                   .expires_ms = turn_now(t) + (int64_t)settings->access_token_s * 1000 };
    int r = token_sign(self->kid, self->seed, &claims, token);
    ret->user = account_user(account);
    ret->access_token = token;
    ret->expires_at = claims.expires_ms;
    return r;
}

int session_open(struct auth *self, struct turn *t, const struct account *account, enum session_kind kind,
                 const char *client, struct login_result *ret)
{
    const struct auth_settings *settings = turn_settings(t);
    uint8_t random[SECRET_RANDOM], hash[SECRET_HASH];
    struct login_session row = { .id = turn_id(t),
                                 .user_id = account->id,
                                 .kind = kind,
                                 .created_at = turn_now(t),
                                 .ends_at = turn_now(t) + (int64_t)settings->session_days * DAY_MS,
                                 .idle_until = turn_now(t) + (int64_t)settings->session_idle_days * DAY_MS,
                                 .epoch = account->epoch,
                                 .client = client };
    *ret = (struct login_result) { 0 };
    turn_random(t, random, sizeof(random));
    const char *text = secret_text(turn_arena(t), row.id, random);
    secret_hash(text, hash);
    row.secret_hash = bytes_of(hash, sizeof(hash));
    int r = login_session_put_new(turn_txn(t), &row);
    if (r < 0)
        return r;
    r = session_access(self, t, account, row.id, ret);
    if (kind == SESSION_KIND_WEB) { /* a browser gets its cookie and nothing that its scripts could read */
        ret->session = text;
        ret->access_token = NULL;
    } else {
        ret->refresh_token = text;
    }
    return r;
}

/* The session that a secret names, and its account, when both may still be used. Whether the secret fits is not asked. */
static int session_find(struct turn *t, const char *secret, enum session_kind kind, struct login_session *ret,
                        struct account *ret_account)
{
    struct id id;
    if (!secret_read(secret, &id) || login_session_get(turn_txn(t), turn_arena(t), id, ret) < 0 ||
        ret->kind != kind || turn_now(t) > ret->ends_at || turn_now(t) > ret->idle_until)
        return ERR_UNAUTHENTICATED;
    if (account_get(turn_txn(t), turn_arena(t), ret->user_id, ret_account) < 0 || ret_account->disabled ||
        ret_account->epoch != ret->epoch)
        return ERR_UNAUTHENTICATED;
    return 0;
}

int auth_on_exchange_session(struct auth *self, struct turn *t, const struct exchange_session *ask,
                             struct login_result *reply)
{
    const struct auth_settings *settings = turn_settings(t);
    struct login_session row;
    struct account account;
    int r = session_find(t, ask->session, SESSION_KIND_WEB, &row, &account);
    if (r < 0 || !secret_fits(ask->session, row.secret_hash))
        return ERR_UNAUTHENTICATED;
    int64_t until = turn_now(t) + (int64_t)settings->session_idle_days * DAY_MS;
    if (until > row.idle_until + TOUCH_MS) { /* not a write for every page */
        row.idle_until = until;
        r = login_session_put(turn_txn(t), &row);
        if (r < 0)
            return r;
    }
    return session_access(self, t, &account, row.id, reply);
}

static int session_rotate(struct auth *self, struct turn *t, struct login_session *row, const char *old,
                          const char **ret_new)
{
    const struct auth_settings *settings = turn_settings(t);
    uint8_t random[SECRET_RANDOM], nonce[24], hash[SECRET_HASH], before[SECRET_HASH];
    turn_random(t, random, sizeof(random));
    turn_random(t, nonce, sizeof(nonce));
    *ret_new = secret_text(turn_arena(t), row->id, random);
    secret_hash(*ret_new, hash);
    secret_hash(old, before);
    row->secret_hash = bytes_of(hash, sizeof(hash));
    row->before_hash = bytes_of(before, sizeof(before));
    row->before_until = turn_now(t) + AGAIN_MS;
    row->before_reply = secret_seal(turn_arena(t), *ret_new, old, nonce);
    row->idle_until = turn_now(t) + (int64_t)settings->session_idle_days * DAY_MS;
    return login_session_put(turn_txn(t), row);
}

static int session_revoke(struct turn *t, struct id session)
{
    char key[ID_TEXT_SIZE];
    return set_revoked(t, id_format("session", session, key), &(struct revoked) { .session_id = session });
}

static int session_reused(struct turn *t, const struct login_session *row)
{
    turn_count(t, AUTH_REFRESH_REUSED, 1);
    turn_log(t, "session.reused", "a refresh token was used twice; its session is ended");
    int r = login_session_del(turn_txn(t), row->id);
    if (r == 0)
        r = session_revoke(t, row->id);
    if (r == 0)
        r = emit_refresh_reused(t, &(struct refresh_reused) { .user_id = row->user_id, .session_id = row->id });
    return r < 0 ? r : auth_refuse(t, ERR_UNAUTHENTICATED);
}

int auth_on_refresh(struct auth *self, struct turn *t, const struct refresh *ask, struct login_result *reply)
{
    struct login_session row;
    struct account account;
    const char *token = NULL;
    int r = session_find(t, ask->refresh_token, SESSION_KIND_API, &row, &account);
    if (r < 0)
        return turn_fail(t, r, "refresh_token", "is not known, or has run out; log in again");
    if (secret_fits(ask->refresh_token, row.secret_hash)) {
        r = session_rotate(self, t, &row, ask->refresh_token, &token);
        if (r < 0)
            return r;
    } else if (secret_fits(ask->refresh_token, row.before_hash) && turn_now(t) <= row.before_until) {
        token = secret_open(turn_arena(t), row.before_reply, ask->refresh_token);
    }
    if (!token)
        return session_reused(t, &row);
    reply->refresh_token = token;
    return session_access(self, t, &account, row.id, reply);
}

int session_end_all(struct turn *t, struct account *account)
{
    char key[ID_TEXT_SIZE];
    account->epoch++;
    return set_revoked(t, id_format("user", account->id, key),
                       &(struct revoked) { .user_id = account->id, .epoch = account->epoch });
}

int auth_on_logout(struct auth *self, struct turn *t, const struct logout *ask, struct logout_reply *reply)
{
    const struct subject *subject = turn_subject(t);
    struct account account;
    reply->session = "";
    int r = login_session_del(turn_txn(t), subject->session_id);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = session_revoke(t, subject->session_id);
    if (r < 0 || !ask->everywhere)
        return r;
    r = account_get(turn_txn(t), turn_arena(t), subject->user_id, &account);
    if (r == 0)
        r = session_end_all(t, &account);
    return r < 0 ? r : account_put(turn_txn(t), &account);
}

int auth_on_validate(struct auth *self, struct turn *t, const struct validate *ask, struct validate_reply *reply)
{
    const struct subject *subject = turn_subject(t);
    *reply = (struct validate_reply) { .user_id = subject->user_id,
                                       .role = subject->role,
                                       .expires_at = subject->expires_at };
    return 0;
}
