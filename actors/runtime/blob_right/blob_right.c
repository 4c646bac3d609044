/* blob_right - see blob_right.h */
#include "actors/runtime/blob_right/blob_right.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/runtime/sealed/sealed.h"

#define RIGHT_DEPTH_MAX 9

static const char right_letters[] = { [BLOB_RIGHT_READ] = 'r', [BLOB_RIGHT_PUT_NEW] = 'n' };

/* How many parts a folder has; 0: it is none. */
static unsigned right_depth(const char *folder)
{
    char name[BLOB_NAME_MAX + 2];
    unsigned depth = 0;

    if ((size_t)snprintf(name, sizeof(name), "%sx", folder) >= sizeof(name) || !blob_name_valid(name))
        return 0;
    for (const char *p = folder; *p; p++)
        depth += *p == '/';
    return folder[strlen(folder) - 1] == '/' && depth <= RIGHT_DEPTH_MAX ? depth : 0;
}

bool blob_right_mint(const struct blob_right *right, const char *folder,
                     const uint8_t key[static BLOB_RIGHT_KEY_SIZE], char to[static BLOB_RIGHT_SIZE])
{
    char text[BLOB_NAME_MAX + 128];
    char may = right_letters[right->may];
    unsigned depth = *folder ? right_depth(folder) : 0;
    int n, used;

    if (depth == 0)
        return false;
    n = snprintf(text, sizeof(text), "kinobus blob 1\n%" PRIu64 "\n%c\n%" PRId64 "\n%s\n", right->kid, may,
                 right->expires_s, folder);
    used = snprintf(to, BLOB_RIGHT_SIZE, "1.%" PRIu64 ".%c.%u.%" PRId64 ".", right->kid, may, depth,
                    right->expires_s);
    sealed_put_mac(text, (size_t)n, key, to, (size_t)used);
    return true;
}

static bool right_split(const char *text, struct blob_right *ret, uint64_t *ret_depth)
{
    const char *p = text + 2;
    uint64_t expires;

    if (strncmp(text, "1.", 2) != 0 || !sealed_number(&p, &ret->kid))
        return false;
    if ((*p != 'r' && *p != 'n') || p[1] != '.')
        return false;
    ret->may = *p == 'r' ? BLOB_RIGHT_READ : BLOB_RIGHT_PUT_NEW;
    p += 2;
    if (!sealed_number(&p, ret_depth) || *ret_depth < 1 || *ret_depth > RIGHT_DEPTH_MAX ||
        !sealed_number(&p, &expires))
        return false;
    ret->expires_s = (int64_t)expires;
    return strlen(p) == SEALED_MAC_SIZE;
}

bool blob_right_read(const char *text, struct blob_right *ret)
{
    uint64_t depth;

    return right_split(text, ret, &depth);
}

bool blob_right_verify(const char *text, const char *name, const uint8_t key[static BLOB_RIGHT_KEY_SIZE])
{
    char folder[BLOB_NAME_MAX + 1], want[BLOB_RIGHT_SIZE];
    struct blob_right right;
    const char *end = name;
    uint64_t depth;

    if (!blob_name_valid(name) || !right_split(text, &right, &depth))
        return false;
    for (uint64_t i = 0; i < depth; i++) {
        end = strchr(end, '/');
        if (!end)
            return false;
        end++;
    }
    snprintf(folder, sizeof(folder), "%.*s", (int)(end - name), name);
    if (!blob_right_mint(&right, folder, key, want))
        return false;
    return sealed_equal(text, want);
}
