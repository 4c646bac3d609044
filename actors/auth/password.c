#include "actors/auth/password.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

/* The ones that guessing begins with; all at least 8 characters, which is the bound of the schema. */
static const char *const common[] = {
    "12345678",   "123456789",     "1234567890", "password", "password1", "password123", "qwertyui", "qwertyuiop",
    "qwerty123",  "11111111",      "00000000",   "iloveyou", "sunshine",  "princess",    "football", "baseball",
    "superman",   "trustno1",      "welcome1",   "letmein1", "abcd1234",  "abc12345",    "1q2w3e4r", "1qaz2wsx",
    "adminadmin", "administrator", "passw0rd",   "p@ssw0rd", "michelle",  "jennifer",    "computer", "changeme",
    "12341234",   "87654321",      "88888888",   "asdfghjk", "asdfasdf",  "zxcvbnm1",    "starwars", "internet",
};

const char *password_objection(const char *password)
{
    if (strlen(password) < 8)
        return "must have at least 8 characters";
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        if (strcasecmp(password, common[i]) == 0)
            return "is among the passwords that are guessed first; choose another one";
    }
    return NULL;
}

void password_run(struct password_job *job)
{
    unsigned char mixed[32];
    crypto_generichash(mixed, sizeof(mixed), (const unsigned char *)job->password, strlen(job->password),
                       job->pepper, sizeof(job->pepper));
    sodium_memzero(job->password, sizeof(job->password));
    if (*job->kept) {
        job->right = crypto_pwhash_str_verify(job->kept, (const char *)mixed, sizeof(mixed)) == 0;
        if (!job->right || crypto_pwhash_str_needs_rehash(job->kept, job->passes, job->memory) == 0) {
            sodium_memzero(mixed, sizeof(mixed));
            return;
        }
    }
    job->failed = crypto_pwhash_str_alg(job->made, (const char *)mixed, sizeof(mixed), job->passes, job->memory,
                                        crypto_pwhash_ALG_ARGON2ID13) != 0;
    sodium_memzero(mixed, sizeof(mixed));
    sodium_memzero(job->pepper, sizeof(job->pepper));
}

int password_work(void *ctx)
{
    password_run(ctx);
    return 0;
}
