/* copies_stage - a catalog with a second place, for tests: its local copies go after two hours. */
#pragma once

#include "tests/actor/catalog/studio.h"
#include "tests/unit/blobs/s3_stage.h"

enum { AN_HOUR = 3600 * 1000 };

extern struct blobs *far_store; /* a handle of the test's own */

int far_setup(void **state);
int far_teardown(void **state);
void far_begin_at(struct fake *f, const char *place); /* as a process that starts */
void far_begin(struct fake *f);                       /* at "there" */

const char *far_name(struct id video, const char *leaf); /* of an object of its media; good for the next three */
void far_put(struct blobs *blobs, const char *name, const char *text);
bool far_holds(struct blobs *blobs, const char *name, const char *text);
bool far_holds_now(const char *name, const char *text); /* as somebody finds it who has not read it */
bool far_lies(struct blobs *blobs, const char *name);

void far_save(struct fake *f, struct id video);
void far_make(struct fake *f, struct id video); /* it is ready, and what was made of it lies here */
struct copy_row far_row(struct fake *f, struct id video);
void far_pass(struct fake *f, int64_t ms);
