#include "broker/server/roster.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gen/errors.h"

struct roster {
    char *path;
    pthread_mutex_t lock;
    struct curve_table table;
    struct stat seen; /* of the file that was read; all zero: there was none */
    unsigned version;
    char error[256]; /* why there is no table; empty: there is one */
};

struct roster *roster_new(const char *path)
{
    struct roster *roster = calloc(1, sizeof *roster);

    if (!roster || !(roster->path = strdup(path)) || pthread_mutex_init(&roster->lock, NULL) != 0)
        abort();
    return roster;
}

void roster_free(struct roster **at)
{
    struct roster *roster = *at;

    *at = NULL;
    if (!roster)
        return;
    curve_table_free(&roster->table);
    pthread_mutex_destroy(&roster->lock);
    free(roster->path);
    free(roster);
}

static bool roster_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec &&
           a->st_mode == b->st_mode;
}

/* Under the lock. */
static void roster_refresh(struct roster *roster)
{
    struct stat now;

    if (stat(roster->path, &now) < 0)
        now = (struct stat) { 0 };
    if (roster->version && roster_same(&now, &roster->seen))
        return;
    curve_table_free(&roster->table);
    *roster->error = 0;
    curve_table_read(roster->path, &roster->table, roster->error); /* its error is kept */
    roster->seen = now;
    roster->version++;
}

int roster_find(struct roster *roster, const char *key, struct curve_row *ret, char error[static 256])
{
    const struct curve_row *row;

    pthread_mutex_lock(&roster->lock);
    roster_refresh(roster);
    row = curve_table_find(&roster->table, key);
    if (row)
        *ret = *row;
    else
        snprintf(error, 256, "%s", *roster->error ? roster->error : "no such key");
    pthread_mutex_unlock(&roster->lock);
    return row ? 0 : ERR_FORBIDDEN;
}

unsigned roster_version(struct roster *roster)
{
    unsigned version;

    pthread_mutex_lock(&roster->lock);
    roster_refresh(roster);
    version = roster->version;
    pthread_mutex_unlock(&roster->lock);
    return version;
}
