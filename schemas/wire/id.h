/* id - a name for ever: a UUIDv7, 16 bytes on the wire and in keys. All zero: absent.
 *
 * Its text form is a TypeID, for JSON, logs and people: the prefix of its type, `_`, and 26 characters of Crockford's
 * base32 in lower case (`video_01h455vb4pex5vsknk084sn02q`). Ids made later sort later, in both forms. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id {
    uint8_t b[16];
};

#define ID_NONE       ((struct id) { { 0 } })
#define ID_PREFIX_MAX 32
#define ID_TEXT_SIZE  (ID_PREFIX_MAX + 1 + 26 + 1) /* room for the text of any id, with its NUL */

bool id_is_zero(struct id id);
bool id_equal(struct id a, struct id b);
int id_compare(struct id a, struct id b);

/* A UUIDv7 of this moment; 10 random bytes, of which 74 bits are used. */
struct id id_make(int64_t now_ms, const uint8_t random[10]);
int64_t id_time(struct id id); /* the moment in it, ms UTC */

/* Answers `to`. prefix NULL or "": no prefix and no underscore. */
const char *id_format(const char *prefix, struct id id, char to[static ID_TEXT_SIZE]);

/* ERR_INVALID unless text is exactly the form that id_format gives for this prefix. */
int id_parse(const char *prefix, const char *text, struct id *ret);
