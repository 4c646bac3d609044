/* timer - continuations that wait for a moment. */
#include <stdlib.h>

#include "actors/runtime/internal.h"

void timer_add(struct actor *actor, int64_t due, struct message *then)
{
    struct timer *timer = malloc(sizeof(*timer)), *at, *last = NULL;

    if (!timer)
        abort();
    *timer = (struct timer) { .due = due, .then = then };
    LIST_FOREACH(at, &actor->timers, next)
    { /* by due; equal ones in the order they were set */
        if (at->due > due)
            break;
        last = at;
    }
    if (last)
        LIST_INSERT_AFTER(last, timer, next);
    else
        LIST_INSERT_HEAD(&actor->timers, timer, next);
}

void timer_run(struct actor *actor)
{
    int64_t now = actor_mono(actor);
    struct timer *timer;

    while ((timer = LIST_FIRST(&actor->timers)) && timer->due <= now) {
        LIST_REMOVE(timer, next);
        queue_put(actor, timer->then);
        free(timer);
    }
}

int64_t timer_due(const struct actor *actor)
{
    const struct timer *timer = LIST_FIRST(&actor->timers);

    return timer ? timer->due : INT64_MAX;
}
