/* sealed - what capabilities in a path have in common: numbers in one spelling, and a MAC at the end.
 *
 * A capability is text: fields with a dot behind each, then the MAC over what it stands for, HMAC-SHA-256 in URL-safe base64
 * without padding. Who checks one makes it again from what it should stand for and compares; so each field has one spelling. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEALED_KEY_SIZE 32
#define SEALED_MAC_SIZE 43 /* characters of the MAC */

/* Writes the MAC over the text behind the `used` characters that stand in `to`, and a NUL; there must be room for it. */
void sealed_put_mac(const char *text, size_t len, const uint8_t key[static SEALED_KEY_SIZE], char *to,
                    size_t used);
/* Whether two capabilities are the same; how long it takes tells nothing of where they differ. */
bool sealed_equal(const char *a, const char *b);
/* Reads at most 12 digits without a zero in front, and the dot behind them; *p is then behind it. */
bool sealed_number(const char **p, uint64_t *ret);
