/* envelope - the sixteen bytes before a value, and their check. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "data/store/envelope.h"
#include "data/store/internal.h"
#include "gen/errors.h"

static_assert(STORE_SIPKEY_SIZE == crypto_shorthash_KEYBYTES, "SipHash's key");
static_assert(crypto_shorthash_BYTES == 8, "SipHash-2-4 gives 64 bits");

static void envelope_u16(uint8_t *to, uint16_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}

static uint16_t envelope_read_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void envelope_head(uint8_t head[8], uint16_t type, uint16_t version, size_t len)
{
    envelope_u16(head, type);
    envelope_u16(head + 2, version);
    envelope_u16(head + 4, (uint16_t)(len >> 16));
    envelope_u16(head + 6, (uint16_t)len);
}

/* The payload is hashed first, then its hash together with all that says where it belongs: nothing is
 * copied. */
static void envelope_hash(const struct store *store, const uint8_t head[8], struct bytes key, struct bytes payload,
                          uint8_t ret[8])
{
    uint8_t whole[8 + 8 + STORE_KEY_MAX];

    memcpy(whole, head, 8);
    crypto_shorthash(whole + 8, payload.data, payload.len, store->sipkey);
    memcpy(whole + 16, key.data, key.len);
    crypto_shorthash(ret, whole, 16 + key.len, store->sipkey);
}

int envelope_seal(const struct store *store, uint16_t type, uint16_t version, struct bytes key,
                  struct bytes payload, struct buf *out)
{
    uint8_t head[ENVELOPE_SIZE];

    if (key.len > STORE_KEY_MAX || payload.len > UINT32_MAX)
        return ERR_TOO_LARGE;
    envelope_head(head, type, version, payload.len);
    envelope_hash(store, head, key, payload, head + 8);
    buf_put(out, head, sizeof(head));
    buf_put(out, payload.data, payload.len);
    return 0;
}

int envelope_open(const struct store *store, uint16_t type, struct bytes key, struct bytes value,
                  uint16_t *ret_version, struct bytes *ret_payload)
{
    const uint8_t *p = value.data;
    struct bytes payload;
    uint8_t hash[8];

    if (value.len < ENVELOPE_SIZE || key.len > STORE_KEY_MAX)
        return ERR_CORRUPT;
    payload = (struct bytes) { .data = p + ENVELOPE_SIZE, .len = value.len - ENVELOPE_SIZE };
    if (envelope_read_u16(p) != type ||
        ((uint64_t)envelope_read_u16(p + 4) << 16 | envelope_read_u16(p + 6)) != payload.len)
        return ERR_CORRUPT;
    envelope_hash(store, p, key, payload, hash);
    if (memcmp(hash, p + 8, 8) != 0)
        return ERR_CORRUPT;
    *ret_version = envelope_read_u16(p + 2);
    *ret_payload = payload;
    return 0;
}
