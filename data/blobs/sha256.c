/* sha256 - see sha256.h */
#include "data/blobs/sha256.h"

#include <string.h>

static uint64_t sha256_get(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

static void sha256_put(uint8_t *p, uint64_t v, unsigned bytes)
{
    while (bytes--) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

void sha256_init(struct sha256 *s)
{
    memset(s, 0, sizeof(*s));
    crypto_hash_sha256_init(&s->state);
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    crypto_hash_sha256_update(&s->state, data, len);
}

void sha256_final(const struct sha256 *s, uint8_t ret[static SHA256_SIZE])
{
    struct sha256 end = *s;

    crypto_hash_sha256_final(&end.state, ret);
}

void sha256_save(const struct sha256 *s, uint8_t to[static SHA256_STATE])
{
    for (unsigned i = 0; i < 8; i++)
        sha256_put(to + (size_t)4 * i, s->state.state[i], 4);
    sha256_put(to + 32, s->state.count, 8);
    memset(to + 40, 0, 64);
    memcpy(to + 40, s->state.buf, s->state.count / 8 % 64);
}

void sha256_load(struct sha256 *s, const uint8_t from[static SHA256_STATE])
{
    for (unsigned i = 0; i < 8; i++)
        s->state.state[i] = (uint32_t)sha256_get(from + (size_t)4 * i, 4);
    s->state.count = sha256_get(from + 32, 8);
    memcpy(s->state.buf, from + 40, 64);
}
