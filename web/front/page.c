/* page - see page.h */
#include "web/front/page.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gen/errors.h"
#include "web/front/file.h"
#include "web/front/http/mime.h"

/* A regular file beneath the folder; -1: none. */
static int page_open(const struct exchange *x, const char *name, struct stat *ret)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
    int fd = (int)syscall(SYS_openat2, x->front->web_dir, name, &how, sizeof(how));

    if (fd < 0)
        return -1;
    if (fstat(fd, ret) < 0 || !S_ISREG(ret->st_mode)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* No part of a name may begin with a dot. */
static bool page_hidden(const char *path)
{
    return strstr(path, "/.") != NULL;
}

/* An address without a file's ending is the app's own. */
static bool page_is_app(const char *path)
{
    const char *leaf = strrchr(path, '/');

    return !strchr(leaf, '.');
}

static void page_send(struct exchange *x, int fd, const char *name, const struct stat *st)
{
    const struct mime *mime = mime_of(name);
    int64_t modified = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    struct file_out file = { .fd = fd,
                             .size = (uint64_t)st->st_size,
                             .type = mime->type,
                             .gzip = mime->text,
                             .modified = modified,
                             .counter = FRONT_COUNTERS };

    file.etag = arena_printf(x->arena, "\"%" PRIx64 "-%" PRIx64 "\"", file.size, (uint64_t)modified);
    x->cache = strncmp(name, "assets/", 7) == 0 ? "public, max-age=31536000, immutable" : "no-cache";
    file_send(x, &file);
}

void page_serve(struct exchange *x)
{
    const char *path = x->facts.path, *name = path + 1;
    struct stat st;
    int fd = -1;

    x->what = "page";
    if (x->front->web_dir >= 0 && !page_hidden(path)) {
        fd = *name ? page_open(x, name, &st) : -1;
        if (fd < 0 && page_is_app(path)) {
            name = "index.html";
            fd = page_open(x, name, &st);
        }
    }
    if (fd < 0) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such page.");
        return;
    }
    page_send(x, fd, name, &st);
    close(fd);
}
