/* lend - rights to the blobs for hosts that do not see the disk (actors/runtime/blob_right). */
#pragma once

#include "actors/catalog/catalog.h"

/* Makes a key where one is due, deletes those that are over, and publishes the rest. */
int lend_tend(struct turn *t);
/* The same, and again in an hour. */
int lend_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx);

int catalog_lend(struct catalog *self, struct turn *t, const struct lend *ask, struct lend_reply *reply);
