/* typo - see typo.h */
#include "actors/index/typo.h"

#include <stdint.h>
#include <string.h>

#include <utf8proc.h>

#include "actors/index/words.h"

struct letters {
    int32_t at[WORD_BYTES];
    size_t n;
};

static struct letters typo_letters(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    struct letters letters = { .n = 0 };
    utf8proc_ssize_t len;

    while (*p && letters.n < WORD_BYTES && (len = utf8proc_iterate(p, -1, &letters.at[letters.n])) > 0) {
        letters.n++;
        p += len;
    }
    return letters;
}

static unsigned typo_forgiven(const struct letters *typed)
{
    if (typed->n < TYPO_FROM)
        return 0;
    return typed->n < TYPO_TWO_FROM ? 1 : 2;
}

size_t typo_sure(const char *typed)
{
    struct letters letters = typo_letters(typed);
    size_t len = 0;
    uint8_t one[4];

    if (!typo_forgiven(&letters))
        return 0;
    for (size_t i = 0; i < TYPO_SURE; i++)
        len += (size_t)utf8proc_encode_char(letters.at[i], one);
    return len;
}

static unsigned typo_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Row by row; of the row before the last one is kept for letters that changed places. */
static unsigned typo_distance(const struct letters *a, const struct letters *b)
{
    unsigned rows[3][WORD_BYTES + 1];

    for (unsigned j = 0; j <= b->n; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a->n; i++) {
        unsigned *now = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        now[0] = i;
        for (unsigned j = 1; j <= b->n; j++) {
            now[j] = typo_least(typo_least(above[j], now[j - 1]) + 1,
                                above[j - 1] + (a->at[i - 1] != b->at[j - 1]));
            if (i > 1 && j > 1 && a->at[i - 1] == b->at[j - 2] && a->at[i - 2] == b->at[j - 1])
                now[j] = typo_least(now[j], before[j - 2] + 1);
        }
    }
    return rows[a->n % 3][b->n];
}

unsigned typo_between(const char *typed, const char *word, bool goes_on)
{
    struct letters a = typo_letters(typed), b = typo_letters(word);
    unsigned most = typo_forgiven(&a), best = most + 1, n;
    size_t whole = b.n;

    if (b.n + most < a.n || (!goes_on && b.n > a.n + most))
        return 0;
    /* A beginning is as long as what was typed, or a slip shorter or longer. */
    for (b.n = goes_on && whole + most > a.n && a.n > most ? a.n - most : whole; b.n <= whole && b.n <= a.n + most;
         b.n++) {
        n = typo_distance(&a, &b);
        best = typo_least(best, n);
    }
    return best <= most ? best : 0;
}
