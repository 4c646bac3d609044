/* throttle - wrong passwords and tokens are counted, so that guessing slows down and nobody is locked out for ever.
 *
 * Who comes with the mark of a device that logged in to the account before is counted by that device alone: strangers who
 * guess cannot slow it down. Everybody else is counted three times: with the account from this network, with the account
 * from anywhere, and with the network for whatever account; the slowest of the three holds. A count doubles the pause, is
 * forgotten an hour after its last entry, and outlives a restart. Only hashes of whom it is about are kept. */
#pragma once

#include "actors/runtime/turn.h"

enum { THROTTLE_KEY = 33, THROTTLE_COUNTS = 3 };

/* What a try counts against. Plain bytes: it travels through the pool. */
struct tries {
    struct tries_count {
        char who[THROTTLE_KEY];
        uint64_t free; /* wrong ones before the first pause */
    } counts[THROTTLE_COUNTS];
    size_t n;
};

/* At the password of an account. address NULL: one that is not counted. device zero: a stranger. */
struct tries tries_at_account(struct turn *t, const char *email_key, const char *address, struct id device);
/* At a token or a link: its network alone. */
struct tries tries_of_address(struct turn *t, const char *address);

/* 0, or ERR_RATE_LIMITED with what to do about it. Counts the refusal. */
int tries_admit(struct turn *t, const struct tries *tries);
int tries_failed(struct turn *t, const struct tries *tries);
/* It was right: what was counted against this device, or against the account from this network, is forgotten. */
int tries_right(struct turn *t, const struct tries *tries);
/* Nobody's guesses count against the account any more: its owner showed another proof. */
int tries_clear_account(struct turn *t, const char *email_key);

/* Whether one more mail to this account is fine; counts it. 1, 0, or an error. */
int tries_mail(struct turn *t, const char *email_key);
