/* keys - what media URLs are made with: made here, published as the value media_keys, changed from time to
 * time.
 *
 * A key that is no longer the newest is published as long as URLs made with it may be open, and then
 * deleted. */
#pragma once

#include "actors/playback/actor.h"

enum {
    KEYS_TEND_MS = 3600 * 1000,
    KEYS_OPEN_MS = 49 * 3600 * 1000, /* the longest that a URL may live */
};

/* Makes a key where one is due, deletes those that are over, publishes the rest, and what was taken back (denied.h); and
 * again in an hour. */
int keys_tend(struct playback *self, struct turn *t);

struct keys_right {
    const char *policy; /* who was let in, and to what: a class of media_token.h */
    int64_t until;      /* ms UTC; 0: it ends when the settings say, else it may end before that */
};

/* A path into one version of a video: "/media/{token}/{video}/{version}/{leaf}". */
int keys_path(struct turn *t, struct id video, uint64_t version, const struct keys_right *right, const char *leaf,
              const char **ret);

/* The path to a poster, by the catalog's count of them; small: for lists. open: everybody may see the video. */
int keys_poster_path(struct turn *t, struct id video, uint64_t version, uint64_t poster, bool open, bool small,
                     const char **ret);
/* And to what says which picture is of which moment. */
int keys_storyboard_path(struct turn *t, struct id video, uint64_t version, bool open, const char **ret);

/* When a path made now ends, ms UTC. */
int64_t keys_path_ends(struct turn *t, const struct keys_right *right);
