/* file_test - the file backend, by the statements that hold for all of them. */
#include "tests/unit/blobs/conform.h"

static struct blobs *file_another(struct conform *c)
{
    char uri[PATH_MAX + 8];
    struct blobs *blobs;

    snprintf(uri, sizeof(uri), "file:%s", c->folder.dir);
    assert_int_equal(blobs_open(uri, &blobs), 0);
    return blobs;
}

static int file_setup(void **state)
{
    struct conform *c = calloc(1, sizeof(*c));

    c->offers = CONFORM_ALL;
    if (make_folder(&c->folder) < 0)
        return -1;
    c->there = c->folder.blobs;
    c->blobs = file_another(c);
    *state = c;
    return 0;
}

static int file_teardown(void **state)
{
    struct conform *c = *state;

    blobs_close(&c->blobs);
    remove_folder(&c->folder);
    free(c);
    return 0;
}

int main(void)
{
    return conform_run("blobs_file", file_setup, file_teardown, file_another);
}
