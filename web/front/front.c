/* front - see front.h: its clocks, and what the bus tells it. */
#include "web/front/front.h"
#include "schemas/wire/clock.h"

int64_t front_now(void)
{
    return clock_utc_ms();
}

int64_t front_monotonic(void)
{
    return clock_mono_ms();
}
