/* curve - key pairs, and the small files that they lie in. */
#include "broker/client/curve.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "broker/client/frame.h"
#include "gen/errors.h"

enum { CURVE_FILE_MAX = 2 * 1024 * 1024 };
static const char table_head[] = "kinobus-peers 1";

int curve_make(struct curve_pair *ret)
{
    return zmq_curve_keypair(ret->public_key, ret->secret_key) == 0 ? 0 : ERR_UNSUPPORTED;
}

bool curve_key_ok(const char *key)
{
    uint8_t raw[32];

    return strlen(key) == CURVE_KEY && zmq_z85_decode(raw, key) != NULL;
}

int curve_public(const char *secret_key, char ret[static CURVE_KEY + 1])
{
    if (!curve_key_ok(secret_key))
        return ERR_INVALID;
    return zmq_curve_public(ret, secret_key) == 0 ? 0 : ERR_INVALID;
}

bool curve_name_ok(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
            return false;
    return len > 0 && len <= CURVE_NAME_MAX;
}

/* ---- files */

static int curve_fail(char error[static 256], int err, const char *path, const char *why)
{
    snprintf(error, 256, "%.150s: %.100s", path, why);
    return err;
}

static int curve_system(char error[static 256], const char *path)
{
    int saved = errno;

    return curve_fail(error,
                      saved == ENOENT   ? ERR_NOT_FOUND
                      : saved == EEXIST ? ERR_CONFLICT
                                        : ERR_IO,
                      path, strerror(saved));
}

static int curve_private(int fd, const char *path, char error[static 256])
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return curve_system(error, path);
    if (!S_ISREG(st.st_mode))
        return curve_fail(error, ERR_INVALID, path, "this is no file");
    if (st.st_mode & 077)
        return curve_fail(error, ERR_FORBIDDEN, path, "others may read the secret in it; `chmod 600` it");
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return curve_fail(error, ERR_FORBIDDEN, path, "it holds a secret and belongs to another user; `chown` it");
    return 0;
}

int curve_read_file(const char *path, bool secret, char **ret, char error[static 256])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
    char *text;
    size_t len = 0;
    ssize_t n = 1;

    if (fd < 0)
        return curve_system(error, path);
    if (secret)
        r = curve_private(fd, path, error);
    text = malloc(CURVE_FILE_MAX + 1);
    if (!text)
        abort();
    while (r == 0 && n > 0 && len < CURVE_FILE_MAX) {
        n = read(fd, text + len, CURVE_FILE_MAX - len);
        if (n < 0)
            r = curve_system(error, path);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    text[len] = 0;
    if (r == 0 && (len == CURVE_FILE_MAX || strlen(text) != len))
        r = curve_fail(error, ERR_INVALID, path, "too long, or not text");
    if (r < 0)
        free(text);
    else
        *ret = text;
    return r;
}

static int curve_sync_folder(const char *path)
{
    char dir[4096];
    char *slash;
    int fd, r;

    snprintf(dir, sizeof dir, "%s", path);
    slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = 0;
    fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    r = fsync(fd);
    close(fd);
    return r;
}

