/* actor - what the handlers of index share. */
#pragma once

#include "actors/index/generation.h"
#include "actors/runtime/turn.h"

struct index {
    struct stems *stems;
    int64_t soon, later; /* when ticks of rebuild.c are due; 0: none is on its way */
    int64_t asked;       /* when a page of the scan was asked for; 0: none is */
};

/* search.c */
int index_on_search(struct index *self, struct turn *t, const struct search *ask, struct search_reply *reply);
int index_on_suggest(struct index *self, struct turn *t, const struct suggest *ask, struct suggest_reply *reply);

/* rebuild.c */
int index_on_rebuild(struct index *self, struct turn *t, const struct rebuild *ask, struct rebuild_reply *reply);
int index_on_status(struct index *self, struct turn *t, const struct index_status *ask,
                    struct index_status_reply *reply);
int index_up(void *self, struct turn *t);
int index_lost(void *self, struct turn *t, const char *stream);
