/* migrate - a store that an earlier program wrote, brought to what this one writes.
 *
 * Before     migrate_prepare looks at the versions that the store says its tables have. When one is to
 *            rise, the store is backed up first (compactly, into DIR/before-VERSIONS): that copy is the
 *            way back
 * At once    nothing: a record of an earlier version is upgraded whenever it is read, and written anew by
 *            its next put
 * Behind     migrate_sweep rewrites what is left, a bounded number of rows in a transaction, from a place
 *            that it keeps, so that a process that is killed goes on where it was
 * Refuses    a table of a later version: ERR_VERSION. The program that wrote it, or the copy, is the way */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "data/store/table.h"

/* After store_open, before table_open. *ret_backup: the copy's directory, to be freed, or NULL when none
 * was needed. */
int migrate_prepare(struct store *store, const struct table_def *const *defs, size_t defs_n, const char *dir,
                    char **ret_backup);

/* In a write transaction, after table_open. Rewrites up to `limit` rows of one table; *ret_done: nothing
 * is left of it to rewrite, now and ever at this version. */
int migrate_sweep(struct store_txn *txn, const struct table_def *def, unsigned limit, bool *ret_done);
