/* backup - what every owner serves beside its own calls: NAME.backup, a copy of its store made while it works.
 *
 * The copy is made on the pool, out of a read transaction: it is the store as it was at one moment. An actor that is
 * started on a copy mints a new store id by itself. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "actors/runtime/internal.h"
#include "data/store/env.h"
#include "gen/common.h"
#include "gen/errors.h"

struct backup_work {
    struct store *store;
    char dir[PATH_MAX];
    int err;
};

static int backup_work(void *ctx)
{
    struct backup_work *work = ctx;

    work->err = store_backup(work->store, work->dir);
    return 0;
}

static int backup_done(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct backup_work *work = ctx;
    char path[PATH_MAX + 16];
    struct stat copy;

    if (err < 0)
        return err;
    if (work->err < 0)
        return turn_fail(t, work->err, "dir", "the copy could not be made in %.400s", work->dir);
    snprintf(path, sizeof(path), "%s/data.mdb", work->dir);
    struct backed_up made = { .bytes = stat(path, &copy) == 0 ? (uint64_t)copy.st_size : 0 };
    turn_log(t, "backup", "dir=%s bytes=%llu", work->dir, (unsigned long long)made.bytes);
    return turn_reply(t, &made);
}

static bool backup_served(const void *handlers)
{
    return true;
}

static int backup_run(const void *handlers, void *self, struct turn *t, const void *ask, void *reply)
{
    const struct backup_store *asked = ask;
    struct backup_work work = { .store = actor_store(turn_actor(t)) };

    if (asked->dir[0] != '/' || strlen(asked->dir) >= sizeof(work.dir))
        return turn_fail(t, ERR_INVALID, "dir", "must be an absolute path of at most %d characters", PATH_MAX - 1);
    strcpy(work.dir, asked->dir);
    int r = turn_pool(t, backup_work, backup_done, &work, sizeof(work));
    return r < 0 ? r : TURN_LATER;
}

static const struct call_def backup_call = {
    .name = "backup",
    .request = &backup_store_type,
    .reply = &backed_up_type,
    .allow = ALLOW_ADMIN | ALLOW_ACTORS,
    .writes = true,
    .deadline_ms = 600000,
};

const struct serve_def backup_serve = { &backup_call, backup_served, backup_run };
