/* auth - accounts, and the proofs of who somebody is.
 *
 * Serves     register_user, verify_email, login, refresh, logout, validate, get_user, ...   (schemas/auth.toml)
 * Announces  user_created, refresh_reused                Sets  keys, revoked
 * Keeps      accounts, login sessions, signing keys, the pepper and wrong passwords in $state/auth
 * Trusts     nothing but what it made itself: its own access tokens, cookies and refresh tokens
 * When busy  answers ERR_BUSY when the pool is full: hashing a password takes 25 ms of a core
 * Weak spot  an access token outlives the end of its session until the end is known everywhere: two seconds while the bus
 *            is up, the rest of its ten minutes otherwise */
#pragma once

#include "actors/runtime/actor.h"
#include "actors/runtime/turn.h"
#include "gen/auth.h"

extern const struct actor_def auth_actor;

struct auth {
    char kid[16]; /* of the key that signs now */
    uint8_t seed[32], public_key[32];
    uint8_t pepper[32];
    struct store *store;
};

/* account.c */
int auth_on_register_user(struct auth *self, struct turn *t, const struct register_user *ask, struct user *reply);
int auth_on_verify_email(struct auth *self, struct turn *t, const struct verify_email *ask, struct user *reply);
int auth_on_get_me(struct auth *self, struct turn *t, const struct get_me *ask, struct user *reply);
int auth_on_get_user(struct auth *self, struct turn *t, const struct get_user *ask, struct user *reply);
int auth_on_contact(struct auth *self, struct turn *t, const struct contact *ask, struct user *reply);
int auth_on_list_users(struct auth *self, struct turn *t, const struct list_users *ask,
                       struct list_users_reply *reply);
/* change.c */
int auth_on_update_user(struct auth *self, struct turn *t, const struct update_user *ask, struct user *reply);
int auth_on_put_user(struct auth *self, struct turn *t, const struct put_user *ask, struct user *reply);
/* login.c */
int auth_on_login(struct auth *self, struct turn *t, const struct login *ask, struct login_result *reply);
/* session.c */
int auth_on_refresh(struct auth *self, struct turn *t, const struct refresh *ask, struct login_result *reply);
int auth_on_exchange_session(struct auth *self, struct turn *t, const struct exchange_session *ask,
                             struct login_result *reply);
int auth_on_logout(struct auth *self, struct turn *t, const struct logout *ask, struct logout_reply *reply);
int auth_on_validate(struct auth *self, struct turn *t, const struct validate *ask, struct validate_reply *reply);

/* Tells others what an account is called now; its row is put already. save: puts it first. */
int account_tell(struct turn *t, const struct account *account);
int account_save(struct turn *t, struct account *account);
/* What of an account others get to see. */
struct user account_user(const struct account *account);
/* The account of an e-mail address, however it is written; ERR_NOT_FOUND. */
int account_find(struct turn *t, const char *email, struct account *ret);
/* The form of an address that is looked up; in the turn's arena. */
const char *account_email_key(struct turn *t, const char *email);

/* Makes a session, and the result of a login with it. */
int session_open(struct auth *self, struct turn *t, const struct account *account, enum session_kind kind,
                 const char *client, struct login_result *ret);
/* Ends every session and token of an account: its epoch goes up. The account is put by the caller. */
int session_end_all(struct turn *t, struct account *account);

/* Answers an error in a turn of its own, so that what this turn wrote stays. */
int auth_refuse(struct turn *t, int err);
