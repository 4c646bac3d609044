/* key - which processes of other hosts may join: make an identity, list them, take one back.
 *
 * An identity is ROLE/NAME and a key pair. The public key goes into STATE/keys/bus/peers, which the broker reads by
 * itself; the secret one leaves in a join file and is kept nowhere else. Nothing here needs a running platform, but
 * the broker must have listened once: its own key is in each join file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "broker/client/curve.h"
#include "gen/errors.h"
#include "gen/policy.h"
#include "ops/cli/ask.h"
#include "ops/cli/show.h"

struct key_place {
    char table[PATH_MAX], broker[PATH_MAX], lock[PATH_MAX];
};

static bool key_place(const struct cli *cli, struct key_place *ret)
{
    if (!cli_path(cli, ret->table, sizeof(ret->table), "keys/bus/peers") ||
        !cli_path(cli, ret->broker, sizeof(ret->broker), "keys/bus/broker.pub") ||
        !cli_path(cli, ret->lock, sizeof(ret->lock), "keys/bus/lock"))
        return false;
    return true;
}

/* The table, or an empty one where there is none yet. */
static int key_table(const struct key_place *place, struct curve_table *ret)
{
    char error[256];
    int r = curve_table_read(place->table, ret, error);
    if (r < 0 && r != ERR_NOT_FOUND)
        return cli_fail(EXIT_FAILED, "%s; until it is mended nobody joins from another host", error);
    return EXIT_DONE;
}

static struct curve_row *key_find(const struct curve_table *table, const char *role, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (strcmp(table->rows[i].role, role) == 0 && strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

/* Whether the policy of this build gives the role any right: `allow ROLE ...`. */
static bool key_role_known(const char *role)
{
    size_t len = strlen(role);
    for (const char *line = policy_text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "allow ", 6) == 0 && strncmp(line + 6, role, len) == 0 && line[6 + len] == ' ')
            return true;
    }
    return false;
}

/* ROLE/NAME into its two halves; false, with a message, when it is none. */
static bool key_words(char *word, const char **role, const char **name)
{
    char *slash = strchr(word, '/');
    if (!slash) {
        cli_usage(&key_command, "'%s' is not ROLE/NAME, as in transcode/attic", word);
        return false;
    }
    *slash = '\0';
    *role = word;
    *name = slash + 1;
    if (!curve_name_ok(*name)) {
        cli_usage(&key_command, "a name has letters, digits, '-', '_' and '.', 64 at most; not '%s'", *name);
        return false;
    }
    return true;
}

