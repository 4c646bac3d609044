/* wire - structs as msgpack and back, driven by descriptors that the schema compiler emits.
 *
 * On the bus and at rest a struct is a msgpack map {field number: value}. A reader skips numbers that it does not
 * know. What is absent is zero in C (NULL, no items, a zero id), or the field's default; an optional field has
 * `bool has_NAME` beside it, so that absent and zero are two things.
 *
 * Pack       refuses what unpack would refuse: a sender meets its own mistakes, a record that is kept can be read
 * Unpack     checks first, in one pass without allocation: nesting of 8, counts no larger than the bytes left, as many
 *            nodes as the type can have, UTF-8; only then does msgpack-c see the bytes. The result borrows from the
 *            arena alone
 * Refuses    a missing required field, a value out of its bounds, a value of another kind; with the path of the field
 * Text       never holds a NUL; its bounds count characters (code points), those of bytes count bytes */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/arena.h"
#include "schemas/wire/buf.h"
#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

enum wire_kind {
    WIRE_BOOL,   /* bool */
    WIRE_INT,    /* int64_t */
    WIRE_UINT,   /* uint64_t ("count" in a schema) */
    WIRE_FLOAT,  /* double, finite */
    WIRE_TEXT,   /* const char *, NULL: absent */
    WIRE_BYTES,  /* struct bytes, data NULL: absent */
    WIRE_ID,     /* struct id, zero: absent */
    WIRE_TIME,   /* int64_t, ms UTC */
    WIRE_ENUM,   /* an enum, 0: absent */
    WIRE_STRUCT, /* embedded */
};

enum wire_flags {
    WIRE_REQUIRED = 1, /* must be there */
    WIRE_LIST = 2,     /* T *name; size_t name_n */
    WIRE_OPTIONAL = 4, /* absent and zero are two things */
    WIRE_SECRET = 8,   /* never in a log or on a tap */
    WIRE_MIN = 16,     /* min counts */
    WIRE_MAX = 32,     /* max counts */
    WIRE_DEFAULT = 64, /* fallback counts */
    WIRE_HAS = 128, /* it has a has_NAME; an optional text, bytes or id has none: it is absent when NULL or zero */
    WIRE_ADDRESS = 256, /* the front makes it the address of who asks, and it is no part of the JSON */
};

/* One number in the kind of its field: i for int and time, f for float, u for all else. */
union wire_number {
    int64_t i;
    uint64_t u;
    double f;
};

struct wire_name { /* a value of an enum */
    const char *name;
    int value;
};

struct wire_enum {
    const char *name;
    const struct wire_name *values; /* by rising value */
    size_t values_n;
};

struct wire_type;

struct wire_field {
    uint32_t number;
    enum wire_kind kind;
    unsigned flags;
    const char *name;
    size_t offset;              /* of the value, or of the pointer of a list */
    size_t count_at;            /* of NAME_n: a list */
    size_t has_at;              /* of has_NAME: optional, and a number, bool, time, enum, struct or list */
    union wire_number min, max; /* of the value, or of the length of a text or bytes; in a list, of each item */
    union wire_number fallback; /* the default: a number, bool or enum */
    const char *fallback_text;  /* the default of a text */
    uint32_t min_items, max_items;
    const struct wire_type *type;  /* of a struct */
    const struct wire_enum *names; /* of an enum */
    const char *prefix;            /* of an id's text form */
    const char *cookie;            /* the front makes it a cookie, or one it; no part of the JSON; else NULL */
    const char *doc;
};

struct wire_type {
    const char *name;
    size_t size;
    const struct wire_field *fields; /* by rising number */
    size_t fields_n;
    uint32_t max_nodes; /* msgpack values that the largest legal one has */
};

#define WIRE_DEPTH         8
#define WIRE_PATH_SIZE     120
#define WIRE_SENTENCE_SIZE 160

struct wire_error {
    int err;                           /* ERR_INVALID, ERR_MALFORMED or ERR_TOO_LARGE; 0: none */
    char path[WIRE_PATH_SIZE];         /* "segments[3].size"; empty: the whole */
    char sentence[WIRE_SENTENCE_SIZE]; /* "must be at most 200 characters" */
};

/* Appends to out; on an error out is as before. err may be NULL. */
int wire_pack(const struct wire_type *type, const void *obj, struct buf *out);
int wire_pack_err(const struct wire_type *type, const void *obj, struct buf *out, struct wire_error *err);
int wire_unpack(const struct wire_type *type, struct bytes in, struct arena *arena, void *obj,
                struct wire_error *err);

/* Whether a struct that was built or changed in C is legal. */
int wire_validate(const struct wire_type *type, const void *obj, struct wire_error *err);

/* Sets one plain field (no list, struct or bytes) from what an operator wrote: 12, true, 1.5, a name of the enum, a text,
 * an id, an RFC 3339 time. Its bounds are checked, those of other fields are not. */
int wire_set_text(const struct wire_type *type, const struct wire_field *field, const char *text,
                  struct arena *arena, void *obj, struct wire_error *err);

/* Appends what wire_set_text would read: the value as an operator writes it; nothing when it is absent. */
void wire_get_text(const struct wire_field *field, const void *obj, struct buf *out);

/* Sets what is zero to its default, as an absent field would be when unpacked. */
void wire_init(const struct wire_type *type, void *obj);

/* A copy of everything a struct points to, in another arena. */
void wire_copy(const struct wire_type *type, const void *from, struct arena *arena, void *to);

bool wire_is_empty(const struct wire_type *type, const void *obj); /* every field is absent or its default */

const struct wire_field *wire_find(const struct wire_type *type, const char *name); /* NULL: no such field */
const char *wire_enum_name(const struct wire_enum *names, int value);               /* NULL: no such value */
int wire_enum_value(const struct wire_enum *names, const char *name, size_t len);   /* 0: no such name */

/* The one-pass check that unpack makes first, for bytes whose type is not known: one whole msgpack value and nothing
 * behind it. ERR_MALFORMED or ERR_TOO_LARGE. */
int wire_check(struct bytes in, uint32_t max_nodes, struct wire_error *err);
bool wire_utf8(const char *text, size_t len, size_t *ret_chars); /* well formed, without NUL; counts characters */

/* The descriptor of struct NAME, and its typed NAME_pack and NAME_unpack. */
#define WIRE_TYPE(NAME)                                                                    \
    extern const struct wire_type NAME##_type;                                             \
    static inline int NAME##_pack(const struct NAME *from, struct buf *out)                \
    {                                                                                      \
        return wire_pack(&NAME##_type, from, out);                                         \
    }                                                                                      \
    static inline int NAME##_unpack(struct bytes in, struct arena *arena, struct NAME *to, \
                                    struct wire_error *err)                                \
    {                                                                                      \
        return wire_unpack(&NAME##_type, in, arena, to, err);                              \
    }
