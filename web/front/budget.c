/* budget - see budget.h. A token is a KiB. */
#include "web/front/budget.h"

#include <string.h>

#include "gen/errors.h"
#include "web/front/identity.h"

enum { BUDGET_KIND = 100 }; /* of the first; behind the kinds of identity.h */

static struct rate budget_rate(uint64_t mib_per_minute)
{
    return (struct rate) { (uint32_t)(mib_per_minute * 1024 * 60), (uint32_t)(mib_per_minute * 1024 * 2) };
}

static void budget_list(const struct exchange *x, struct budget_of of[static BUDGETS])
{
    const struct front_settings *s = x->front->settings;
    struct id user;

    of[0] = (struct budget_of) { .whose = "Your address", .rate = budget_rate(s->media_mib_per_client) };
    of[1] = (struct budget_of) { .whose = "Your account", .rate = budget_rate(s->media_mib_per_account) };
    if (identity_is_trusted(x))
        return;
    if (s->media_mib_per_client)
        of[0].len = identity_network(x->client, of[0].who);
    if (s->media_mib_per_account && identity_whose(x, &user)) {
        of[1].len = sizeof(of[1].who);
        memcpy(of[1].who, &user, sizeof(of[1].who));
    }
}

int budget_admit(struct exchange *x, struct budget *ret)
{
    struct rate_state state;

    budget_list(x, ret->of);
    for (unsigned i = 0; i < BUDGETS; i++) {
        const struct budget_of *of = &ret->of[i];
        struct problem body = { 0 };

        if (of->len == 0 || ratelimit_has(x->front->limits, BUDGET_KIND + i, of->who, of->len, of->rate,
                                          front_monotonic(), &state))
            continue;
        front_count(x->front, FRONT_MEDIA_OVER_BUDGET, 1);
        body.detail = arena_printf(x->arena, "%s has been sent as much media as it may be: %u MiB a minute.",
                                   of->whose, of->rate.burst / 2048);
        body.retry_after_ms = (uint64_t)state.retry_after_s * 1000;
        return exchange_problem_body(x, ERR_RATE_LIMITED, NULL, &body);
    }
    return 0;
}

void budget_spend(struct exchange *x, const struct budget *budget)
{
    uint64_t kib = (x->sent + x->handed + 1023) / 1024;

    for (unsigned i = 0; i < BUDGETS; i++) {
        const struct budget_of *of = &budget->of[i];

        if (of->len)
            ratelimit_spend(x->front->limits, BUDGET_KIND + i, of->who, of->len, of->rate, front_monotonic(),
                            kib < UINT32_MAX ? (uint32_t)kib : UINT32_MAX);
    }
}
