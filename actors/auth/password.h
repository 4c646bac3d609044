/* password - what is kept of a password, and whether one is right. Runs on the pool: 25 ms of one core each.
 *
 * Kept is Argon2id (libsodium's crypto_pwhash_str form) of a keyed BLAKE2b of the password; the key, the pepper, lies in
 * another record, so that hashes alone are useless. Pure; thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PASSWORD_MOST = 1024, PASSWORD_HASH_SIZE = 128 };

/* One piece of work for the pool, in and out. Wipe it with sodium_memzero when done. */
struct password_job {
    uint8_t pepper[32];
    char password[PASSWORD_MOST + 1];
    uint64_t passes, memory;       /* memory in bytes */
    char kept[PASSWORD_HASH_SIZE]; /* in: what is kept of it; empty: make it */
    bool right;                    /* out: it fits what was kept */
    char made[PASSWORD_HASH_SIZE]; /* out: to be kept from now on; empty: what is kept will do, or it was wrong */
    bool failed;                   /* out: not enough memory */
};

/* With nothing kept (an account that does not exist) it takes the same time and is not right. */
void password_run(struct password_job *job);
/* The same as a piece of work for the pool: ctx begins with a struct password_job. Answers 0. */
int password_work(void *ctx);

/* Whether a person should be told to choose another one: too short, or among the most common. NULL: fine. */
const char *password_objection(const char *password);
