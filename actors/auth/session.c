/* session - logins as they are held: web sessions by a cookie, API clients by refresh tokens that change with each use.
 *
 * A refresh token that comes a second time was stolen, or its reply was lost. For ten seconds the reply is given again;
 * after that the whole session ends, for one of the two who hold it should not. */
#include <sodium.h>
#include <string.h>

#include "actors/auth/auth.h"
#include "actors/auth/secret.h"
#include "actors/auth/throttle.h"
#include "actors/runtime/page/page.h"
#include "actors/runtime/token/token.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum { AGAIN_MS = 10000, TOUCH_MS = 3600 * 1000, SWEEP_ROWS = 16 };
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

/* The secret that a session is used with from now on: a cookie, or a refresh token. Of the row only its hash is set. */
static const char *session_secret(struct auth *self, struct turn *t, struct login_session *row)
{
    uint8_t random[SECRET_RANDOM], *hash = arena_alloc(turn_arena(t), SECRET_HASH);
    turn_random(t, random, sizeof(random));
    const char *text = row->kind == SESSION_KIND_WEB
                           ? secret_text(turn_arena(t), row->id, random)
                           : secret_marked_text(turn_arena(t), row->id, random, self->family_key);
    secret_hash(text, hash);
    row->secret_hash = bytes_of(hash, SECRET_HASH);
    return text;
}

