/* answer - what a server says of the file that it sends: the header of its answer, line by line. Pure.
 *
 * Refuses    numbers that are none, two lengths that differ, more than 200 lines or 64 KiB: ERR_MALFORMED */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/fetcher/naming.h"

enum { ANSWER_TAG = 201, ANSWER_DATE = 65, ANSWER_TYPE = 65 };

struct answer {
    unsigned status; /* 0: nothing was heard */
    bool has_length, has_range, has_total;
    uint64_t length;       /* Content-Length */
    uint64_t from, until;  /* Content-Range, until: the first byte behind it */
    uint64_t total;        /* of the whole file */
    bool encoded;          /* Content-Encoding: the bytes are not the file's */
    char etag[ANSWER_TAG]; /* "" where there is none, or it is weak: it proves nothing then */
    char modified[ANSWER_DATE];
    char type[ANSWER_TYPE];
    char name[NAMING_SIZE];
    unsigned lines;
    size_t bytes;
};

/* One line, its end with it or not. A status line begins a new answer: of a redirect, or behind "100 Continue". */
int answer_line(struct answer *answer, const char *line, size_t len);
