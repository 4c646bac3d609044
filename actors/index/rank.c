/* rank - see rank.h */
#include "actors/index/rank.h"

#include <math.h>
#include <string.h>

#define RANK_K1 1.2

/* A short field is weighted, and says as much in a long one: only title and description care about length. */
static const struct {
    double weight, b;
} fields[RANK_FIELDS] = {
    [RANK_TITLE] = { 6.0, 0.5 },
    [RANK_TAGS] = { 4.0, 0.0 },
    [RANK_PEOPLE] = { 3.0, 0.0 },
    [RANK_DESCRIPTION] = { 1.0, 0.75 },
};

double rank_idf(uint64_t documents, uint64_t holding)
{
    double all = (double)documents, with = (double)(holding < documents ? holding : documents);

    return log(1 + (all - with + 0.5) / (with + 0.5));
}

double rank_word(const uint32_t counts[static RANK_FIELDS], const struct rank_lengths *document,
                 const struct rank_lengths *mean)
{
    double tf = 0;

    for (size_t i = 0; i < RANK_FIELDS; i++) {
        double relative = mean->of[i] > 0 ? document->of[i] / mean->of[i] : 1;

        tf += fields[i].weight * counts[i] / (1 - fields[i].b + fields[i].b * relative);
    }
    return tf * (RANK_K1 + 1) / (RANK_K1 + tf);
}

static int rank_compare(const struct rank_hit *a, const struct rank_hit *b)
{
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return -id_compare(a->id, b->id);
}

void ranking_init(struct ranking *ranking, struct arena *arena, size_t most, const struct rank_hit *place)
{
    *ranking = (struct ranking) { .most = most, .behind = place };
    ranking->best = arena_alloc_n(arena, most + 1, sizeof(*ranking->best));
    if (place)
        ranking->place = *place;
}

void ranking_add(struct ranking *ranking, const struct rank_hit *hit)
{
    size_t at = ranking->n;

    if (ranking->behind && rank_compare(hit, &ranking->place) <= 0)
        return;
    while (at > 0 && rank_compare(hit, &ranking->best[at - 1]) < 0)
        at--;
    if (at == ranking->most) {
        ranking->more = true;
        return;
    }
    memmove(&ranking->best[at + 1], &ranking->best[at], (ranking->n - at) * sizeof(*hit));
    ranking->best[at] = *hit;
    if (ranking->n == ranking->most)
        ranking->more = true;
    else
        ranking->n++;
}

void rank_place_write(const struct rank_hit *hit, uint8_t to[static RANK_PLACE_SIZE])
{
    uint64_t bits;

    memcpy(&bits, &hit->score, sizeof(bits));
    for (size_t i = 0; i < 8; i++)
        to[i] = (uint8_t)(bits >> (56 - 8 * i));
    memcpy(to + 8, hit->id.b, sizeof(hit->id.b));
}

bool rank_place_read(const void *from, size_t len, struct rank_hit *ret)
{
    const uint8_t *at = from;
    uint64_t bits = 0;

    if (len != RANK_PLACE_SIZE)
        return false;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | at[i];
    memcpy(&ret->score, &bits, sizeof(bits));
    memcpy(ret->id.b, at + 8, sizeof(ret->id.b));
    return isfinite(ret->score) && ret->score >= 0;
}