/* Those whose time is up go a few at a time, whenever one is made. */
static int session_sweep(struct turn *t)
{
    struct table_walk walk;
    struct login_session row;
    int r = table_walk_start(&walk, turn_txn(t), &login_session_table, LOGIN_SESSION_BY_END, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });
    for (unsigned n = 0; r == 0 && n < SWEEP_ROWS; n++) {
        r = table_walk_next(&walk, turn_arena(t), &row);
        if (r <= 0 || row.ends_at > turn_now(t))
            break;
        r = login_session_del(turn_txn(t), row.id);
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

int session_open(struct auth *self, struct turn *t, const struct account *account,
                 const struct login_session *like, struct login_result *ret)
{
    const struct auth_settings *settings = turn_settings(t);
    struct login_session row = { .id = turn_id(t),
                                 .user_id = account->id,
                                 .kind = like->kind,
                                 .created_at = turn_now(t),
                                 .ends_at = turn_now(t) + (int64_t)settings->session_days * DAY_MS,
                                 .idle_until = turn_now(t) + (int64_t)settings->session_idle_days * DAY_MS,
                                 .epoch = account->epoch,
                                 .client = like->client,
                                 .from = like->from };
    *ret = (struct login_result) { 0 };
    const char *text = session_secret(self, t, &row);
    int r = login_session_put_new(turn_txn(t), &row);
    if (r == 0)
        r = session_sweep(t);
    if (r < 0)
        return r;
    r = session_access(self, t, account, row.id, ret);
    if (row.kind == SESSION_KIND_WEB) { /* a browser gets its cookie and nothing that its scripts could read */
        ret->session = text;
        ret->access_token = NULL;
    } else {
        ret->refresh_token = text;
    }
    return r;
}

int session_keep(struct auth *self, struct turn *t, const struct account *account, struct login_result *ret)
{
    struct login_session row;
    int r = login_session_get(turn_txn(t), turn_arena(t), turn_subject(t)->session_id, &row);
    *ret = (struct login_result) { 0 };
    if (r < 0)
        return r;
    row.epoch = account->epoch;
    const char *text = row.kind == SESSION_KIND_WEB ? session_secret(self, t, &row) : NULL;
    r = login_session_put(turn_txn(t), &row);
    if (r == 0)
        r = session_access(self, t, account, row.id, ret);
    ret->session = text;
    if (text)
        ret->access_token = NULL;
    return r;
}

static bool session_lasts(struct turn *t, const struct login_session *row, const struct account *account)
{
    return turn_now(t) <= row->ends_at && turn_now(t) <= row->idle_until && row->epoch == account->epoch;
}

/* The session that a secret names, and its account, when both may still be used. Whether the secret fits is not asked. */
static int session_find(struct turn *t, const char *secret, enum session_kind kind, struct login_session *ret,
                        struct account *ret_account)
{
    struct id id;
    if (!secret_read(secret, &id) || login_session_get(turn_txn(t), turn_arena(t), id, ret) < 0 ||
        ret->kind != kind)
        return ERR_UNAUTHENTICATED;
    if (account_get(turn_txn(t), turn_arena(t), ret->user_id, ret_account) < 0 || ret_account->disabled ||
        !session_lasts(t, ret, ret_account))
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
    uint8_t nonce[24], before[SECRET_HASH];
    turn_random(t, nonce, sizeof(nonce));
    *ret_new = session_secret(self, t, row);
    secret_hash(old, before);
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
    return r < 0
               ? r
               : auth_refuse(t, ERR_UNAUTHENTICATED, "refresh_token",
                             "was used before: somebody else may have it, and its session is ended; log in again");
}

/* One that no session goes by: it ran out, or was made up. Whoever tries many of them is slowed down. */
static int session_unknown(struct turn *t, const char *address)
{
    struct tries tries = tries_of_address(t, address);
    int r = tries_failed(t, &tries);
    return r < 0 ? r
                 : auth_refuse(t, ERR_UNAUTHENTICATED, "refresh_token",
                               "is not known, or has run out; log in again");
}

int auth_on_refresh(struct auth *self, struct turn *t, const struct refresh *ask, struct login_result *reply)
{
    struct login_session row;
    struct account account;
    const char *token = NULL;
    int r = session_find(t, ask->refresh_token, SESSION_KIND_API, &row, &account);
    if (r < 0)
        return session_unknown(t, ask->address);
    if (secret_fits(ask->refresh_token, row.secret_hash)) {
        r = session_rotate(self, t, &row, ask->refresh_token, &token);
        if (r < 0)
            return r;
    } else if (secret_fits(ask->refresh_token, row.before_hash) && turn_now(t) <= row.before_until) {
        token = secret_open(turn_arena(t), row.before_reply, ask->refresh_token);
    } else if (!secret_is_marked(ask->refresh_token, self->family_key)) {
        return session_unknown(t, ask->address); /* made up: whoever knows the id alone cannot end the session */
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

/* ---- somebody's sessions, for themselves */

static struct session_info session_show(struct turn *t, const struct login_session *row)
{
    return (struct session_info) { .id = row->id,
                                   .kind = row->kind,
                                   .client = row->client,
                                   .from = row->from,
                                   .created_at = row->created_at,
                                   .ends_at = row->idle_until < row->ends_at ? row->idle_until : row->ends_at,
                                   .current = id_equal(row->id, turn_subject(t)->session_id) };
}

/* Fills the page; one more says that there is another page. Sessions that are over are passed over. */
static int session_walk(struct turn *t, struct table_walk *walk, const struct account *account, size_t limit,
                        struct list_sessions_reply *reply)
{
    struct login_session row;
    struct bytes at = { 0 };
    int r;
    while ((r = table_walk_next(walk, turn_arena(t), &row)) > 0) {
        if (!session_lasts(t, &row, account))
            continue;
        if (reply->items_n == limit) {
            reply->next = page_cursor_text(turn_arena(t), at);
            return 0;
        }
        reply->items[reply->items_n++] = session_show(t, &row);
        at = arena_bytes(turn_arena(t), table_walk_at(walk));
    }
    return r;
}

int auth_on_list_sessions(struct auth *self, struct turn *t, const struct list_sessions *ask,
                          struct list_sessions_reply *reply)
{
    struct login_session mine = { .user_id = turn_subject(t)->user_id };
    struct table_walk walk;
    struct account account;
    struct bytes after;
    int r = account_get(turn_txn(t), turn_arena(t), mine.user_id, &account);
    if (r < 0)
        return r;
    r = page_cursor_read(turn_arena(t), ask->cursor, &after);
    if (r == 0)
        r = table_walk_start(&walk, turn_txn(t), &login_session_table, LOGIN_SESSION_BY_USER, &mine, 1, TABLE_DOWN,
                             after);
    if (r < 0)
        return r == ERR_INVALID ? turn_fail(t, r, "cursor", "is not one of ours; begin without it") : r;
    reply->items = arena_alloc_n(turn_arena(t), ask->limit + 1, sizeof(*reply->items));
    r = session_walk(t, &walk, &account, ask->limit, reply);
    table_walk_end(&walk);
    return r;
}

int auth_on_end_session(struct auth *self, struct turn *t, const struct end_session *ask)
{
    struct login_session row;
    int r = login_session_get(turn_txn(t), turn_arena(t), ask->id, &row);
    if (r == ERR_NOT_FOUND || (r == 0 && !id_equal(row.user_id, turn_subject(t)->user_id)))
        return turn_fail(t, ERR_NOT_FOUND, NULL, "it is none of your sessions, or is over already");
    if (r == 0)
        r = login_session_del(turn_txn(t), row.id);
    return r < 0 ? r : session_revoke(t, row.id);
}

int auth_on_validate(struct auth *self, struct turn *t, const struct validate *ask, struct validate_reply *reply)
{
    const struct subject *subject = turn_subject(t);
    *reply = (struct validate_reply) { .user_id = subject->user_id,
                                       .role = subject->role,
                                       .expires_at = subject->expires_at };
    return 0;
}
