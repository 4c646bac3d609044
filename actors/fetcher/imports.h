/* imports - the transfers that are under way: a thread for each, which asks the catalog through the loop and hands its end
 * back to it. Everything here but the threads' own work is called from the loop. */
#pragma once

#include "actors/fetcher/transfer.h"
#include "gen/fetcher.h"

struct imports;

enum imports_ask { IMPORTS_ASK_NONE, IMPORTS_ASK_ANSWERED, IMPORTS_ASK_ADVANCED, IMPORTS_ASK_COMPLETE };

/* What a thread wants to know of the catalog. The one that fits `ask` is filled; it lives until imports_answer. */
struct imports_question {
    uint64_t kept;
    enum imports_ask ask;
    struct import_answered answered;
    struct upload_advanced advanced;
    struct upload_complete complete;
};

struct imports_end {
    uint64_t kept;
    struct id video;
    struct transfer_result result;
};

struct imports_events {
    void (*asks)(void *ctx, const struct imports_question *question);
    void (*ended)(void *ctx, const struct imports_end *end);
};

int imports_open(const struct imports_events *events, void *ctx, struct imports **ret);
void imports_close(struct imports **imports); /* cancels all that is under way and waits for it; tells of none */

/* Starts on a copy of the order. how: without cancel and catalog. */
int imports_start(struct imports *imports, const struct transfer_how *how, const struct import_order *order,
                  struct id job, struct id video, uint64_t kept);
void imports_cancel(struct imports *imports, uint64_t kept);
/* The answer to a question; order: what import_answered gave, NULL with all else. Nothing happens when nobody waits. */
void imports_answer(struct imports *imports, uint64_t kept, int err, const struct import_order *order);

int imports_fd(const struct imports *imports); /* readable when there is something to collect */
void imports_collect(struct imports *imports); /* calls the events */
