/* direct_stage - a catalog with a store for direct uploads, and who uploads: each call is answered with what it came to, at once or
 * later. */
#pragma once

#include "actors/catalog/uploads/direct.h"
#include "tests/actor/catalog/studio.h"
#include "tests/unit/blobs/s3_stage.h"

extern struct blobs *stage_store; /* a handle of the test's own */

int stage_setup(void **state);
int stage_teardown(void **state);
void stage_begin(struct fake *f); /* as a process that starts */

struct direct_upload stage_open(struct fake *f, uint64_t length);
int stage_sign(struct fake *f, struct id id, const uint64_t *numbers, size_t n, struct sign_parts_reply *ret);
const char *stage_url(struct fake *f, struct id id, uint64_t number);
void stage_put(struct fake *f, struct id id, uint64_t number, char byte, uint64_t len);
int stage_list(struct fake *f, struct id id, uint64_t after, struct direct_upload *ret);
int stage_complete(struct fake *f, struct id id, const struct direct_part *parts, size_t n);
int stage_drop(struct fake *f, struct id id);

struct upload stage_row(struct fake *f, struct id id, int want);
bool stage_has(const struct upload *upload); /* whether the store has an upload of this id */
