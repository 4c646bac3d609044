/* random - see random.h */
#include "web/front/http/random.h"

#include <stdint.h>
#include <string.h>

#include <sodium.h>

static _Thread_local uint8_t random_pool[256];
static _Thread_local size_t random_left;

void random_bytes(void *to, size_t len)
{
    if (len > random_left) {
        randombytes_buf(random_pool, sizeof(random_pool));
        random_left = sizeof(random_pool);
    }
    random_left -= len;
    memcpy(to, random_pool + random_left, len);
}
