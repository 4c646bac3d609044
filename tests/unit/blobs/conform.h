/* conform - what is true of every backend of data/blobs, as statements that each is run through.
 *
 * A backend's test opens it over a folder of its own and says what it offers; of what it does not, the statements want
 * ERR_UNSUPPORTED and nothing else. `there` is the same objects by another handle, that of the file backend where there is a folder:
 * what grows is grown there, and what lies there is counted there. All names are beneath media/v/ and raw/v/. */
#pragma once

#include "tests/unit/blobs/folder.h"

enum conform_offer {
    CONFORM_PUT = 1,            /* replaces */
    CONFORM_STREAM = 2,         /* new, write, commit, abort */
    CONFORM_GROW = 4,           /* writes growing objects, and tells of them */
    CONFORM_HASH = 8,           /* of what lies there */
    CONFORM_LIST = 16,          /* and sweeps */
    CONFORM_DELETE = 32,        /* one, or a tree */
    CONFORM_LOCAL = 64,         /* descriptors, and the room on the disk */
    CONFORM_SEES_GROWING = 128, /* what grows there is read, and listed */
    CONFORM_ONE_WINS = 256,     /* of many who put a name in the same moment */
    CONFORM_ALL = 511,
};

struct conform {
    struct fixture folder; /* dir "": there is none, and debris is what a sweep finds */
    struct blobs *there;
    struct blobs *blobs; /* the backend */
    unsigned offers;     /* bits of conform_offer */
};

/* Opens another handle of the same backend over the same objects: another process, or another thread. */
typedef struct blobs *conform_open_fn(struct conform *c);

/* Of a backend over a folder that offers everything: for its setup and teardown. */
int conform_folder_setup(void **state, conform_open_fn *another);
int conform_folder_teardown(void **state);

/* setup makes a struct conform with its folder open; teardown ends it. Answers what failed. */
int conform_run(const char *name, CMFixtureFunction setup, CMFixtureFunction teardown, conform_open_fn *another);
