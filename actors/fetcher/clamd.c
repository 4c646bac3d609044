/* clamd - see clamd.h */
#include "actors/fetcher/clamd.h"

#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/plant.h"

/* ---- where it listens */

static int clamd_copy(char *to, size_t room, const char *from, size_t len)
{
    if (len == 0 || len >= room)
        return ERR_INVALID;
    memcpy(to, from, len);
    to[len] = 0;
    return 0;
}

static int clamd_tcp(const char *text, struct clamd_place *ret)
{
    const char *colon = strrchr(text, ':');
    size_t host = colon ? (size_t)(colon - text) : 0, digits = colon ? strspn(colon + 1, "0123456789") : 0;

    if (host == 0 || digits == 0 || colon[1 + digits])
        return ERR_INVALID;
    if (*text == '[' && text[host - 1] == ']') {
        text++;
        host -= 2;
    } else if (memchr(text, ':', host)) {
        return ERR_INVALID;
    }
    ret->is_tcp = true;
    return clamd_copy(ret->port, sizeof(ret->port), colon + 1, digits) < 0
               ? ERR_INVALID
               : clamd_copy(ret->host, sizeof(ret->host), text, host);
}

int clamd_place_read(const char *text, struct clamd_place *ret)
{
    *ret = (struct clamd_place) { .is_tcp = false };
    if (strncmp(text, "unix:/", 6) == 0)
        return clamd_copy(ret->path, sizeof(ret->path), text + 5, strlen(text + 5));
    return strncmp(text, "tcp:", 4) == 0 ? clamd_tcp(text + 4, ret) : ERR_INVALID;
}

/* ---- what it answers */

static bool clamd_begins(const char *at, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(at, with, strlen(with)) == 0;
}

/* Takes it from the end, where it stands there. */
static bool clamd_ends(const char *at, size_t *len, const char *with)
{
    size_t n = strlen(with);

    if (*len < n || memcmp(at + *len - n, with, n) != 0)
        return false;
    *len -= n;
    return true;
}

static void clamd_words(struct clamd_answer *a, const char *at, size_t len)
{
    size_t n = len < sizeof(a->words) ? len : sizeof(a->words) - 1;

    for (size_t i = 0; i < n; i++)
        a->words[i] = at[i] >= ' ' && at[i] <= '~' ? at[i] : '?';
    a->words[n] = 0;
}

static int clamd_says(struct clamd_answer *a, enum clamd_verdict verdict, const char *at, size_t len)
{
    a->verdict = verdict;
    clamd_words(a, at, len);
    return 0;
}

int clamd_answer_read(const void *bytes, size_t len, struct clamd_answer *ret)
{
    static const char stream[] = "stream: ", limits[] = "Heuristics.Limits.Exceeded";
    const char *at = bytes, *zero;
    size_t rest;

    *ret = (struct clamd_answer) { .verdict = CLAMD_ERROR };
    len = len < CLAMD_ANSWER ? len : CLAMD_ANSWER;
    zero = len ? memchr(at, 0, len) : NULL;
    len = zero ? (size_t)(zero - at) : len;
    while (len && (at[len - 1] == '\n' || at[len - 1] == '\r'))
        len--;
    if (clamd_begins(at, len, "INSTREAM size limit exceeded"))
        return clamd_says(ret, CLAMD_TOO_LONG, at, len);
    rest = len;
    if (clamd_begins(at, len, stream)) {
        at += strlen(stream);
        rest = len -= strlen(stream);
        if (len == 2 && memcmp(at, "OK", 2) == 0)
            return clamd_says(ret, CLAMD_OK, at, 0);
        if (clamd_ends(at, &rest, " FOUND") && rest) {
            PLANT(rest > 3 && *at == 'E');
            return clamd_says(ret, clamd_begins(at, rest, limits) ? CLAMD_LIMITED : CLAMD_FOUND, at, rest);
        }
        rest = len;
    }
    if (clamd_ends(at, &rest, " ERROR") && rest)
        return clamd_says(ret, CLAMD_ERROR, at, rest);
    clamd_words(ret, at, len);
    return ERR_MALFORMED;
}
