#include "actors/transcode/worker/grid.h"

#define CENTURY_S 3155760000LL

static __int128 floor_div(__int128 a, __int128 b)
{
    __int128 q = a / b;

    return q * b > a ? q - 1 : q;
}

static int64_t bounded(int64_t time, AVRational base)
{
    int64_t most = (int64_t)floor_div((__int128)CENTURY_S * base.den, base.num);

    return time > most ? most : time < -most ? -most : time;
}

int64_t grid_first(const struct grid *grid, int64_t time, AVRational base)
{
    /* ceil(t * num / den - 1/2), with t = time * base.num / base.den */
    __int128 unit = (__int128)base.den * grid->den;
    __int128 twice = 2 * (__int128)bounded(time, base) * base.num * grid->num - unit;

    return (int64_t)-floor_div(-twice, 2 * unit);
}

int64_t grid_time(const struct grid *grid, int64_t frame, AVRational base)
{
    return (int64_t)floor_div((__int128)frame * grid->den * base.den, (__int128)grid->num * base.num);
}

int64_t grid_end(const struct grid *grid, int64_t time, int64_t duration, AVRational base)
{
    int64_t first = grid_first(grid, time, base);
    int64_t end = duration > 0 ? grid_first(grid, time + duration, base) : first + 1;

    return end > first ? end : first + 1;
}
