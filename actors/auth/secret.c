#include "actors/auth/secret.h"

#include <sodium.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

const char *secret_text(struct arena *arena, struct id id, const uint8_t random[static SECRET_RANDOM])
{
    uint8_t raw[SECRET_RAW];
    size_t size = sodium_base64_encoded_len(sizeof(raw), BASE64);
    memcpy(raw, id.b, sizeof(id.b));
    memcpy(raw + sizeof(id.b), random, SECRET_RANDOM);
    return sodium_bin2base64(arena_alloc(arena, size), size, raw, sizeof(raw), BASE64);
}

bool secret_read(const char *text, struct id *ret_id)
{
    uint8_t raw[SECRET_RAW];
    size_t len;
    if (!text || sodium_base642bin(raw, sizeof(raw), text, strlen(text), NULL, &len, NULL, BASE64) != 0 ||
        len != sizeof(raw))
        return false;
    memcpy(ret_id->b, raw, sizeof(ret_id->b));
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
