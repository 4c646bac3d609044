/* budget - how many bytes of media an address and an account are sent.
 *
 * Both have a bucket of bytes that fills by the minute (front.media_mib_per_client, front.media_mib_per_account). A file is
 * begun as long as something is left in each that counts, and what was sent of it is taken out afterwards: whoever asks for
 * many at once can run into debt, by as much as share.h lets him have at a time, and waits for it. Requests from this host are
 * not counted (identity_is_trusted). */
#pragma once

#include "web/front/exchange.h"
#include "web/front/http/ratelimit.h"

enum { BUDGETS = 2 }; /* the address's, the account's */

struct budget {
    struct budget_of {
        const char *whose;
        uint8_t who[16];
        size_t len; /* 0: nobody that is known, or no bound */
        struct rate rate;
    } of[BUDGETS];
};

/* 0, and whose budgets x is on; or ERR_RATE_LIMITED: the problem has been answered, with the time until something is left. */
int budget_admit(struct exchange *x, struct budget *ret);
/* What x sent has gone out, or goes out by a proxy: of that, what was asked for counts, even where the proxy finds that nothing changed. */
void budget_spend(struct exchange *x, const struct budget *budget);
