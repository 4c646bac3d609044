#include "actors/auth/auth.h"

#include <sodium.h>
#include <string.h>

#include "actors/auth/first.h"
#include "actors/auth/password.h"
#include "data/store/table.h"
#include "gen/errors.h"

static int auth_open(void *state, struct actor *actor)
{
    struct auth *self = state;
    int r;

    self->store = actor_store(actor);
    r = first_keys(self, actor_now(actor));
    if (r < 0)
        return r;
    return first_admin(self, actor_settings(actor), actor_now(actor));
}

static void auth_close(void *state)
{
    struct auth *self = state;
    sodium_memzero(self->seed, sizeof(self->seed));
    sodium_memzero(self->pepper, sizeof(self->pepper));
    sodium_memzero(self->device_key, sizeof(self->device_key));
    sodium_memzero(self->family_key, sizeof(self->family_key));
}

/* The first administrator was made before there was anybody to tell. While it is the only account, and for as long as
 * somebody may have missed it, it is told at each start. */
static int auth_tell_first(struct turn *t, const struct auth_settings *settings)
{
    struct account admin;
    uint64_t accounts;
    int r = table_count(turn_txn(t), &account_table, &accounts);

    if (r < 0 || accounts != 1)
        return r;
    r = account_find(t, settings->admin_email, &admin);
    return r == ERR_NOT_FOUND ? 0 : r < 0 ? r : account_tell(t, &admin);
}

/* Owners verify tokens with what is published here. */
static int auth_up(void *state, struct turn *t)
{
    struct auth *self = state;
    struct signing_key key = { .kid = self->kid,
                               .public_key = bytes_of(self->public_key, sizeof(self->public_key)) };
    int r = set_keys(t, "", &(struct keys) { .keys = &key, .keys_n = 1 });
    return r < 0 ? r : auth_tell_first(t, turn_settings(t));
}

void auth_password_job(const struct auth *self, struct turn *t, struct password_job *job, const char *password)
{
    const struct auth_settings *settings = turn_settings(t);
    *job = (struct password_job) { .passes = settings->hash_passes, .memory = settings->hash_kib * 1024 };
    strncpy(job->password, password, sizeof(job->password) - 1);
    memcpy(job->pepper, self->pepper, sizeof(job->pepper));
}

struct refused_with {
    int err;
    const char *field, *text;
};

static int auth_say_error(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct refused_with *refusal = ctx;
    return turn_fail(t, refusal->err, refusal->field, "%s", refusal->text);
}

int auth_refuse(struct turn *t, int err, const char *field, const char *text)
{
    struct refused_with refusal = { err, field, text };
    int r = turn_after(t, 0, auth_say_error, &refusal, sizeof(refusal));
    return r < 0 ? r : TURN_LATER;
}

static const struct auth_handlers handlers = {
    .register_user = auth_on_register_user,
    .verify_email = auth_on_verify_email,
    .ask_verification = auth_on_ask_verification,
    .ask_reset = auth_on_ask_reset,
    .reset_password = auth_on_reset_password,
    .change_password = auth_on_change_password,
    .list_sessions = auth_on_list_sessions,
    .end_session = auth_on_end_session,
    .login = auth_on_login,
    .refresh = auth_on_refresh,
    .logout = auth_on_logout,
    .validate = auth_on_validate,
    .exchange_session = auth_on_exchange_session,
    .get_me = auth_on_get_me,
    .get_user = auth_on_get_user,
    .update_user = auth_on_update_user,
    .list_users = auth_on_list_users,
    .put_user = auth_on_put_user,
    .contact = auth_on_contact,
};

const struct actor_def auth_actor = {
    .name = "auth",
    .schema = &auth_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct auth),
    .open = auth_open,
    .close = auth_close,
    .up = auth_up,
};
