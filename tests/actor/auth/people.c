/* people - see people.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/actor/auth/people.h"

static char password_file[] = "/tmp/kinobus-auth-XXXXXX";
static char password_setting[128];
static const char *sets[] = { "auth.hash_kib=8192", "auth.hash_passes=1", password_setting, NULL };

/* The keys that auth publishes are those that its runtime verifies with, as the broker would see to. */
void people_relay_keys(struct rig *rig)
{
    const struct fake_sent *sent, *last = NULL;
    struct keys keys;

    while ((sent = fake_next(FAKE_SET, "auth.keys")))
        last = sent;
    rig_read(rig, last, &keys_type, &keys);
    rig_value(rig, &keys_value, "", &keys);
}

/* What auth says of ended sessions and epochs comes back to it, too. */
static void people_relay_revoked(struct rig *rig)
{
    const struct fake_sent *sent;
    struct revoked revoked;

    while ((sent = fake_next(FAKE_SET, "auth.revoked"))) {
        rig_read(rig, sent, &revoked_type, &revoked);
        rig_value(rig, &revoked_value, sent->key, &revoked);
    }
}

int people_begin(void **state)
{
    *state = rig_new(&auth_actor, sets);
    assert_non_null(rig_actor(*state));
    people_relay_keys(*state);
    return 0;
}

int people_ask(struct rig *rig, const struct call_def *call, const void *body, const char *token, void *reply)
{
    uint64_t cid = rig_call(rig, call, body, (struct rig_ask) { .token = token });

    rig_run(rig);
    people_relay_revoked(rig);
    return rig_reply(rig, cid, call, reply);
}

int people_register(struct rig *rig, const char *email, struct user *user)
{
    return people_ask(rig, &register_user_call,
                      &(struct register_user) { .email = email, .password = PASSWORD, .name = "Ann" }, NULL, user);
}

int people_login(struct rig *rig, const char *email, const char *password, bool web, struct login_result *result)
{
    return people_ask(rig, &login_call, &(struct login) { .email = email, .password = password, .web = web }, NULL,
                      result);
}

int people_me(struct rig *rig, const char *token, struct user *user)
{
    return people_ask(rig, &get_me_call, &(struct get_me) { 0 }, token, user);
}

int people_refresh(struct rig *rig, const char *token, struct login_result *result)
{
    return people_ask(rig, &refresh_call, &(struct refresh) { .refresh_token = token }, NULL, result);
}

int people_exchange(struct rig *rig, const char *session, struct login_result *result)
{
    return people_ask(rig, &exchange_session_call, &(struct exchange_session) { .session = session }, NULL,
                      result);
}

int people_open(void **state)
{
    int fd = mkstemp(password_file);

    if (fd < 0 || write(fd, ADMIN "\n", strlen(ADMIN) + 1) < 0)
        return -1;
    close(fd);
    snprintf(password_setting, sizeof(password_setting), "auth.admin_password_file=%s", password_file);
    return 0;
}

int people_close(void **state)
{
    return unlink(password_file);
}
