/* tus - the headers of tus 1.0.0: what a client says of an upload, read strictly.
 *
 * Extensions: creation, creation-with-upload, creation-defer-length, concatenation, termination, checksum,
 * expiration. Ours: Upload-Video, Upload-At and Upload-Total say which video the bytes belong to, where in the
 * original they begin and how long that is, so that the tail of a file can come first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <civetweb.h>

#include "schemas/wire/arena.h"
#include "schemas/wire/id.h"
#include "web/front/http/sha1.h"

#define TUS_VERSION "1.0.0"
#define TUS_EXTENSIONS \
    "creation,creation-with-upload,creation-defer-length,concatenation,termination,checksum,expiration"
#define TUS_CHECKSUMS "sha1,sha256"

enum {
    TUS_METADATA_MAX = 1024,            /* bytes of Upload-Metadata */
    TUS_PARTS_MAX = 1000,               /* of a concatenation */
    TUS_CHECKED_MAX = 64 * 1024 * 1024, /* a body with a checksum: it is kept back until the sum is known */
};
#define TUS_LENGTH_MAX UINT64_C(1099511627776)

struct tus_create {
    bool has_length, deferred, partial, final;
    uint64_t length, at, total;
    struct id video; /* zero: a new one */
    const struct id *parts;
    size_t parts_n;
    const char *metadata; /* as sent, NULL: none */
};

enum tus_sum_kind { TUS_SUM_NONE, TUS_SUM_SHA1, TUS_SUM_SHA256 };

struct tus_sum {
    enum tus_sum_kind kind;
    uint8_t want[32];
};

/* Each answers 0 or a negative ERR_*; *ret_reason is then a sentence. Texts lie in the arena. */
int tus_version(const struct mg_request_info *request, const char **ret_reason);
int tus_read_create(const struct mg_request_info *request, struct arena *arena, struct tus_create *ret,
                    const char **ret_reason);
int tus_read_offset(const struct mg_request_info *request, uint64_t *ret, const char **ret_reason);
/* Upload-Length of a PATCH that ends the deferral; *ret_has false: absent. */
int tus_read_length(const struct mg_request_info *request, bool *ret_has, uint64_t *ret, const char **ret_reason);
int tus_read_sum(const struct mg_request_info *request, struct tus_sum *ret, const char **ret_reason);

/* The value of a key of Upload-Metadata as UTF-8 text; NULL: absent. tus_read_create saw to it that all
 * decode. */
const char *tus_metadata(const char *metadata, const char *key, struct arena *arena);
