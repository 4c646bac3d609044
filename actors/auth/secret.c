#include "actors/auth/secret.h"

#include <sodium.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const char *secret_base64(struct arena *arena, const uint8_t *raw, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, BASE64);
    return sodium_bin2base64(arena_alloc(arena, size), size, raw, len, BASE64);
}

/* False: more than `most` bytes, or no base64url. */
static bool secret_raw(const char *text, uint8_t *to, size_t most, size_t *ret_len)
{
    return text && sodium_base642bin(to, most, text, strlen(text), NULL, ret_len, NULL, BASE64) == 0;
}

const char *secret_text(struct arena *arena, struct id id, const uint8_t random[static SECRET_RANDOM])
{
    uint8_t raw[SECRET_RAW];
    memcpy(raw, id.b, sizeof(id.b));
    memcpy(raw + sizeof(id.b), random, SECRET_RANDOM);
    return secret_base64(arena, raw, sizeof(raw));
}

bool secret_read(const char *text, struct id *ret_id)
{
    uint8_t raw[SECRET_RAW + SECRET_MARK];
    size_t len;
    if (!secret_raw(text, raw, sizeof(raw), &len) || (len != SECRET_RAW && len != sizeof(raw)))
        return false;
    memcpy(ret_id->b, raw, sizeof(ret_id->b));
    return true;
}

/* ---- marks */

void secret_derive(const uint8_t from[static SECRET_KEY], const char *use, uint8_t to[static SECRET_KEY])
{
    unsigned char name[16] = { 0 };
    memcpy(name, use, strlen(use) < sizeof(name) ? strlen(use) : sizeof(name));
    crypto_generichash(to, SECRET_KEY, name, sizeof(name), from, SECRET_KEY);
}

const char *secret_marked_text(struct arena *arena, struct id id, const uint8_t random[static SECRET_RANDOM],
                               const uint8_t key[static SECRET_KEY])
{
    uint8_t raw[SECRET_RAW + SECRET_MARK];
    memcpy(raw, id.b, sizeof(id.b));
    memcpy(raw + sizeof(id.b), random, SECRET_RANDOM);
    crypto_generichash(raw + SECRET_RAW, SECRET_MARK, raw, SECRET_RAW, key, SECRET_KEY);
    return secret_base64(arena, raw, sizeof(raw));
}

bool secret_is_marked(const char *text, const uint8_t key[static SECRET_KEY])
{
    uint8_t raw[SECRET_RAW + SECRET_MARK], mark[SECRET_MARK];
    size_t len;
    if (!secret_raw(text, raw, sizeof(raw), &len) || len != sizeof(raw))
        return false;
    crypto_generichash(mark, sizeof(mark), raw, SECRET_RAW, key, SECRET_KEY);
    return sodium_memcmp(mark, raw + SECRET_RAW, sizeof(mark)) == 0;
}

static void secret_mark(struct id id, struct id about, const uint8_t key[static SECRET_KEY],
                        uint8_t to[static SECRET_MARK])
{
    uint8_t both[2 * sizeof(id.b)];
    memcpy(both, id.b, sizeof(id.b));
    memcpy(both + sizeof(id.b), about.b, sizeof(about.b));
    crypto_generichash(to, SECRET_MARK, both, sizeof(both), key, SECRET_KEY);
}

const char *secret_mark_text(struct arena *arena, struct id id, struct id about,
                             const uint8_t key[static SECRET_KEY])
{
    uint8_t raw[sizeof(id.b) + SECRET_MARK];
    memcpy(raw, id.b, sizeof(id.b));
    secret_mark(id, about, key, raw + sizeof(id.b));
    return secret_base64(arena, raw, sizeof(raw));
}

bool secret_mark_read(const char *text, struct id about, const uint8_t key[static SECRET_KEY], struct id *ret_id)
{
    uint8_t raw[sizeof(ret_id->b) + SECRET_MARK], mark[SECRET_MARK];
    struct id id;
    size_t len;
    if (!secret_raw(text, raw, sizeof(raw), &len) || len != sizeof(raw))
        return false;
    memcpy(id.b, raw, sizeof(id.b));
    secret_mark(id, about, key, mark);
    if (sodium_memcmp(mark, raw + sizeof(id.b), sizeof(mark)) != 0)
        return false;
    *ret_id = id;
    return true;
}

void secret_hash(const char *text, uint8_t to[static SECRET_HASH])
{
    crypto_generichash(to, SECRET_HASH, (const unsigned char *)text, strlen(text), NULL, 0);
}

bool secret_fits(const char *text, struct bytes kept_hash)
{
    uint8_t hash[SECRET_HASH];
    secret_hash(text, hash);
    return kept_hash.len == sizeof(hash) && sodium_memcmp(hash, kept_hash.data, sizeof(hash)) == 0;
}

/* The key comes from the token itself, under a name of its own, so that the hash that is kept does not give it away. */
static void secret_key(const char *under, uint8_t key[static crypto_secretbox_KEYBYTES])
{
    static const unsigned char name[16] = "kinobus.refresh";
    crypto_generichash(key, crypto_secretbox_KEYBYTES, (const unsigned char *)under, strlen(under), name,
                       sizeof(name));
}

struct bytes secret_seal(struct arena *arena, const char *text, const char *under, const uint8_t nonce[static 24])
{
    uint8_t key[crypto_secretbox_KEYBYTES];
    size_t len = strlen(text), size = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + len;
    uint8_t *out = arena_alloc(arena, size);
    secret_key(under, key);
    memcpy(out, nonce, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, (const unsigned char *)text, len, nonce, key);
    sodium_memzero(key, sizeof(key));
    return bytes_of(out, size);
}

const char *secret_open(struct arena *arena, struct bytes sealed, const char *under)
{
    uint8_t key[crypto_secretbox_KEYBYTES];
    const uint8_t *at = sealed.data;
    if (sealed.len < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
        return NULL;
    size_t len = sealed.len - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES;
    char *text = arena_alloc(arena, len + 1);
    secret_key(under, key);
    int bad = crypto_secretbox_open_easy((unsigned char *)text, at + crypto_secretbox_NONCEBYTES,
                                         sealed.len - crypto_secretbox_NONCEBYTES, at, key);
    sodium_memzero(key, sizeof(key));
    text[len] = '\0';
    return bad ? NULL : text;
}
