/* s3_test - the S3 backend, and a folder in front of it, by the statements that hold for all backends; against a strict store of
 * our own, or the one that KINOBUS_TEST_S3 names. */
#include "data/blobs/tier.h"
#include "tests/unit/blobs/s3_stage.h"

static const char *uri;
static bool foreign; /* it may not know conditions */

/* ---- alone */

static struct blobs *s3_another(struct conform *c)
{
    return s3_open(uri, PATIENCE_MS, NULL);
}

static int remove_it(void *ctx, const char *name, const struct blob_info *info)
{
    return blob_delete(ctx, name);
}

static int s3_setup(void **state)
{
    struct conform *c = calloc(1, sizeof(*c));

    c->offers = CONFORM_PUT | CONFORM_STREAM | CONFORM_HASH | CONFORM_LIST | CONFORM_DELETE;
    if (!foreign)
        c->offers |= CONFORM_ONE_WINS;
    c->blobs = s3_another(c);
    c->there = s3_another(c);
    *state = c;
    return blob_list(c->there, "", remove_it, c->there);
}

static int s3_teardown(void **state)
{
    struct conform *c = *state;
    int r = blob_list(c->there, "", remove_it, c->there);

    blobs_close(&c->blobs);
    blobs_close(&c->there);
    free(c);
    return r;
}

/* ---- behind a folder */

static struct blobs *tier_another(struct conform *c)
{
    char near[PATH_MAX + 8];
    struct blobs *first;

    snprintf(near, sizeof(near), "file:%s", c->folder.dir);
    assert_int_equal(blobs_open(near, &first), 0);
    return blobs_tier(first, s3_another(c));
}

static int tier_setup(void **state)
{
    return conform_folder_setup(state, tier_another);
}

int main(void)
{
    static const char *const words[] = { "--page", "3", NULL };
    int failed;

    foreign = getenv("KINOBUS_TEST_S3") != NULL;
    uri = s3_start(words);
    failed = conform_run("blobs_s3", s3_setup, s3_teardown, s3_another);
    failed += conform_run("blobs_tier", tier_setup, conform_folder_teardown, tier_another);
    s3_stop();
    return failed;
}
