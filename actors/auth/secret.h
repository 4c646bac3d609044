/* secret - opaque tokens, base64url: the id of what they are for and 32 random bytes. Only a hash of them is kept.
 *
 * A marked one ends with 16 bytes more, which only this platform can make: it tells a token that was good once from one that
 * was made up, though nothing is kept of it. A mark alone says the same of an id. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/arena.h"
#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

enum { SECRET_RANDOM = 32, SECRET_RAW = 16 + SECRET_RANDOM, SECRET_MARK = 16, SECRET_HASH = 32, SECRET_KEY = 32 };

const char *secret_text(struct arena *arena, struct id id, const uint8_t random[static SECRET_RANDOM]);
/* A key of its own for each use (at most 15 characters). */
void secret_derive(const uint8_t from[static SECRET_KEY], const char *use, uint8_t to[static SECRET_KEY]);
const char *secret_marked_text(struct arena *arena, struct id id, const uint8_t random[static SECRET_RANDOM],
                               const uint8_t key[static SECRET_KEY]);
/* Whether a token was made by secret_marked_text. */
bool secret_is_marked(const char *text, const uint8_t key[static SECRET_KEY]);
/* An id with its mark, good for `about` alone; and the id again, when the mark is good. */
const char *secret_mark_text(struct arena *arena, struct id id, struct id about,
                             const uint8_t key[static SECRET_KEY]);
bool secret_mark_read(const char *text, struct id about, const uint8_t key[static SECRET_KEY], struct id *ret_id);

/* The id in it; false when the text cannot be one of ours. */
bool secret_read(const char *text, struct id *ret_id);
void secret_hash(const char *text, uint8_t to[static SECRET_HASH]);
/* In constant time; false when nothing is kept. */
bool secret_fits(const char *text, struct bytes kept_hash);

/* `text` sealed so that only who has `under` can open it; and opened again, NULL when it does not fit. */
struct bytes secret_seal(struct arena *arena, const char *text, const char *under, const uint8_t nonce[static 24]);
const char *secret_open(struct arena *arena, struct bytes sealed, const char *under);
