/* copies_tell - what the loop needs here is brought, and where a video lies is told. */
#include <stdlib.h>
#include <string.h>

#include "actors/catalog/places/copies_internal.h"
#include "schemas/wire/arena.h"

#define COPIES_BROUGHT_MOST ((uint64_t)16 * 1024 * 1024)

struct copies_brought {
    struct blobs *near, *all;
    char name[200];
};

/* ---- brought back */

static int copies_fetch(void *ctx)
{
    const struct copies_brought *b = ctx;
    struct blob_info info;
    uint8_t *data;
    size_t got;
    int r = blob_stat(b->all, b->name, &info);

    if (r == 0 && info.size > COPIES_BROUGHT_MOST)
        r = ERR_TOO_LARGE;
    if (r < 0)
        return r;
    data = malloc(info.size + 1);
    if (!data)
        abort();
    for (uint64_t at = 0; r == 0 && at < info.size; at += got)
        r = blob_read(b->all, b->name, at, data + at, info.size - at, &got);
    if (r == 0)
        r = blob_put_new(b->near, b->name, bytes_of(data, info.size), NULL);
    free(data);
    return r == ERR_EXISTS ? 0 : r;
}

static int copies_fetched(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct catalog *self = self_;
    const struct copies_brought *b = ctx;

    self->copies->bringing = false;
    if (err < 0)
        turn_log(t, "copies.bring", "name=%s error=%s", b->name, err_name(err));
    return 0;
}

int copies_bring(struct catalog *self, struct turn *t, const char *name)
{
    struct copies *c = self->copies;
    struct copies_brought b = { .near = c->near, .all = self->blobs };
    int r;

    if (c->bringing || strlen(name) >= sizeof(b.name))
        return 0;
    strcpy(b.name, name);
    r = turn_pool(t, copies_fetch, copies_fetched, &b, sizeof(b));
    if (r < 0)
        return r == ERR_BUSY ? 0 : r;
    turn_remember(t, &c->bringing, sizeof(c->bringing));
    c->bringing = true;
    return 0;
}

/* ---- told */

int copies_say(const struct catalog *self, struct turn *t, const struct video_row *video, const char **ret_word,
               int64_t *ret_since, const char **ret_words)
{
    const struct copies *c = self->copies;
    struct copy_row row;
    int r = c ? copies_row(t, video->id, &row) : 0;

    *ret_word = NULL;
    if (!c || r < 0)
        return r;
    *ret_since = row.forgotten_at ? row.forgotten_at : row.copied_at;
    if (row.forgotten_at || copies_elsewhere(c, &row)) {
        *ret_word = "far";
        *ret_words = arena_printf(turn_arena(t), "%s in %s alone",
                                  row.forgotten_at ? "original and segments lie" : "the original lies", row.place);
        if (copies_elsewhere(c, &row) && copies_before(c, row.place))
            *ret_words = arena_printf(turn_arena(t), "%s, and are to move to %s", *ret_words, c->far.name);
        else if (copies_elsewhere(c, &row))
            *ret_words = arena_printf(
                turn_arena(t), "%s, and catalog.far names %s: name that place behind it, and it moves there",
                *ret_words, c->far.name);
    } else if (row.copied_at) {
        *ret_word = "both";
        *ret_words = arena_printf(turn_arena(t), "%llu objects, %llu bytes, lie here and in %s",
                                  (unsigned long long)row.objects, (unsigned long long)row.bytes, row.place);
    } else {
        *ret_word = row.original ? "original" : "near";
        *ret_words = arena_printf(
            turn_arena(t), "%s; %s is the second place",
            row.came_there
                ? "the original was put there and lies there alone, the rest is copied when all of it is ready"
            : row.original ? "the original is copied, the rest when all of it is ready"
                           : "all of it lies here",
            c->far.name);
    }
    if (row.leaves && *row.leaves)
        *ret_words = arena_printf(turn_arena(t), "%s; %s, which was that before, is to be left", *ret_words,
                                  row.leaves);
    if (row.due_at && row.copied_at && !row.leaving)
        *ret_words = arena_printf(turn_arena(t), "%s; what changed since is to be copied", *ret_words);
    if (row.error)
        *ret_words = arena_printf(turn_arena(t), "%s; copying failed %llu times: %s", *ret_words,
                                  (unsigned long long)row.tries, row.error);
    return 0;
}
