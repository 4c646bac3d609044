/* sha1 - see sha1.h */
#include "web/front/http/sha1.h"

#include <string.h>

void sha1_init(struct sha1 *sha)
{
    *sha = (struct sha1) { .h = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 } };
}

static uint32_t sha1_turn(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void sha1_block(struct sha1 *sha, const uint8_t *p)
{
    uint32_t w[80], a = sha->h[0], b = sha->h[1], c = sha->h[2], d = sha->h[3], e = sha->h[4];

    for (unsigned i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (unsigned i = 16; i < 80; i++)
        w[i] = sha1_turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f, k, t;

        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else
            f = b ^ c ^ d, k = 0xca62c1d6;
        t = sha1_turn(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = sha1_turn(b, 30);
        b = a;
        a = t;
    }
    sha->h[0] += a;
    sha->h[1] += b;
    sha->h[2] += c;
    sha->h[3] += d;
    sha->h[4] += e;
}

void sha1_update(struct sha1 *sha, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len > 0) {
        size_t at = sha->len % 64, n = 64 - at < len ? 64 - at : len;

        if (at == 0 && len >= 64) {
            sha1_block(sha, p);
            n = 64;
        } else {
            memcpy(sha->block + at, p, n);
            if (at + n == 64)
                sha1_block(sha, sha->block);
        }
        sha->len += n;
        p += n;
        len -= n;
    }
}

void sha1_final(struct sha1 *sha, uint8_t to[static SHA1_SIZE])
{
    static const uint8_t padding[64] = { 0x80 };
    uint64_t bits = sha->len * 8;
    uint8_t end[8];

    sha1_update(sha, padding, 1 + (119 - sha->len % 64) % 64);
    for (unsigned i = 0; i < 8; i++)
        end[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha1_update(sha, end, sizeof(end));
    for (unsigned i = 0; i < SHA1_SIZE; i++)
        to[i] = (uint8_t)(sha->h[i / 4] >> (24 - 8 * (i % 4)));
}
