/* edge - see edge.h. */
#include "ops/cli/edge.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EDGE_PORT "8443"

enum { SECRET_BYTES = 32, TEMPLATE_MOST = 16384, FILES_MOST = 65536 };

/* What is called by a whole path, and whose package brings it. */
static const struct {
    const char *path, *package;
} needed[] = {
    { "/usr/sbin/nginx", "nginx" },
    { "/usr/lib/nginx/modules/ngx_http_lua_module.so", "libnginx-mod-http-lua" },
    { "/usr/share/lua/5.1/resty/lrucache.lua", "lua-resty-lrucache" },
    { "/usr/bin/openssl", "openssl" },
};

static int edge_packages(void)
{
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (access(needed[i].path, R_OK) < 0)
            return cli_fail(EXIT_FAILED, "--edge needs the package %s (%s: %s); ops/install --edge installs it",
                            needed[i].package, needed[i].path, strerror(errno));
    }
    return EXIT_DONE;
}

/* A new file that nobody else can read; there already: nothing happens. */
static int edge_make(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return EXIT_DONE;
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) < 0)
        return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    close(fd);
    return EXIT_DONE;
}

static ssize_t edge_read(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);
    if (fd >= 0)
        close(fd);
    if (n >= 0)
        to[n] = '\0';
    return n;
}

/* The secret stands in a file that nginx includes; the front gets it through its environment. */
static int edge_secret(const struct cli *cli)
{
    static const char form[] = "map $remote_addr $kinobus_key { default \"%s\"; }\n";
    uint8_t random[SECRET_BYTES];
    char path[PATH_MAX], hex[2 * SECRET_BYTES + 1], text[200], secret[128];
    if (!cli_path(cli, path, sizeof(path), "edge/key.conf"))
        return EXIT_FAILED;
    randombytes_buf(random, sizeof(random));
    snprintf(text, sizeof(text), form, sodium_bin2hex(hex, sizeof(hex), random, sizeof(random)));
    int code = edge_make(path, text);
    if (code != EXIT_DONE)
        return code;
    if (edge_read(path, text, sizeof(text)) < 0 ||
        sscanf(text, "map $remote_addr $kinobus_key { default \"%127[0-9A-Za-z]\"; }", secret) != 1)
        return cli_fail(EXIT_FAILED, "%s is not what was written there; remove it, and another one is made", path);
    setenv("KINOBUS_FRONT_EDGE_SECRET", secret, 1);
    return EXIT_DONE;
}

static int edge_run(const char *const argv[])
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd <= 2; fd++)
            dup2(null, fd);
        umask(0077);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return status;
}

/* For this host alone: browsers ask before they believe it. */
static int edge_self_signed(const char *certificate, const char *key)
{
    const char *const argv[] = { "/usr/bin/openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:P-256",
                                 "-nodes",
                                 "-days",
                                 "3650",
                                 "-subj",
                                 "/CN=localhost",
                                 "-addext",
                                 "subjectAltName=DNS:localhost,IP:127.0.0.1",
                                 "-keyout",
                                 key,
                                 "-out",
                                 certificate,
                                 NULL };
    if (access(certificate, R_OK) == 0 && access(key, R_OK) == 0)
        return EXIT_DONE;
    if (edge_run(argv) != 0)
        return cli_fail(EXIT_FAILED, "openssl made no certificate in %s", certificate);
    return EXIT_DONE;
}

static int edge_certificate(const struct cli *cli, const struct edge *edge)
{
    char certificate[PATH_MAX], key[PATH_MAX];
    if (!edge->certificate != !edge->certificate_key)
        return cli_fail(EXIT_USAGE, "--certificate and --certificate-key go together");
    if (edge->certificate) {
        const char *missing = access(edge->certificate, R_OK) < 0 ? edge->certificate : edge->certificate_key;
        if (access(missing, R_OK) < 0)
            return cli_fail(EXIT_USAGE, "%s: %s", missing, strerror(errno));
        return EXIT_DONE;
    }
    if (!cli_path(cli, certificate, sizeof(certificate), "edge/certificate.pem") ||
        !cli_path(cli, key, sizeof(key), "edge/certificate-key.pem"))
        return EXIT_FAILED;
    return edge_self_signed(certificate, key);
}

const char *edge_url(const struct edge *edge, char to[static EDGE_URL_SIZE])
{
    snprintf(to, EDGE_URL_SIZE, "https://127.0.0.1:%s", edge->port ? edge->port : EDGE_PORT);
    return to;
}

