/* sha1 - SHA-1 (FIPS 180-4), because every tus server must know it as a checksum. Never for anything secret.
 * */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20

struct sha1 {
    uint32_t h[5];
    uint64_t len;
    uint8_t block[64];
};

void sha1_init(struct sha1 *sha);
void sha1_update(struct sha1 *sha, const void *data, size_t len);
void sha1_final(struct sha1 *sha, uint8_t to[static SHA1_SIZE]);
