/* suggestions - titles, tags and names of videos that anyone may find, by how they are typed.
 *
 * Weak spot: titles of more than SUGGESTION_BYTES bytes are not suggested; of what many videos share, those
 * most used come first among the first SUGGESTIONS_LOOKED_AT in the order of letters. */
#pragma once

#include "actors/index/generation.h"

enum {
    SUGGESTION_BYTES = 380,       /* of the text: it is part of a key */
    SUGGESTION_TYPED_BYTES = 100, /* of its folded form */
    SUGGESTIONS_LOOKED_AT = 500,
};

/* What a document suggests, before and after a change; NULL: it suggests nothing. */
int suggestions_change(struct store_txn *txn, struct arena *arena, const struct index_document *old,
                       const struct index_text *old_text, const struct index_document *new,
                       const struct index_text *new_text);

int suggestions_find(struct store_txn *txn, struct arena *arena, uint64_t generation, const char *beginning,
                     size_t most, const char ***ret, size_t *ret_n);
