/* sha256 - see sha256.h */
#include "data/blobs/sha256.h"

#include <endian.h>
#include <string.h>

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
    uint64_t count = htobe64(s->state.count);

    for (unsigned i = 0; i < 8; i++) {
        uint32_t word = htobe32(s->state.state[i]);

        memcpy(to + sizeof(word) * i, &word, sizeof(word));
    }
    memcpy(to + 32, &count, sizeof(count));
    memset(to + 40, 0, 64);
    memcpy(to + 40, s->state.buf, s->state.count / 8 % 64);
}

void sha256_load(struct sha256 *s, const uint8_t from[static SHA256_STATE])
{
    uint64_t count;

    for (unsigned i = 0; i < 8; i++) {
        uint32_t word;

        memcpy(&word, from + sizeof(word) * i, sizeof(word));
        s->state.state[i] = be32toh(word);
    }
    memcpy(&count, from + 32, sizeof(count));
    s->state.count = be64toh(count);
    memcpy(s->state.buf, from + 40, 64);
}
