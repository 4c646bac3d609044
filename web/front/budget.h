/* budget - how many bytes of media an address and an account are sent.
 *
 * Both have a bucket of bytes that fills by the minute (front.media_mib_per_client, front.media_mib_per_account). A file is
 * begun as long as something is left in each that counts, and what was sent of it is taken out afterwards: whoever asks for
 * many at once can run into debt, by as much as share.h lets him have at a time, and waits for it. Requests from this host are
 * not counted (identity_is_trusted). */
#pragma once

#include "web/front/exchange.h"

/* 0, or ERR_RATE_LIMITED: the problem has been answered, with the time until something is left. */
int budget_admit(struct exchange *x);
/* What x sent has gone out. */
void budget_spend(struct exchange *x);