int edge_prepare(const struct cli *cli, const struct edge *edge)
{
    char path[PATH_MAX];
    int code = edge_packages();
    if (code != EXIT_DONE || !cli_path(cli, path, sizeof(path), "edge"))
        return code != EXIT_DONE ? code : EXIT_FAILED;
    if (sodium_init() < 0 || (mkdir(path, 0700) < 0 && errno != EEXIST))
        return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    code = edge_secret(cli);
    if (code == EXIT_DONE)
        code = edge_certificate(cli, edge);
    setenv("KINOBUS_SUPERVISOR_EDGE_INSTANCES", "1", 1);
    return code;
}

/* ---- the configuration */

struct hole {
    const char *name, *value;
};

/* In a quoted word of nginx, and of Lua. */
static bool edge_word_fits(const char *value)
{
    return strcspn(value, "\"'\\$;{}\n@") == strlen(value);
}

/* `@name@` is a hole. False: a value does not fit, or the file names none of ours. */
static bool edge_fill(FILE *to, const char *text, const struct hole *holes)
{
    for (const char *at; (at = strchr(text, '@')) != NULL;) {
        const struct hole *hole = holes;
        size_t len = strcspn(at + 1, "@");
        while (hole->name && (strlen(hole->name) != len || strncmp(hole->name, at + 1, len) != 0))
            hole++;
        if (!hole->name || at[len + 1] != '@')
            return false;
        fwrite(text, 1, (size_t)(at - text), to);
        fputs(hole->value, to);
        text = at + len + 2;
    }
    fputs(text, to);
    return true;
}

/* Workers of a master that is root do not stay root of themselves: here they run as whoever all processes run as. */
static void edge_user(char *to, size_t size)
{
    const struct passwd *user = getpwuid(geteuid());
    const struct group *group = getgrgid(getegid());
    *to = '\0';
    if (geteuid() == 0 && user && group)
        snprintf(to, size, "user %s %s;", user->pw_name, group->gr_name);
}

/* Open files of a worker: as many as the system lets it have. */
static void edge_files(char *to, size_t size)
{
    struct rlimit limit;
    bool most = getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max > FILES_MOST;
    snprintf(to, size, "%lu", most ? (unsigned long)FILES_MOST : (unsigned long)limit.rlim_max);
}

/* The folder that the build put beside the programs. */
static bool edge_share(char to[static PATH_MAX])
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
    if (n <= 0)
        return false;
    path[n] = '\0';
    strcpy(strrchr(path, '/') + 1, "../share/edge");
    return realpath(path, to) != NULL;
}

static int edge_write(const char *path, const char *text, const struct hole *holes)
{
    FILE *f = fopen(path, "we");
    bool filled = f && edge_fill(f, text, holes);
    if (!f || fclose(f) != 0)
        return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    return filled ? EXIT_DONE : cli_fail(EXIT_FAILED, "%s: up.conf has a hole that is not known", path);
}

int edge_configure(const struct cli *cli, const struct edge *edge, const struct start *start)
{
    char state[PATH_MAX], share[PATH_MAX], path[PATH_MAX], user[200], front[160], files[24], text[TEMPLATE_MOST];
    char certificate[PATH_MAX + 32], key[PATH_MAX + 32];
    if (!realpath(cli->state, state) || !edge_share(share))
        return cli_fail(EXIT_FAILED, "share/edge is not beside the programs: %s", strerror(errno));
    snprintf(certificate, sizeof(certificate), "%s/edge/certificate.pem", state);
    snprintf(key, sizeof(key), "%s/edge/certificate-key.pem", state);
    if (edge->certificate && (!realpath(edge->certificate, certificate) || !realpath(edge->certificate_key, key)))
        return cli_fail(EXIT_USAGE, "%s: %s", edge->certificate, strerror(errno));
    snprintf(front, sizeof(front), "%s:%s", start->front_address, start->front_port);
    edge_user(user, sizeof(user));
    edge_files(files, sizeof(files));
    const struct hole holes[] = { { "state", state },
                                  { "share", share },
                                  { "user", user },
                                  { "files", files },
                                  { "front", front },
                                  { "port", edge->port ? edge->port : EDGE_PORT },
                                  { "certificate", certificate },
                                  { "certificate_key", key },
                                  { NULL, NULL } };
    for (const struct hole *hole = holes; hole->name; hole++) {
        if (hole->value != user && !edge_word_fits(hole->value))
            return cli_fail(EXIT_USAGE, "nginx would misread '%s': say a path without quotes, $, ;, braces and @",
                            hole->value);
    }
    if (strlen(share) + sizeof("/up.conf") > sizeof(share) ||
        !cli_path(cli, path, sizeof(path), "edge/nginx.conf"))
        return cli_fail(EXIT_FAILED, "%s: the path is too long", share);
    char template[PATH_MAX + 16];
    snprintf(template, sizeof(template), "%s/up.conf", share);
    if (edge_read(template, text, sizeof(text)) < 0)
        return cli_fail(EXIT_FAILED, "%s: %s", template, strerror(errno));
    return edge_write(path, text, holes);
}
