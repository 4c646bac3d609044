/* plant - a memory error put into a parser on purpose, to prove that its fuzzer finds one.
 *
 * PLANT(reached) writes one byte behind a block of memory when `reached` holds: an input that is well formed and a
 * little out of the common. A fuzzer that comes through several such places names, as `plant_in`, the function whose error it
 * is to find. Only `scons mode=fuzz plant=1` builds it; everywhere else it is nothing. tests/fuzz/run.py
 * expects the sanitizer to name plant_overrun. */
#pragma once

#ifdef KINOBUS_PLANT
#include <stdlib.h>
#include <string.h>

extern const char *const plant_in __attribute__((weak));

static __attribute__((noinline, unused)) void plant_overrun(size_t size)
{
    volatile char *block = malloc(size);

    if (!block)
        abort();
    block[size] = 1;
    free((void *)block);
}
#define PLANT(reached)                                                    \
    do {                                                                  \
        if ((reached) && (!&plant_in || strcmp(plant_in, __func__) == 0)) \
            plant_overrun(8);                                             \
    } while (0)
#else
#define PLANT(reached) ((void)0)
#endif
