/* country - see country.h */
#include "actors/playback/country.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <maxminddb.h>

#include "gen/errors.h"

enum { COUNTRY_LOOK_MS = 60 * 1000 };

struct country_db {
    char *path;
    int64_t looked_at;
    struct stat file;
    bool is_open;
    MMDB_s mmdb;
};

void country_close(struct country_db **db)
{
    if (!*db)
        return;
    if ((*db)->is_open)
        MMDB_close(&(*db)->mmdb);
    free((*db)->path);
    free(*db);
    *db = NULL;
}

static struct country_db *country_new(const char *path)
{
    struct country_db *db = calloc(1, sizeof(*db));

    if (!db || !(db->path = strdup(path)))
        abort();
    return db;
}

static bool country_is_same(const struct country_db *db, const struct stat *file)
{
    return db->is_open && db->file.st_dev == file->st_dev && db->file.st_ino == file->st_ino &&
           db->file.st_size == file->st_size && db->file.st_mtim.tv_sec == file->st_mtim.tv_sec &&
           db->file.st_mtim.tv_nsec == file->st_mtim.tv_nsec;
}

/* The file there now, unless it is open already. */
static int country_look(struct country_db *db, const char **ret_why)
{
    struct stat file;
    MMDB_s opened;
    int r;

    if (stat(db->path, &file) < 0) {
        *ret_why = strerror(errno);
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    }
    if (country_is_same(db, &file))
        return 0;
    r = MMDB_open(db->path, MMDB_MODE_MMAP, &opened);
    if (r != MMDB_SUCCESS) {
        *ret_why = MMDB_strerror(r);
        return ERR_MALFORMED;
    }
    if (db->is_open)
        MMDB_close(&db->mmdb);
    db->mmdb = opened;
    db->file = file;
    db->is_open = true;
    return 0;
}

int country_open(struct country_db **db, const char *path, int64_t now_ms, const char **ret_why)
{
    if (*db && strcmp((*db)->path, path) != 0)
        country_close(db);
    if (!*path)
        return 0;
    if (!*db)
        *db = country_new(path);
    else if (now_ms < (*db)->looked_at + COUNTRY_LOOK_MS && now_ms >= (*db)->looked_at)
        return 0;
    (*db)->looked_at = now_ms;
    return country_look(*db, ret_why);
}

static bool country_address(const char *text, struct sockaddr_in6 *six, struct sockaddr_in *four)
{
    *six = (struct sockaddr_in6) { .sin6_family = AF_INET6 };
    *four = (struct sockaddr_in) { .sin_family = AF_INET };
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        return true;
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        memcpy(&four->sin_addr, six->sin6_addr.s6_addr + 12, 4);
    return true;
}

bool country_of(const struct country_db *db, const char *address, char to[static 3])
{
    MMDB_lookup_result_s found;
    MMDB_entry_data_s code;
    struct sockaddr_in6 six;
    struct sockaddr_in four;
    const struct sockaddr *at;
    int err;

    if (!db || !db->is_open || !address || !country_address(address, &six, &four))
        return false;
    at = four.sin_addr.s_addr ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
    found = MMDB_lookup_sockaddr(&db->mmdb, at, &err);
    if (err != MMDB_SUCCESS || !found.found_entry ||
        MMDB_get_value(&found.entry, &code, "country", "iso_code", NULL) != MMDB_SUCCESS || !code.has_data ||
        code.type != MMDB_DATA_TYPE_UTF8_STRING || code.data_size != 2)
        return false;
    memcpy(to, code.utf8_string, 2);
    to[2] = '\0';
    return true;
}
