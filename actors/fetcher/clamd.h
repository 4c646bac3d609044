/* clamd - where ClamAV's daemon listens, and how what it answers reads. Pure.
 *
 * One command of its protocol is spoken: "zINSTREAM" with a zero byte, then chunks that begin with their length (four bytes, the
 * highest first), an empty one last. It answers once and hangs up: "stream: OK", "stream: NAME FOUND", or words and "ERROR",
 * with a zero byte behind. It may answer, and hang up, before it has all.
 *
 * Trusts     nothing: an answer is the bytes of another program, about a stranger's file. What does not read as one is malformed;
 *            words for people are cut, and hold printable ASCII alone */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    CLAMD_ANSWER = 4096, /* bytes of an answer that are looked at */
    CLAMD_WORDS = 200,
    CLAMD_HOST = 254,
    CLAMD_PORT = 6,
    CLAMD_PATH = 108, /* as a socket's address has room */
};

struct clamd_place {
    bool is_tcp;
    char path[CLAMD_PATH];
    char host[CLAMD_HOST], port[CLAMD_PORT];
};

/* unix:PATH, tcp:HOST:PORT, tcp:[ADDRESS]:PORT. ERR_INVALID. */
int clamd_place_read(const char *text, struct clamd_place *ret);

enum clamd_verdict {
    CLAMD_OK,       /* nothing was found in what it looked at */
    CLAMD_FOUND,    /* words: what it calls it */
    CLAMD_LIMITED,  /* it stopped at a limit of its own, and says so (AlertExceedsMax); words: which */
    CLAMD_TOO_LONG, /* more was sent than it takes in a stream: it looked at nothing */
    CLAMD_ERROR,    /* words: what is wrong with it */
};

struct clamd_answer {
    enum clamd_verdict verdict;
    char words[CLAMD_WORDS];
};

/* What came until it hung up; only what stands before the first zero byte counts. ERR_MALFORMED: words are what came, as far as
 * it can be shown. */
int clamd_answer_read(const void *bytes, size_t len, struct clamd_answer *ret);
