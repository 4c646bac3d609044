/* policy - what may be said on this bus, and how each queue and stream behaves: the file generated from the
 * schemas.
 *
 *     kinobus-policy 1
 *     allow ROLE VERB PATTERN          VERB: call offer put take append follow set watch tap; ROLE: a role, or *
 *     deny  ROLE VERB PATTERN          PATTERN: dotted words, * for one word, > for the rest
 *     queue NAME [lease_ms=N] [attempts=N] [backoff_ms=FROM,TO] [done=EVENT] [dead=EVENT] [max=N]
 *     stream NAME [keep_s=N] [keep_bytes=N]      events that are older go, and the oldest above N bytes
 *     service NAME [single]
 *     call NAME reads                  asking twice is harmless: another worker may have it when the first was lost
 *     value NAME ...
 *
 * Nothing is allowed that no row allows; a deny row wins over every allow row. Several files may be read one
 * after the other; a later row for the same queue replaces the earlier one. Lines that begin with # and empty
 * lines are skipped; `value` rows document who sets what and need nothing from the broker. A line that is not
 * understood is an error: a broker that guesses its rights is worse than none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/client/bus.h"
#include "broker/client/frame.h"

struct policy_queue {
    char *name, *done, *dead; /* events; NULL: none */
    uint32_t lease_ms, attempts, backoff_from_ms, backoff_to_ms;
    uint64_t max; /* jobs at rest; above it 507 */
};

struct policy_stream {
    char *name;
    int64_t keep_ms;
    uint64_t keep_bytes; /* 0: any number */
};

struct policy_rule {
    char *role, *pattern; /* role NULL: everybody */
    enum frame_verb verb;
    bool deny;
};

struct policy {
    struct policy_rule *rules;
    struct policy_queue *queues;
    struct policy_stream *streams;
    char **singles, **reads;
    size_t rules_n, queues_n, streams_n, singles_n, reads_n;
};

/* Adds the rows of one file. ERR_NOT_FOUND, ERR_IO, ERR_INVALID; the sentence names file and line. */
int policy_load(struct policy *policy, const char *path, char error[static 256]);
int policy_parse(struct policy *policy, const char *text, const char *where, char error[static 256]);
void policy_free(struct policy *policy);

/* The row that decides: one that denies, else one that allows; NULL: none does, which is a no. */
const struct policy_rule *policy_decides(const struct policy *policy, const char *role, enum frame_verb verb,
                                         struct bytes name);
bool policy_allows(const struct policy *policy, const char *role, enum frame_verb verb, struct bytes name);
/* Whether the role may follow anything at all in this stream. */
bool policy_follows(const struct policy *policy, const char *role, struct bytes stream);
const struct policy_queue *policy_queue(const struct policy *policy, struct bytes name);
bool policy_single(const struct policy *policy, struct bytes service);
bool policy_reads(const struct policy *policy, struct bytes call);

/* "catalog.*" matches "catalog.get_video"; ">" matches everything. */
bool policy_match(const char *pattern, struct bytes name);
