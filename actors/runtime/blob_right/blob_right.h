/* blob_right - the right to read, or to put new, whatever lies beneath one folder of the blobs, in a word of a path.
 *
 *     /blobs/{right}/{name}       right = 1.{kid}.{may}.{depth}.{expires}.{mac}
 *     mac = HMAC-SHA256(key kid, "kinobus blob 1\n{kid}\n{may}\n{expires}\n{folder}\n"), base64url, no padding
 *
 * kid names the key in the value catalog.blob_keys; may is `r` (read) or `n` (put new: nothing is replaced); depth says how
 * many parts of the name the folder is, from 1 to 9, and folder is these, each with its slash: the MAC fits no name outside
 * it. expires is in seconds since 1970. The catalog mints, a front checks, without a call; whoever holds one can do no more
 * than it says, and cannot make another of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/runtime/sealed/sealed.h"
#include "data/blobs/blobs.h"

#define BLOB_RIGHT_SIZE     96 /* of its text, with the NUL */
#define BLOB_RIGHT_KEY_SIZE SEALED_KEY_SIZE

enum blob_right_may { BLOB_RIGHT_READ, BLOB_RIGHT_PUT_NEW };

struct blob_right {
    uint64_t kid;
    enum blob_right_may may;
    int64_t expires_s;
};

/* False: folder is none (it ends in a slash, and would be the beginning of valid names), or too deep. */
bool blob_right_mint(const struct blob_right *right, const char *folder,
                     const uint8_t key[static BLOB_RIGHT_KEY_SIZE], char to[static BLOB_RIGHT_SIZE]);

/* The fields that the text itself holds, nothing checked yet. False: not a right. */
bool blob_right_read(const char *text, struct blob_right *ret);

/* Whether this key made this right for a folder that name is beneath. The caller looks at may and expires_s. */
bool blob_right_verify(const char *text, const char *name, const uint8_t key[static BLOB_RIGHT_KEY_SIZE]);
