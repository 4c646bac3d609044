/* open_table - what table.c, walk.c and scrub.c know of an open table. */
#pragma once

#include "data/store/envelope.h"
#include "data/store/internal.h"
#include "data/store/key.h"

struct table_open {
    const struct table_def *def;
    struct store_db *db, **indexes;
};

/* NULL: the table was not opened, a mistake of the program. */
const struct table_open *table_opened(const struct store *store, const struct table_def *def);

/* A record out of a value as it lies in the store; what it fills borrows from the arena alone. */
int table_decode(const struct store *store, const struct table_def *def, struct bytes key, struct bytes value,
                 struct arena *arena, void *ret);
