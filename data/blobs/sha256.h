/* sha256 - SHA-256 (FIPS 180-4) whose state can be written down and taken up again by another process.
 *
 * By the processor's own instructions where it has them (several times as fast), else by libsodium. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE  32
#define SHA256_STATE (32 + 8 + 64) /* bytes of a state that is written down */

struct sha256 {
    uint32_t h[8];
    uint64_t length;  /* bytes so far */
    uint8_t rest[64]; /* the first length % 64 of it: bytes that fill no block yet */
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
/* s is left as it is: more may follow. */
void sha256_final(const struct sha256 *s, uint8_t ret[static SHA256_SIZE]);

void sha256_save(const struct sha256 *s, uint8_t to[static SHA256_STATE]);
void sha256_load(struct sha256 *s, const uint8_t from[static SHA256_STATE]);

/* Without the processor's instructions; for tests. */
void sha256_plain_blocks(uint32_t h[8], const uint8_t *data, size_t blocks);
