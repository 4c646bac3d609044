/* backup, restore - a platform's state as it is at one moment, made while it works; and put back while it does not.
 *
 * First each owner copies its own store, then the media is taken: what a store names was there before the store was
 * copied, and media never changes, so that a copy never names what it lacks. Media files are linked, not copied, where
 * the backup lies on the same filesystem. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/client/mp.h"
#include "gen/common.h"
#include "ops/cli/link.h"
#include "ops/cli/show.h"
#include "ops/process/pidfile.h"

enum { DEADLINE_MS = 600000, PIECE = 1 << 20 };

static const char *const owners[] = { "auth", "catalog", "index", "playback", "notify" };
enum { OWNERS = sizeof(owners) / sizeof(owners[0]) };
static const char *const copied[] = { "keys", "blobs", "kinobus.conf" }; /* beside the stores */
enum { COPIED = sizeof(copied) / sizeof(copied[0]) };

/* ---- one file, one tree */

static int backup_copy_bytes(int from, int to)
{
    static char piece[PIECE];
    ssize_t n;
    while ((n = read(from, piece, sizeof(piece))) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t wrote = write(to, piece + done, (size_t)(n - done));
            if (wrote < 0)
                return -1;
            done += wrote;
        }
    }
    return n < 0 || fsync(to) < 0 ? -1 : 0;
}

static int backup_copy_file(const char *from, const char *to, mode_t mode)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, r = -1;
    if (in >= 0)
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    if (out >= 0)
        r = backup_copy_bytes(in, out);
    int saved = errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    errno = saved;
    return r;
}

/* What nftw's callback must know; one walk at a time. */
static struct {
    const char *from, *to;
    bool may_link;
    unsigned long files;
} walk;

static int backup_visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char to[PATH_MAX];
    if (snprintf(to, sizeof(to), "%s%s", walk.to, path + strlen(walk.from)) >= (int)sizeof(to)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (kind == FTW_D)
        return mkdir(to, st->st_mode & 0777) < 0 && errno != EEXIST ? -1 : 0;
    if (kind != FTW_F || !S_ISREG(st->st_mode))
        return 0;
    walk.files++;
    /* What is still growing would go on growing in the copy: its name begins with a dot. */
    if (walk.may_link && path[ftw->base] != '.' && link(path, to) == 0)
        return 0;
    /* A file that went away meanwhile was deleted, or was the temporary one of something that was being written. */
    return backup_copy_file(path, to, st->st_mode) < 0 && errno != ENOENT ? -1 : 0;
}

static int backup_tree(const char *from, const char *to, bool may_link)
{
    walk.from = from;
    walk.to = to;
    walk.may_link = may_link;
    if (access(from, F_OK) < 0 && errno == ENOENT)
        return 0;
    return nftw(from, backup_visit, 32, FTW_PHYS) == 0 ? 0 : -1;
}

/* ---- backup */

static int backup_ask(struct link *link, const char *name, const char *dir)
{
    char target[64];
    struct buf body = { 0 }, reply = { 0 };
    int r = 0;
    if (mkdir(dir, 0700) < 0)
        return cli_fail(EXIT_FAILED, "%s: %s", dir, strerror(errno));
    if (strcmp(name, "broker") == 0) {
        snprintf(target, sizeof(target), "$sys.backup");
        mp_put_map(&body, 1);
        mp_put_str(&body, "dir");
        mp_put_str(&body, dir);
    } else {
        snprintf(target, sizeof(target), "%s.backup", name);
        r = backup_store_pack(&(struct backup_store) { .dir = dir }, &body);
    }
    if (r == 0)
        r = link_call(link, target, buf_bytes(&body), DEADLINE_MS, &reply);
    int code = r < 0 ? show_problem(target, r, buf_bytes(&reply)) : EXIT_DONE;
    buf_free(&body);
    buf_free(&reply);
    return code;
}

static int backup_stores(const struct cli *cli, const char *to)
{
    char dir[PATH_MAX];
    struct link *link;
    int code = link_open(cli, &link);
    for (size_t i = 0; code == EXIT_DONE && i <= OWNERS; i++) {
        /* The broker last: what it still holds, an owner's outbox may hold as well, and a repetition is harmless. */
        const char *name = i < OWNERS ? owners[i] : "broker";
        if (snprintf(dir, sizeof(dir), "%s/%s", to, name) >= (int)sizeof(dir))
            code = cli_fail(EXIT_FAILED, "%s: the path is too long", to);
        else
            code = backup_ask(link, name, dir);
        if (code == EXIT_DONE && cli->colour)
            fprintf(stderr, "%s copied\n", name);
    }
    link_close(&link);
    return code;
}

