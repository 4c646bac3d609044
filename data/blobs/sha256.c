/* sha256 - see sha256.h */
#include "data/blobs/sha256.h"

#include <string.h>

#include <sodium.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

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

/* libsodium's, which shows its state, for whole blocks. */
void sha256_plain_blocks(uint32_t h[8], const uint8_t *data, size_t blocks)
{
    crypto_hash_sha256_state state = { .count = 0 };

    memcpy(state.state, h, sizeof(state.state));
    crypto_hash_sha256_update(&state, data, blocks * 64);
    memcpy(h, state.state, sizeof(state.state));
}

#if defined(__x86_64__)
static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The instructions hold the state as (a b e f) and (c d g h), the high word first. */
__attribute__((target("sha,sse4.1"))) static void sha256_fast_blocks(uint32_t h[8], const uint8_t *data,
                                                                     size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i dcba = _mm_loadu_si128((const __m128i *)h), hgfe = _mm_loadu_si128((const __m128i *)(h + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (; blocks; blocks--, data += 64) {
        __m128i abef_before = abef, cdgh_before = cdgh, w[4];

#pragma GCC unroll 16
        for (unsigned i = 0; i < 16; i++) { /* four rounds each */
            __m128i now, sum;

            if (i < 4) {
                now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + (size_t)16 * i)), swap);
            } else {
                now = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
                now = _mm_add_epi32(now, _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
                now = _mm_sha256msg2_epu32(now, w[(i + 3) % 4]);
            }
            w[i % 4] = now;
            sum = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)(sha256_k + (size_t)4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    cdab = _mm_shuffle_epi32(abef, 0x1b);
    efgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(cdab, efgh, 0xf0));
    _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(efgh, cdab, 8));
}

static int sha256_is_fast(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSE4_1 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           b & bit_SHA;
}
#endif

static void sha256_blocks(uint32_t h[8], const uint8_t *data, size_t blocks)
{
#if defined(__x86_64__)
    static _Atomic int fast = -1; /* each thread finds the same */

    if (fast < 0)
        fast = sha256_is_fast() != 0;
    if (fast) {
        sha256_fast_blocks(h, data, blocks);
        return;
    }
#endif
    sha256_plain_blocks(h, data, blocks);
}

void sha256_init(struct sha256 *s)
{
    *s = (struct sha256) { .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                  0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t held = s->length % 64, n = len < 64 - held ? len : 64 - held;

    s->length += len;
    if (held) {
        memcpy(s->rest + held, p, n);
        p += n;
        len -= n;
        if (held + n < 64)
            return;
        sha256_blocks(s->h, s->rest, 1);
    }
    sha256_blocks(s->h, p, len / 64);
    memcpy(s->rest, p + len / 64 * 64, len % 64);
}

void sha256_final(const struct sha256 *s, uint8_t ret[static SHA256_SIZE])
{
    struct sha256 end = *s;
    uint8_t pad[128] = { 0x80 };
    size_t held = s->length % 64, n = held < 56 ? 64 - held : 128 - held;

    sha256_put(pad + n - 8, s->length * 8, 8);
    sha256_update(&end, pad, n);
    for (unsigned i = 0; i < 8; i++)
        sha256_put(ret + (size_t)4 * i, end.h[i], 4);
}

void sha256_save(const struct sha256 *s, uint8_t to[static SHA256_STATE])
{
    for (unsigned i = 0; i < 8; i++)
        sha256_put(to + (size_t)4 * i, s->h[i], 4);
    sha256_put(to + 32, s->length, 8);
    memset(to + 40, 0, 64);
    memcpy(to + 40, s->rest, s->length % 64);
}

void sha256_load(struct sha256 *s, const uint8_t from[static SHA256_STATE])
{
    for (unsigned i = 0; i < 8; i++)
        s->h[i] = (uint32_t)sha256_get(from + (size_t)4 * i, 4);
    s->length = sha256_get(from + 32, 8);
    memcpy(s->rest, from + 40, 64);
}
