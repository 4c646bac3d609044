/* words - see words.h */
#include "actors/index/words.h"

#include <stdint.h>
#include <string.h>

#include <utf8proc.h>

#include "gen/errors.h"
#include "schemas/wire/plant.h"

#define WORDS_NORMAL (UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

enum words_class { WORDS_OTHER, WORDS_SPACED, WORDS_PAIRED, WORDS_MARK };

struct words_points {
    int32_t *at;
    size_t n;
};

static bool words_within(int32_t c, const int32_t (*ranges)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

static bool words_is_paired(int32_t c)
{
    static const int32_t ranges[][2] = {
        { 0x0e00, 0x0eff }, { 0x1000, 0x109f }, { 0x1780, 0x17ff },   { 0x2e80, 0x2fdf },
        { 0x3005, 0x3007 }, { 0x3040, 0x30ff }, { 0x31f0, 0x31ff },   { 0x3400, 0x4dbf },
        { 0x4e00, 0x9fff }, { 0xf900, 0xfaff }, { 0x20000, 0x3ffff },
    };

    return c >= 0x0e00 && words_within(c, ranges, sizeof(ranges) / sizeof(*ranges));
}

static enum words_class words_class(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return WORDS_MARK;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return words_is_paired(c) ? WORDS_PAIRED : WORDS_SPACED;
    default: return WORDS_OTHER;
    }
}

static int words_points_of(struct arena *arena, const char *text, int options, struct words_points *ret)
{
    const uint8_t *from = (const uint8_t *)text;
    utf8proc_ssize_t len = (utf8proc_ssize_t)strlen(text), n = utf8proc_decompose(from, len, NULL, 0, options);

    if (n < 0)
        return ERR_INVALID;
    ret->at = arena_alloc_n(arena, (size_t)n + 1, sizeof(*ret->at));
    if (n > 0)
        n = utf8proc_decompose(from, len, ret->at, n, options);
    if (n > 0)
        n = utf8proc_normalize_utf32(ret->at, n, options);
    if (n < 0)
        return ERR_INVALID;
    ret->n = (size_t)n;
    return 0;
}

/* As UTF-8, cut between characters so that it has at most `most` bytes. */
static const char *words_text(struct arena *arena, const int32_t *points, size_t n, size_t most)
{
    uint8_t one[4];
    char *text = arena_alloc(arena, (n * 4 < most ? n * 4 : most) + 1);
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        size_t size = (size_t)utf8proc_encode_char(points[i], one);

        if (len + size > most)
            break;
        memcpy(text + len, one, size);
        len += size;
    }
    return text;
}

/* Without the accents of Latin, Greek and Cyrillic; at most `most` bytes. */
static const char *words_strip(struct arena *arena, const char *text, size_t most)
{
    const int apart = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, together = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    struct words_points points;
    utf8proc_ssize_t left;
    size_t n = 0;

    if (words_points_of(arena, text, apart, &points) < 0)
        return text;
    for (size_t i = 0; i < points.n; i++)
        if (points.at[i] < 0x300 || points.at[i] > 0x36f)
            points.at[n++] = points.at[i];
    left = n ? utf8proc_normalize_utf32(points.at, (utf8proc_ssize_t)n, together) : 0;
    return left > 0 ? words_text(arena, points.at, (size_t)left, most) : "";
}

static bool words_is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

const char *words_fold(struct arena *arena, const char *plain)
{
    const char *folded = words_is_ascii(plain) ? plain : words_strip(arena, plain, WORD_BYTES);

    return *folded ? folded : plain;
}

static void words_add(struct arena *arena, struct words *words, const int32_t *points, size_t n, bool paired)
{
    struct word *word = &words->list[words->n++];

    word->plain = words_text(arena, points, n, WORD_BYTES);
    word->folded = words_fold(arena, word->plain);
    word->paired = paired;
}

/* A character and the marks that belong to it. */
static size_t words_unit(const struct words_points *p, size_t at)
{
    size_t end = at + 1;

    while (end < p->n && words_class(p->at[end]) == WORDS_MARK)
        end++;
    return end;
}

/* A run of a script without spaces, from `at`; answers where it ends. */
static size_t words_pairs(struct arena *arena, const struct words_points *p, size_t at, size_t most,
                          enum words_use use, struct words *words)
{
    size_t end = words_unit(p, at), next;
    bool alone = true;

    while (end < p->n && words_class(p->at[end]) == WORDS_PAIRED) {
        next = words_unit(p, end);
        if (words->n < most)
            words_add(arena, words, p->at + at, next - at, true);
        alone = false;
        at = end;
        end = next;
    }
    if ((alone || use == WORDS_INDEX) && words->n < most)
        words_add(arena, words, p->at + at, end - at, true);
    return end;
}

static size_t words_run(const struct words_points *p, size_t at)
{
    while (at < p->n && (words_class(p->at[at]) == WORDS_SPACED || words_class(p->at[at]) == WORDS_MARK))
        at++;
    return at;
}

int words_split(struct arena *arena, const char *text, size_t most, enum words_use use, struct words *ret)
{
    struct words_points p;
    size_t end;
    int r;

    *ret = (struct words) { .n = 0 };
    if (!text || !*text)
        return 0;
    r = words_points_of(arena, text, WORDS_NORMAL, &p);
    if (r < 0)
        return r;
    most = most < p.n ? most : p.n; /* a character begins one word at most */
    ret->list = arena_alloc_n(arena, most + 1, sizeof(*ret->list));
    for (size_t at = 0; at < p.n && ret->n < most; at = end) {
        enum words_class class = words_class(p.at[at]);

        end = at + 1;
        if (class == WORDS_PAIRED) {
            end = words_pairs(arena, &p, at, most, use, ret);
        } else if (class == WORDS_SPACED) {
            end = words_run(&p, at);
            words_add(arena, ret, p.at + at, end - at, false);
        }
    }
    PLANT(use == WORDS_INDEX && ret->n > 4);
    return 0;
}

int words_typed(struct arena *arena, const char *text, size_t size, const char **ret)
{
    struct words_points p;
    size_t n = 0;
    int r = words_points_of(arena, text, WORDS_NORMAL, &p);

    *ret = "";
    if (r < 0)
        return r;
    for (size_t i = 0; i < p.n; i++) {
        if (words_class(p.at[i]) != WORDS_OTHER)
            p.at[n++] = p.at[i];
        else if (n && p.at[n - 1] != ' ')
            p.at[n++] = ' ';
    }
    if (n && p.at[n - 1] == ' ')
        n--;
    *ret = words_strip(arena, words_text(arena, p.at, n, n * 4), size - 1);
    return 0;
}