int curve_write_file(const char *path, const char *text, unsigned mode, bool fresh, char error[static 256])
{
    char temporary[4096];
    size_t len = strlen(text);
    int fd, r = 0;

    if (snprintf(temporary, sizeof temporary, "%s.new-%ld", path, (long)getpid()) >= (int)sizeof temporary)
        return curve_fail(error, ERR_INVALID, path, "the path is too long");
    unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return curve_system(error, path);
    if (fchmod(fd, mode) < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
        r = curve_system(error, path);
    close(fd);
    if (r == 0 && (fresh ? link(temporary, path) : rename(temporary, path)) < 0)
        r = curve_system(error, path);
    if (r < 0 || fresh)
        unlink(temporary);
    if (r == 0 && curve_sync_folder(path) < 0)
        r = curve_system(error, path);
    return r;
}

int curve_read_key(const char *path, bool secret, char ret[static CURVE_KEY + 1], char error[static 256])
{
    char *text;
    int r = curve_read_file(path, secret, &text, error);

    if (r < 0)
        return r;
    text[strcspn(text, "\r\n")] = 0;
    if (curve_key_ok(text))
        memcpy(ret, text, CURVE_KEY + 1);
    else
        r = curve_fail(error, ERR_INVALID, path, "its first line is no key");
    explicit_bzero(text, strlen(text));
    free(text);
    return r;
}

/* ---- the table */

static int row_compare(const void *a, const void *b)
{
    return strcmp(((const struct curve_row *)a)->key, ((const struct curve_row *)b)->key);
}

/* ROLE NAME KEY MADE */
static bool row_parse(char *line, struct curve_row *row)
{
    char *rest = NULL, *words[5] = { NULL }, *end;

    for (size_t i = 0; i < 5; i++)
        words[i] = strtok_r(i ? NULL : line, " \t\r", &rest);
    if (!words[3] || words[4] || strlen(words[0]) > BUS_NAME_MAX || !frame_name_ok(bytes_of_text(words[0])) ||
        !curve_name_ok(words[1]) || !curve_key_ok(words[2]))
        return false;
    memcpy(row->role, words[0], strlen(words[0]) + 1);
    memcpy(row->name, words[1], strlen(words[1]) + 1);
    memcpy(row->key, words[2], CURVE_KEY + 1);
    row->made_ms = strtoll(words[3], &end, 10);
    return *end == 0;
}

static int table_parse(const char *path, char *text, struct curve_table *table, char error[static 256])
{
    char why[80];
    int number = 0;

    for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
        number++;
        snprintf(why, sizeof why, "line %d is not ROLE NAME KEY TIME", number);
        if (number == 1 && strcmp(line, table_head) != 0)
            return curve_fail(error, ERR_INVALID, path, "its first line is not `kinobus-peers 1`");
        if (number == 1 || line[strspn(line, " \t\r")] == 0 || *line == '#')
            continue;
        if (table->n == CURVE_ROWS)
            return curve_fail(error, ERR_INVALID, path, "more than 4096 keys");
        if (!row_parse(line, &table->rows[table->n]))
            return curve_fail(error, ERR_INVALID, path, why);
        table->n++;
    }
    return number ? 0 : curve_fail(error, ERR_INVALID, path, "it is empty");
}

int curve_table_read(const char *path, struct curve_table *ret, char error[static 256])
{
    struct curve_table table = { 0 };
    char *text;
    int r = curve_read_file(path, false, &text, error);

    if (r < 0)
        return r;
    table.rows = calloc(CURVE_ROWS, sizeof *table.rows);
    if (!table.rows)
        abort();
    r = table_parse(path, text, &table, error);
    free(text);
    if (table.n)
        qsort(table.rows, table.n, sizeof *table.rows, row_compare);
    for (size_t i = 1; r == 0 && i < table.n; i++) /* one key with two roles would be either's */
        if (row_compare(&table.rows[i - 1], &table.rows[i]) == 0)
            r = curve_fail(error, ERR_INVALID, path, "a key stands in it twice");
    if (r < 0)
        curve_table_free(&table);
    else
        *ret = table;
    return r;
}

int curve_table_write(const char *path, const struct curve_table *table, char error[static 256])
{
    size_t room = 64 + table->n * (sizeof(struct curve_row) + 32), len;
    char *text = malloc(room);
    int r;

    if (!text)
        abort();
    len = (size_t)snprintf(text, room, "%s\n", table_head);
    for (size_t i = 0; i < table->n; i++) {
        const struct curve_row *row = &table->rows[i];

        len += (size_t)snprintf(text + len, room - len, "%s %s %s %lld\n", row->role, row->name, row->key,
                                (long long)row->made_ms);
    }
    r = curve_write_file(path, text, 0644, false, error);
    free(text);
    return r;
}

void curve_table_free(struct curve_table *table)
{
    free(table->rows);
    *table = (struct curve_table) { 0 };
}

const struct curve_row *curve_table_find(const struct curve_table *table, const char *key)
{
    struct curve_row wanted;

    if (!table->n || strlen(key) != CURVE_KEY)
        return NULL;
    memcpy(wanted.key, key, CURVE_KEY + 1);
    return bsearch(&wanted, table->rows, table->n, sizeof *table->rows, row_compare);
}
