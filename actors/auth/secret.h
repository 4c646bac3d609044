/* secret - the opaque tokens of sessions: a session's id and 32 random bytes, base64url. Only a hash of them is kept. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/arena.h"
#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

enum { SECRET_RANDOM = 32, SECRET_RAW = 16 + SECRET_RANDOM, SECRET_HASH = 32 };

const char *secret_text(struct arena *arena, struct id id, const uint8_t random[static SECRET_RANDOM]);
/* The id in it; false when the text cannot be one of ours. */
bool secret_read(const char *text, struct id *ret_id);
void secret_hash(const char *text, uint8_t to[static SECRET_HASH]);
/* In constant time; false when nothing is kept. */
bool secret_fits(const char *text, struct bytes kept_hash);

/* `text` sealed so that only who has `under` can open it; and opened again, NULL when it does not fit. */
struct bytes secret_seal(struct arena *arena, const char *text, const char *under, const uint8_t nonce[static 24]);
const char *secret_open(struct arena *arena, struct bytes sealed, const char *under);
