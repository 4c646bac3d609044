/* s3_places - several buckets in one setting, the first is the place, the others were it before; and all of them behind a folder. */
#include "data/blobs/s3_internal.h"

#include <stdio.h>
#include <string.h>

#include "data/blobs/tier.h"
#include "gen/errors.h"

int blobs_s3_open_each(const char *uris, const struct blobs_s3_options *options,
                       struct blobs *ret[BLOBS_S3_PLACES], unsigned *ret_n, char error[S3_SAID_MAX])
{
    char uri[S3_URI_MAX];
    int r = 0;

    *ret_n = 0;
    for (uris += strspn(uris, " "); r == 0 && *uris; uris += strspn(uris, " ")) {
        size_t len = strcspn(uris, " ");

        if (*ret_n == BLOBS_S3_PLACES) {
            snprintf(error, S3_SAID_MAX, "s3: more than %d places are named", BLOBS_S3_PLACES);
            r = ERR_INVALID;
        } else if (len >= sizeof(uri)) {
            snprintf(error, S3_SAID_MAX, "s3: a place is longer than %zu characters", sizeof(uri) - 1);
            r = ERR_INVALID;
        } else {
            memcpy(uri, uris, len);
            uri[len] = 0;
            r = blobs_s3_open(uri, options, &ret[*ret_n], error);
            *ret_n += r == 0;
        }
        uris += len;
    }
    if (r == 0 && *ret_n == 0)
        r = blobs_s3_open("", options, ret, error); /* says what is asked for */
    while (r < 0 && *ret_n > 0)
        blobs_close(&ret[--*ret_n]);
    return r;
}

int blobs_s3_open_all(const char *uris, const struct blobs_s3_options *options, struct blobs **ret,
                      char error[S3_SAID_MAX])
{
    struct blobs *all[BLOBS_S3_PLACES];
    unsigned n;
    int r = blobs_s3_open_each(uris, options, all, &n, error);

    if (r < 0)
        return r;
    *ret = all[0];
    for (unsigned i = 1; i < n; i++)
        *ret = blobs_tier(*ret, all[i]);
    return 0;
}

int blobs_s3_open_behind(const char *state_dir, const char *uris, const struct blobs_s3_options *options,
                         struct blobs **ret, char error[S3_SAID_MAX])
{
    struct blobs *near = NULL, *behind = NULL;
    int r = blobs_open_in(state_dir, &near);

    *error = 0;
    if (r == 0 && uris && *uris)
        r = blobs_s3_open_all(uris, options, &behind, error);
    if (r < 0)
        blobs_close(&near);
    else
        *ret = behind ? blobs_tier(near, behind) : near;
    return r;
}
