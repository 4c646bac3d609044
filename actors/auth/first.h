/* first - what a new store gets before anything else: the signing key, the pepper, and the first administrator. */
#pragma once

#include "actors/auth/auth.h"

/* Reads the keys into self; makes them when there are none. */
int first_keys(struct auth *self, int64_t now);
/* Makes the administrator when there is no account at all. The password comes from auth.admin_password_file; without
 * one it is made here and printed once, on standard error. */
int first_admin(struct auth *self, const struct auth_settings *settings, int64_t now);
