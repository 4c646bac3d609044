/* people - auth on a fake bus, and what people ask of it. */
#pragma once

#include "actors/auth/auth.h"
#include "tests/harness/rig.h"

#define ADMIN    "the first one's password"
#define PASSWORD "correct horse battery"

/* Of a group of tests: the file with the administrator's password. */
int people_open(void **state);
int people_close(void **state);
/* Of each test: *state is its rig. */
int people_begin(void **state);
/* The keys that auth publishes are those that its runtime verifies with, as the broker would see to. */
void people_relay_keys(struct rig *rig);

/* Each answers what auth did, and fills the reply. token NULL: nobody. */
int people_ask(struct rig *rig, const struct call_def *call, const void *body, const char *token, void *reply);
int people_register(struct rig *rig, const char *email, struct user *user);
int people_login(struct rig *rig, const char *email, const char *password, bool web, struct login_result *result);
int people_me(struct rig *rig, const char *token, struct user *user);
int people_refresh(struct rig *rig, const char *token, struct login_result *result);
int people_exchange(struct rig *rig, const char *session, struct login_result *result);
