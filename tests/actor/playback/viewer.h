/* viewer - playback on a rig, with people who watch films: what its tests share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "gen/playback.h"
#include "tests/harness/rig.h"

static const struct rig_ask viewer_nobody = { .token = NULL };

int viewer_begin(void **state);
/* Of the first person; ready, public, version 3. */
struct playable viewer_film(unsigned n);
/* Answers as the catalog. */
void viewer_catalog(struct rig *rig, int err, const struct playable *playable);
struct playing viewer_started(struct rig *rig, const struct playable *film, struct rig_ask who);
int viewer_saved(struct rig *rig, struct id video, uint64_t position_ms, unsigned who);
struct continue_watching_reply viewer_begun(struct rig *rig, unsigned who, uint64_t limit, const char *cursor);
uint64_t viewer_rows(struct rig *rig, const struct table_def *table);
