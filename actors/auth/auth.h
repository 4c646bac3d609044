/* auth - accounts, and the proofs of who somebody is.
 *
 * Serves     register_user, verify_email, login, refresh, logout, validate, get_user, ...   (schemas/auth.toml)
 * Announces  user_created, link_asked, refresh_reused    Sets  keys, revoked
 * Keeps      accounts, login sessions, signing keys, the pepper and counts of wrong tries in $state/auth
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
    uint8_t device_key[32], family_key[32]; /* of the marks of devices and of refresh tokens */
    struct store *store;
};

/* account.c */
int auth_on_register_user(struct auth *self, struct turn *t, const struct register_user *ask, struct user *reply);
int auth_on_get_me(struct auth *self, struct turn *t, const struct get_me *ask, struct user *reply);
int auth_on_get_user(struct auth *self, struct turn *t, const struct get_user *ask, struct user *reply);
int auth_on_contact(struct auth *self, struct turn *t, const struct contact *ask, struct user *reply);
int auth_on_list_users(struct auth *self, struct turn *t, const struct list_users *ask,
                       struct list_users_reply *reply);
/* change.c */
int auth_on_update_user(struct auth *self, struct turn *t, const struct update_user *ask, struct user *reply);
int auth_on_put_user(struct auth *self, struct turn *t, const struct put_user *ask, struct user *reply);
int auth_on_change_password(struct auth *self, struct turn *t, const struct change_password *ask,
                            struct login_result *reply);
/* link.c */
int auth_on_verify_email(struct auth *self, struct turn *t, const struct verify_email *ask, struct user *reply);
int auth_on_ask_verification(struct auth *self, struct turn *t, const struct ask_verification *ask);
int auth_on_ask_reset(struct auth *self, struct turn *t, const struct ask_reset *ask);
int auth_on_reset_password(struct auth *self, struct turn *t, const struct reset_password *ask);
/* login.c */
int auth_on_login(struct auth *self, struct turn *t, const struct login *ask, struct login_result *reply);
/* session.c */
int auth_on_refresh(struct auth *self, struct turn *t, const struct refresh *ask, struct login_result *reply);
int auth_on_exchange_session(struct auth *self, struct turn *t, const struct exchange_session *ask,
                             struct login_result *reply);
int auth_on_logout(struct auth *self, struct turn *t, const struct logout *ask, struct logout_reply *reply);
int auth_on_list_sessions(struct auth *self, struct turn *t, const struct list_sessions *ask,
                          struct list_sessions_reply *reply);
int auth_on_end_session(struct auth *self, struct turn *t, const struct end_session *ask);
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

/* Work for the pool: this password, hashed as the settings say. */
struct password_job;
void auth_password_job(const struct auth *self, struct turn *t, struct password_job *job, const char *password);

/* What proves an address: a new token for the account, kept in it by hash (put by the caller). */
const char *link_verify_token(struct turn *t, struct account *account);

/* Makes a session, and the result of a login with it. like: its kind, client and from. */
int session_open(struct auth *self, struct turn *t, const struct account *account,
                 const struct login_session *like, struct login_result *ret);
/* The session that asks goes on though all others of the account end: a new cookie or access token. */
int session_keep(struct auth *self, struct turn *t, const struct account *account, struct login_result *ret);
/* Ends every session and token of an account: its epoch goes up. The account is put by the caller. */
int session_end_all(struct turn *t, struct account *account);

/* Answers an error in a turn of its own, so that what this turn wrote stays. field, text: as in turn_fail(); they outlive
 * the turn. */
int auth_refuse(struct turn *t, int err, const char *field, const char *text);
