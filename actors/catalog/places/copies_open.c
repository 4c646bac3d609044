/* copies_open - the places: the present one, and those that were it before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/catalog/places/copies_internal.h"
#include "data/blobs/tier.h"

enum { COPIES_AHEAD = 1024 * 1024, COPIES_LINES = 4 /* beside those that carry */ };

static struct copies_place copies_place_of(struct blobs *blobs, const char *name)
{
    struct copies_place place = { .blobs = blobs, .name = strdup(name) };

    if (!place.name)
        abort();
    return place;
}

static struct copies *copies_new(void)
{
    struct copies *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    return c;
}

static void copies_begin(struct catalog *self, struct copies *c, struct blobs *far, const char *place)
{
    c->near = self->blobs;
    c->far = copies_place_of(far, place);
    self->copies = c;
    self->blobs = blobs_tier(c->near, far);
}

void copies_over(struct catalog *self, struct blobs *far, const char *place)
{
    copies_begin(self, copies_new(), far, place);
}

void copies_over_before(struct catalog *self, struct blobs *before, const char *place)
{
    struct copies *c = self->copies;

    c->before[c->before_n++] = copies_place_of(before, place);
    self->blobs = blobs_tier(self->blobs, before);
}

int copies_open(struct catalog *self, const struct catalog_settings *settings)
{
    struct copies *c = copies_new();
    const struct blobs_s3_options how = { .connect_ms = (unsigned)settings->far_connect_ms,
                                          .quiet_s = (unsigned)settings->far_quiet_s,
                                          .patience_ms = (unsigned)settings->far_patience_s * 1000,
                                          .ahead = COPIES_AHEAD,
                                          .lines = (unsigned)settings->far_carries + COPIES_LINES,
                                          .part_mib = (unsigned)settings->far_part_mib,
                                          .cancel = &c->stop };
    struct blobs *all[BLOBS_S3_PLACES];
    char error[S3_SAID_MAX] = "";
    unsigned n;
    int r = blobs_s3_open_each(settings->far, &how, all, &n, error);

    if (r < 0) {
        fprintf(stderr, "catalog: catalog.far: %s\n", error);
        free(c);
        return r;
    }
    c->s3 = true;
    copies_begin(self, c, all[0], blobs_s3_place(all[0]));
    for (unsigned i = 1; i < n; i++)
        copies_over_before(self, all[i], blobs_s3_place(all[i]));
    return 0;
}

void copies_stop(struct copies *c)
{
    if (c)
        atomic_store(&c->stop, true);
}

void copies_free(struct copies **copies)
{
    struct copies *c = *copies;

    if (!c)
        return;
    copies_stop(c);
    for (unsigned i = 0; i < COPIES_CARRIES; i++)
        carry_free(&c->work[i]);
    for (unsigned i = 0; i < c->before_n; i++)
        free(c->before[i].name);
    free(c->far.name);
    free(c);
    *copies = NULL;
}

struct blobs *copies_near(const struct catalog *self)
{
    return self->copies ? self->copies->near : self->blobs;
}

const struct copies_place *copies_before(const struct copies *c, const char *name)
{
    for (unsigned i = 0; name && i < c->before_n; i++)
        if (strcmp(c->before[i].name, name) == 0)
            return &c->before[i];
    return NULL;
}

const char *copies_place(const struct catalog *self)
{
    return self->copies ? self->copies->far.name : NULL;
}

struct blobs *copies_store(const struct catalog *self, const char *place)
{
    const struct copies *c = self->copies;
    const struct copies_place *found = !c                                      ? NULL
                                       : !place || !strcmp(place, c->far.name) ? &c->far
                                                                               : copies_before(c, place);

    return found && blobs_s3_has(found->blobs) ? found->blobs : NULL;
}
