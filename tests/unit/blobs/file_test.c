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
    return conform_folder_setup(state, file_another);
}

int main(void)
{
    return conform_run("blobs_file", file_setup, conform_folder_teardown, file_another);
}
