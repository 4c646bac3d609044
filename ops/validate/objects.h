/* objects - every object of a package once: fetched, read as what it is, and its bytes let go. */
#pragma once

#include "ops/validate/package.h"

struct objects;

struct objects *objects_new(struct arena *arena, int fd, const char *base);
void objects_free(struct objects **objects);

/* The object at url (NULL: an address that cannot be asked for, shown as reference); `init`: what its samples are read
 * by. With ret_text the bytes are kept in the arena. NULL when the courier is gone or there are too many of them. */
const struct object *objects_get(struct objects *objects, const char *url, const char *reference,
                                 const struct byte_range *range, enum object_kind kind, const struct object *init,
                                 struct bytes *ret_text);
/* Once more, past what is known. */
const struct object *objects_again(struct objects *objects, const char *url, struct bytes *ret_text);
void objects_list(const struct objects *objects, struct object ***ret, size_t *ret_n);
