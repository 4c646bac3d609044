/* sealed - see sealed.h */
#include "actors/runtime/sealed/sealed.h"

#include <string.h>

#include <sodium.h>

void sealed_put_mac(const char *text, size_t len, const uint8_t key[static SEALED_KEY_SIZE], char *to, size_t used)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256(mac, (const unsigned char *)text, len, key);
    sodium_bin2base64(to + used, SEALED_MAC_SIZE + 1, mac, sizeof(mac), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool sealed_equal(const char *a, const char *b)
{
    size_t len = strlen(a);

    return strlen(b) == len && sodium_memcmp(a, b, len) == 0;
}

bool sealed_number(const char **p, uint64_t *ret)
{
    size_t len = strspn(*p, "0123456789");

    if (len < 1 || len > 12 || (len > 1 && **p == '0') || (*p)[len] != '.')
        return false;
    *ret = 0;
    for (; **p != '.'; (*p)++)
        *ret = *ret * 10 + (uint64_t)(**p - '0');
    (*p)++;
    return true;
}
