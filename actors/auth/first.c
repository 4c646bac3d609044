#include "actors/auth/first.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "actors/auth/password.h"
#include "actors/auth/secret.h"
#include "data/store/table.h"
#include "gen/errors.h"

#define PEPPER_KID      "pepper"
#define SIGN_KID_PREFIX "sign" /* the record's key; the published kid is the hash of the public key */

/* The secret under a name, made on first use. */
static int first_secret(struct store_txn *txn, struct arena *arena, const char *name, int64_t now,
                        uint8_t to[static 32])
{
    struct auth_key row;
    int r = auth_key_get(txn, arena, name, &row);
    if (r == 0) {
        memcpy(to, row.secret_key.data, 32);
        return 0;
    }
    if (r != ERR_NOT_FOUND)
        return r;
    randombytes_buf(to, 32);
    row = (struct auth_key) { .kid = name, .secret_key = bytes_of(to, 32), .created_at = now };
    return auth_key_put_new(txn, &row);
}

int first_keys(struct auth *self, int64_t now)
{
    struct arena *arena = arena_new();
    struct store_txn *txn = NULL;
    uint8_t secret[64], hash[16];
    int r = store_begin_write(self->store, &txn);
    if (r == 0)
        r = first_secret(txn, arena, SIGN_KID_PREFIX, now, self->seed);
    if (r == 0)
        r = first_secret(txn, arena, PEPPER_KID, now, self->pepper);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    arena_free(&arena);
    crypto_sign_seed_keypair(self->public_key, secret, self->seed);
    sodium_memzero(secret, sizeof(secret));
    secret_derive(self->pepper, "kinobus.device", self->device_key);
    secret_derive(self->pepper, "kinobus.family", self->family_key);
    crypto_generichash(hash, sizeof(hash), self->public_key, sizeof(self->public_key), NULL, 0);
    sodium_bin2hex(self->kid, 9, hash, 4);
    return r;
}

/* The first line of the file, without its end. */
static int first_read_password(const char *path, char *to, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        fprintf(stderr, "auth: auth.admin_password_file: %s: %s\n", path, strerror(errno));
        return ERR_IO;
    }
    char *got = fgets(to, (int)size, f);
    fclose(f);
    to[got ? strcspn(to, "\r\n") : 0] = '\0';
    if (strlen(to) >= 8)
        return 0;
    fprintf(stderr,
            "auth: auth.admin_password_file: %s: its first line must be a password of 8 characters or more\n",
            path);
    return ERR_INVALID;
}

static int first_password(const struct auth_settings *settings, char *to, size_t size)
{
    uint8_t random[15];
    if (settings->admin_password_file && *settings->admin_password_file)
        return first_read_password(settings->admin_password_file, to, size);
    randombytes_buf(random, sizeof(random));
    sodium_bin2base64(to, size, random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    fprintf(stderr, "auth: first start: sign in as %s with the password %s (printed this once)\n",
            settings->admin_email, to);
    return 0;
}

static int first_put_admin(struct auth *self, const struct auth_settings *settings, int64_t now,
                           struct store_txn *txn)
{
    struct password_job job = { .passes = settings->hash_passes, .memory = settings->hash_kib * 1024 };
    uint8_t random[10];
    int r = first_password(settings, job.password, sizeof(job.password));
    if (r < 0)
        return r;
    memcpy(job.pepper, self->pepper, sizeof(job.pepper));
    password_run(&job);
    if (job.failed)
        return ERR_NO_MEMORY;
    randombytes_buf(random, sizeof(random));
    struct account admin = { .id = id_make(now, random),
                             .email = settings->admin_email,
                             .email_key = settings->admin_email,
                             .name = "Administrator",
                             .role = ROLE_ADMIN,
                             .verified = true,
                             .created_at = now,
                             .password_hash = job.made };
    return account_put_new(txn, &admin);
}

int first_admin(struct auth *self, const struct auth_settings *settings, int64_t now)
{
    struct store_txn *txn = NULL;
    uint64_t accounts = 0;
    int r = store_begin_write(self->store, &txn);
    if (r == 0)
        r = table_count(txn, &account_table, &accounts);
    if (r == 0 && accounts == 0)
        r = first_put_admin(self, settings, now, txn);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    return r;
}