static int backup_rest(const struct cli *cli, const char *from, const char *to, bool may_link)
{
    char source[PATH_MAX], target[PATH_MAX];
    (void)cli;
    for (size_t i = 0; i < COPIED; i++) {
        if (snprintf(source, sizeof(source), "%s/%s", from, copied[i]) >= (int)sizeof(source) ||
            snprintf(target, sizeof(target), "%s/%s", to, copied[i]) >= (int)sizeof(target))
            return cli_fail(EXIT_FAILED, "%s: the path is too long", to);
        if (backup_tree(source, target, may_link && strcmp(copied[i], "blobs") == 0) < 0)
            return cli_fail(EXIT_FAILED, "%s: %s", source, strerror(errno));
    }
    return EXIT_DONE;
}

static int backup_run(const struct cli *cli, int argc, char **argv)
{
    char to[PATH_MAX], state[PATH_MAX];
    if (argc != 2)
        return cli_usage(&backup_command, "name a folder that does not exist yet");
    if (mkdir(argv[1], 0700) < 0)
        return cli_fail(EXIT_FAILED, "%s: %s", argv[1], strerror(errno));
    if (!realpath(argv[1], to) || !realpath(cli->state, state))
        return cli_fail(EXIT_FAILED, "%s: %s", cli->state, strerror(errno));
    int code = backup_stores(cli, to);
    if (code == EXIT_DONE)
        code = backup_rest(cli, state, to, true);
    if (code != EXIT_DONE)
        return code;
    if (cli->json)
        show_pack("{s:s,s:I}", "backup", to, "files", (json_int_t)walk.files);
    else
        printf("backed up to %s: every store, %lu files\n", to, walk.files);
    return EXIT_DONE;
}

/* ---- restore */

static bool restore_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = true;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    if (dir)
        closedir(dir);
    return empty;
}

static int restore_run(const struct cli *cli, int argc, char **argv)
{
    char from[PATH_MAX], source[PATH_MAX], target[PATH_MAX];
    if (argc != 2)
        return cli_usage(&restore_command, "name the folder of a backup");
    if (!realpath(argv[1], from) ||
        snprintf(source, sizeof(source), "%s/broker/data.mdb", from) >= (int)sizeof(source) ||
        access(source, R_OK) < 0)
        return cli_fail(EXIT_FAILED, "%s: this is no backup: it has no broker/data.mdb", argv[1]);
    if (mkdir(cli->state, 0750) < 0 && errno != EEXIST)
        return cli_fail(EXIT_FAILED, "%s: %s", cli->state, strerror(errno));
    if (!restore_is_empty(cli->state))
        return cli_fail(EXIT_FAILED,
                        "%s is not empty: stop the platform and move it aside, or name another --state",
                        cli->state);
    for (size_t i = 0; i <= OWNERS; i++) {
        const char *name = i < OWNERS ? owners[i] : "broker";
        if (snprintf(source, sizeof(source), "%s/%s", from, name) >= (int)sizeof(source) ||
            !cli_path(cli, target, sizeof(target), name))
            return EXIT_FAILED;
        if (backup_tree(source, target, false) < 0)
            return cli_fail(EXIT_FAILED, "%s: %s", source, strerror(errno));
    }
    int code = backup_rest(cli, from, cli->state, false);
    if (code == EXIT_DONE && cli->json)
        show_pack("{s:s}", "restored", cli->state);
    else if (code == EXIT_DONE)
        printf("restored into %s; `kinobus up` starts it\n", cli->state);
    return code;
}

const struct command backup_command = { "backup", "FOLDER",
                                        "Copy the whole platform into a new folder, while it works.",
                                        "  Each owner copies its store as it is at one moment; media is linked "
                                        "where FOLDER lies on the same filesystem.\n"
                                        "  The copy holds secrets: keep it as you keep the platform.",
                                        backup_run };
const struct command restore_command = {
    "restore", "FOLDER", "Put a backup into an empty state directory.",
    "  Then `kinobus up`. Whoever changed something after the backup must do it again.", restore_run
};
