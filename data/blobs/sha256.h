/* sha256 - SHA-256 (FIPS 180-4) by libsodium, whose state can be written down and taken up again by another process. */
#pragma once

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_STATE \
    (32 + 8 + 64) /* bytes of a state that is written down: h, bits so far, the block that is not full yet */

struct sha256 {
    crypto_hash_sha256_state state;
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
static inline uint64_t sha256_length(const struct sha256 *s) /* bytes so far */
{
    return s->state.count / 8;
}
/* s is left as it is: more may follow. */
void sha256_final(const struct sha256 *s, uint8_t ret[static SHA256_SIZE]);

void sha256_save(const struct sha256 *s, uint8_t to[static SHA256_STATE]);
void sha256_load(struct sha256 *s, const uint8_t from[static SHA256_STATE]);