/* One change of the table at a time. The descriptor holds the lock; -1, with a message. */
static int key_lock(const struct key_place *place)
{
    int fd = open(place->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        cli_fail(EXIT_FAILED, "%s: %s", place->lock, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static int key_write(const struct key_place *place, const struct curve_table *table)
{
    char error[256];
    return curve_table_write(place->table, table, error) < 0 ? cli_fail(EXIT_FAILED, "%s", error) : EXIT_DONE;
}

/* The row joins the table. */
static int key_add(const struct key_place *place, const struct curve_row *row)
{
    struct curve_table table = { 0 };
    int lock = key_lock(place), code;
    if (lock < 0)
        return EXIT_FAILED;
    code = key_table(place, &table);
    if (code == EXIT_DONE && key_find(&table, row->role, row->name))
        code = cli_fail(EXIT_FAILED,
                        "%s/%s has a key already; `kinobus key revoke %s/%s` first, or take another name",
                        row->role, row->name, row->role, row->name);
    else if (code == EXIT_DONE && table.n == CURVE_ROWS)
        code = cli_fail(EXIT_FAILED, "there are %d keys already; revoke one first", CURVE_ROWS);
    if (code == EXIT_DONE) {
        struct curve_row *rows = realloc(table.rows, (table.n + 1) * sizeof(*rows));
        if (!rows)
            abort();
        table.rows = rows;
        table.rows[table.n++] = *row;
        code = key_write(place, &table);
    }
    curve_table_free(&table);
    close(lock);
    return code;
}

static int key_show_made(const struct cli *cli, const struct curve_join *join, const struct curve_row *row,
                         const char *file)
{
    if (cli->json) {
        json_t *made = json_pack("{s:s, s:s, s:s, s:s}", "role", row->role, "name", row->name, "key", row->key,
                                 "file", file);
        show_print(made, true);
        json_decref(made);
    } else {
        printf("%s lets in %s/%s at %s.\nCopy it to that host (0600), and start there: kinobus-%s --join FILE\n",
               file, row->role, row->name, join->endpoint, row->role);
    }
    return EXIT_DONE;
}

static int key_make(const struct cli *cli, const struct key_place *place, char *who, const char *endpoint,
                    const char *file)
{
    struct curve_join join = { .endpoint = "" };
    struct curve_row row = { .made_ms = (int64_t)time(NULL) * 1000 };
    struct curve_pair pair;
    const char *role, *name;
    char text[2048], error[256];
    if (!key_words(who, &role, &name))
        return EXIT_USAGE;
    if (strlen(role) > BUS_NAME_MAX || !key_role_known(role))
        return cli_usage(&key_command, "no program of this build has the role '%s'", role);
    if (strncmp(endpoint, "tcp://", 6) != 0 || !strrchr(endpoint + 6, ':') ||
        strlen(endpoint) > CURVE_ENDPOINT_MAX)
        return cli_usage(&key_command, "'%s' is not tcp://HOST:PORT, where that host reaches the broker",
                         endpoint);
    if (curve_read_key(place->broker, false, join.broker, error) < 0)
        return cli_fail(EXIT_FAILED,
                        "%s; the broker makes its key when it first listens for other hosts: set "
                        "broker.listen = tcp://ADDRESS:PORT in kinobus.conf and start the platform again",
                        error);
    if (curve_make(&pair) < 0)
        return cli_fail(EXIT_FAILED, "this libzmq has no CURVE");
    snprintf(join.endpoint, sizeof(join.endpoint), "%s", endpoint);
    snprintf(join.role, sizeof(join.role), "%s", role);
    snprintf(join.name, sizeof(join.name), "%s", name);
    memcpy(join.secret, pair.secret_key, sizeof(join.secret));
    memcpy(row.role, join.role, sizeof(row.role));
    memcpy(row.name, join.name, sizeof(row.name));
    memcpy(row.key, pair.public_key, sizeof(row.key));
    curve_join_text(&join, text, sizeof(text));
    /* The file first: a key in the table whose file could not be written would only be in the way. */
    if (file && curve_write_file(file, text, 0600, true, error) < 0)
        return cli_fail(EXIT_FAILED, "%s", error);
    int code = key_add(place, &row);
    if (code != EXIT_DONE && file)
        unlink(file);
    else if (code == EXIT_DONE && file)
        code = key_show_made(cli, &join, &row, file);
    else if (code == EXIT_DONE)
        fputs(text, stdout);
    explicit_bzero(text, sizeof(text));
    explicit_bzero(&pair, sizeof(pair));
    explicit_bzero(&join, sizeof(join));
    return code;
}

static int key_revoke(const struct cli *cli, const struct key_place *place, char *who)
{
    struct curve_table table = { 0 };
    const char *role, *name;
    if (!key_words(who, &role, &name))
        return EXIT_USAGE;
    int lock = key_lock(place);
    if (lock < 0)
        return EXIT_FAILED;
    int code = key_table(place, &table);
    struct curve_row *row = code == EXIT_DONE ? key_find(&table, role, name) : NULL;
    if (code == EXIT_DONE && !row)
        code = cli_fail(EXIT_FAILED, "%s/%s has no key; `kinobus key ls` lists who has", role, name);
    if (row) {
        *row = table.rows[--table.n];
        code = key_write(place, &table);
    }
    if (code == EXIT_DONE && cli->json)
        show_pack("{s:s,s:s,s:b}", "role", role, "name", name, "revoked", true);
    else if (code == EXIT_DONE)
        printf("%s/%s is out: its sessions end within a second or so, and its join file is worth nothing\n", role,
               name);
    curve_table_free(&table);
    close(lock);
    return code;
}

/* The sessions of the broker, NULL: it is not there to be asked. */
static json_t *key_peers(const struct cli *cli)
{
    char path[PATH_MAX];
    json_t *peers = NULL;
    if (cli_path(cli, path, sizeof(path), "bus.sock") && access(path, F_OK) == 0)
        ask_once(cli, "$sys.peers", NULL, &peers);
    return peers;
}

/* Where a session with this key comes from; NULL: there is none. */
static const char *key_session(const json_t *peers, const struct curve_row *row)
{
    const json_t *peer;
    size_t i;
    json_array_foreach(peers, i, peer)
    {
        const char *role = json_string_value(json_object_get(peer, "role"));
        const char *name = json_string_value(json_object_get(peer, "name"));
        if (role && name && strcmp(role, row->role) == 0 && strcmp(name, row->name) == 0)
            return json_string_value(json_object_get(peer, "address"));
    }
    return NULL;
}

static int key_by_name(const void *a, const void *b)
{
    const struct curve_row *x = a, *y = b;
    int order = strcmp(x->role, y->role);
    return order ? order : strcmp(x->name, y->name);
}

static json_t *key_row_json(const json_t *peers, const struct curve_row *row)
{
    const char *address = key_session(peers, row);
    json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:s?}", "role", row->role, "name", row->name, "key", row->key,
                               "made_ms", (json_int_t)row->made_ms, "address", address);
    json_object_set_new(object, "session", peers ? json_boolean(address != NULL) : json_null());
    return object;
}

static void key_row_print(const json_t *peers, const struct curve_row *row)
{
    const char *address = key_session(peers, row);
    time_t made = (time_t)(row->made_ms / 1000);
    struct tm tm;
    char day[32], who[BUS_NAME_MAX + CURVE_NAME_MAX + 4];
    gmtime_r(&made, &tm);
    strftime(day, sizeof(day), "%Y-%m-%d", &tm);
    snprintf(who, sizeof(who), "%s/%s", row->role, row->name);
    printf("%-28s %s  made %s  %s%s\n", who, row->key, day,
           address ? "joined from "
           : peers ? "not joined"
                   : "",
           address ? address : "");
}

static int key_list(const struct cli *cli, const struct key_place *place)
{
    struct curve_table table = { 0 };
    int code = key_table(place, &table);
    if (code != EXIT_DONE)
        return code;
    json_t *peers = key_peers(cli), *rows = json_array();
    if (table.n)
        qsort(table.rows, table.n, sizeof(*table.rows), key_by_name);
    for (size_t i = 0; i < table.n; i++) {
        if (cli->json)
            json_array_append_new(rows, key_row_json(peers, &table.rows[i]));
        else
            key_row_print(peers, &table.rows[i]);
    }
    if (cli->json)
        show_print(rows, true);
    else if (!table.n)
        puts("nobody may join from another host; `kinobus key make` lets somebody in");
    json_decref(rows);
    json_decref(peers);
    curve_table_free(&table);
    return EXIT_DONE;
}

static int key_run(const struct cli *cli, int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    struct key_place place;
    if (!key_place(cli, &place))
        return EXIT_FAILED;
    if (strcmp(what, "ls") == 0 && argc == 2)
        return key_list(cli, &place);
    if (strcmp(what, "revoke") == 0 && argc == 3)
        return key_revoke(cli, &place, argv[2]);
    if (strcmp(what, "make") == 0 && (argc == 4 || argc == 5))
        return key_make(cli, &place, argv[2], argv[3], argc == 5 ? argv[4] : NULL);
    return cli_usage(&key_command, "say make, ls or revoke, and whom");
}

const struct command key_command = {
    "key", "make ROLE/NAME tcp://HOST:PORT [FILE] | ls | revoke ROLE/NAME",
    "Processes of other hosts: let one join, list them, throw one out.",
    "  make writes a join file, with which a process of that role joins from another host; without FILE\n"
    "  it goes to standard output. HOST:PORT is where that host reaches the broker, which listens for\n"
    "  others when broker.listen = tcp://ADDRESS:5570 stands in STATE/kinobus.conf as it starts.\n"
    "  An encoding host: kinobus key make transcode/attic tcp://10.0.0.1:5570 attic.join\n"
    "  and there:        kinobus-transcode --join attic.join",
    key_run
};
