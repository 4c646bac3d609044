/* start - see start.h. */
#include "ops/cli/start.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/runtime/settings.h"
#include "gen/auth.h"
#include "gen/front.h"

enum { PASSWORD_BYTES = 15, LAST_LINES = 4096 };

static int start_read(struct settings *settings, const char *path)
{
    char error[256];
    if (!settings)
        return cli_fail(EXIT_FAILED, "out of memory");
    if ((access(path, F_OK) == 0 && settings_read_file(settings, path, error) < 0) ||
        settings_read_env(settings, environ, error) < 0)
        return cli_fail(EXIT_USAGE, "%s", error);
    return EXIT_DONE;
}

static int start_front(const char *path, const char *url, struct start *ret)
{
    struct settings *settings = settings_new("front", &front_settings_type, NULL, 0);
    int code = start_read(settings, path);
    if (code == EXIT_DONE) {
        const struct front_settings *front = settings_own(settings);
        bool said = strcmp(settings_source(settings, "front.public_url"), "built-in") != 0;
        if (said || !*url)
            url = front->public_url;
        else
            setenv("KINOBUS_FRONT_PUBLIC_URL", url, 1);
        size_t n = strlen(url);
        snprintf(ret->url, sizeof(ret->url), "%s%s", url, n && url[n - 1] == '/' ? "" : "/");
        /* who listens everywhere is there by the loopback address */
        snprintf(ret->front_address, sizeof(ret->front_address), "%s",
                 strcmp(front->address, "0.0.0.0") == 0 ? "127.0.0.1" : front->address);
        snprintf(ret->front_port, sizeof(ret->front_port), "%u", (unsigned)front->port);
    }
    settings_free(&settings);
    return code;
}

static int start_auth(const char *path, struct start *ret)
{
    struct settings *settings = settings_new("auth", &auth_settings_type, NULL, 0);
    int code = start_read(settings, path);
    if (code == EXIT_DONE) {
        const struct auth_settings *auth = settings_own(settings);
        snprintf(ret->admin, sizeof(ret->admin), "%s", auth->admin_email);
        snprintf(ret->password_file, sizeof(ret->password_file), "%s", auth->admin_password_file);
    }
    settings_free(&settings);
    return code;
}

/* One that lies there from a first start that did not get far enough is the one to use. */
static int start_password(const struct cli *cli, struct start *ret)
{
    uint8_t random[PASSWORD_BYTES];
    char path[PATH_MAX];
    if (!cli_path(cli, path, sizeof(path), "admin-password"))
        return EXIT_FAILED;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    ssize_t n = fd < 0 ? -1 : read(fd, ret->password, sizeof(ret->password) - 1);
    if (n == 0) {
        randombytes_buf(random, sizeof(random));
        sodium_bin2base64(ret->password, sizeof(ret->password), random, sizeof(random),
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        n = dprintf(fd, "%s\n", ret->password) > 0 && fsync(fd) == 0 ? (ssize_t)strlen(ret->password) : -1;
    }
    int failed = n < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (failed || !realpath(path, ret->password_file))
        return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(failed ? failed : errno));
    ret->password[strcspn(ret->password, "\r\n")] = '\0';
    setenv("KINOBUS_AUTH_ADMIN_PASSWORD_FILE", ret->password_file, 1);
    return EXIT_DONE;
}

int start_prepare(const struct cli *cli, const char *config, const char *url, struct start *ret)
{
    char path[PATH_MAX], accounts[PATH_MAX];
    *ret = (struct start) { 0 };
    if (!cli_path(cli, path, sizeof(path), "kinobus.conf") || !cli_path(cli, accounts, sizeof(accounts), "auth"))
        return EXIT_FAILED;
    if (sodium_init() < 0)
        return cli_fail(EXIT_FAILED, "libsodium does not start");
    int code = start_front(config ? config : path, url, ret);
    if (code == EXIT_DONE)
        code = start_auth(config ? config : path, ret);
    if (code != EXIT_DONE)
        return code;
    ret->first = access(accounts, F_OK) < 0;
    if (!ret->first)
        ret->password_file[0] = '\0';
    else if (!*ret->password_file)
        return start_password(cli, ret);
    else if (access(ret->password_file, R_OK) < 0)
        return cli_fail(EXIT_USAGE, "auth.admin_password_file: %s: %s", ret->password_file, strerror(errno));
    return EXIT_DONE;
}

void start_json(const struct start *start, json_t *into)
{
    json_object_set_new(into, "url", json_string(start->url));
    if (start->first) {
        json_object_set_new(into, "admin", json_string(start->admin));
        json_object_set_new(into, "admin_password_file", json_string(start->password_file));
    }
}

void start_print(const struct start *start)
{
    printf("open:     %s\n", start->url);
    if (start->first && *start->password)
        printf("sign in:  %s, password %s (kept in %s)\n", start->admin, start->password, start->password_file);
    else if (start->first)
        printf("sign in:  %s, password in %s\n", start->admin, start->password_file);
}

/* The last line of what a file ends with; NULL: it is empty, or not of this start. */
static const char *start_last_line(int fd, time_t since, char text[static LAST_LINES])
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_mtime < since || !S_ISREG(st.st_mode))
        return NULL;
    ssize_t n = pread(fd, text, LAST_LINES - 1, st.st_size > LAST_LINES - 1 ? st.st_size - (LAST_LINES - 1) : 0);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    if (n <= 0)
        return NULL;
    text[n] = '\0';
    char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

void start_blame(const struct cli *cli, time_t since)
{
    char path[PATH_MAX], text[LAST_LINES];
    DIR *logs = cli_path(cli, path, sizeof(path), "log") ? opendir(path) : NULL;
    for (struct dirent *e; logs && (e = readdir(logs));) {
        int fd = openat(dirfd(logs), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        const char *line = fd >= 0 ? start_last_line(fd, since, text) : NULL;
        if (line && strstr(line, "level=error"))
            fprintf(stderr, "  %.*s: %s\n", (int)strcspn(e->d_name, "."), e->d_name, line);
        if (fd >= 0)
            close(fd);
    }
    if (logs)
        closedir(logs);
}
