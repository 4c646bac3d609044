/* scratch - see scratch.h */
#include "tests/fuzz/scratch.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch[PATH_MAX];

static int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static void scratch_remove(void)
{
    nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_folder(void)
{
    const char *in = getenv("TMPDIR");

    if (*scratch)
        return scratch;
    if (!in)
        in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(scratch, sizeof(scratch), "%s/kinobus-fuzz-XXXXXX", in);
    if (!mkdtemp(scratch) || atexit(scratch_remove) != 0)
        abort();
    return scratch;
}
