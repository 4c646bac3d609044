/* kinobus-supervisor --state DIR [--config FILE]
 * Runs the platform in the foreground until SIGTERM; `kinobus up` calls it. See supervisor.h. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/runtime/ready/stop.h"
#include "ops/process/pidfile.h"
#include "ops/supervisor/secret.h"
#include "ops/supervisor/supervisor.h"

/* Roles that no service has: the operator's command line and this program. */
static const char *const other_roles[] = { "cli", "supervisor" };

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "kinobus-supervisor: %s: %s\n", what, detail ? detail : strerror(errno));
    exit(1);
}

static int make_dir(int at, const char *path, mode_t mode)
{
    if (mkdirat(at, path, mode) < 0 && errno != EEXIST)
        die(path, NULL);
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        die(path, NULL);
    return fd;
}

/* One supervisor per state directory: the lock lives as long as its process. */
static void take_lock(int run, const char *state)
{
    int fd = openat(run, "supervisor.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        die("supervisor.lock", NULL);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        char detail[PATH_MAX + 64];
        snprintf(detail, sizeof(detail), "another supervisor runs the platform in %s", state);
        die("already running", detail);
    }
    struct pidfile self = { getpid(), pidfile_starttime(getpid()), 0 };
    if (pidfile_write(run, "supervisor", &self) < 0)
        die("supervisor.pid", NULL);
}

static int open_notify(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (strlen(path) >= sizeof(address.sun_path))
        die(path, "the state directory's path is too long for a socket (107 characters at most)");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
        die(path, NULL);
    return fd;
}

/* The folder that this program lies in, without a slash at its end. */
static void own_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n <= 0)
        die("/proc/self/exe", NULL);
    out[n] = '\0';
    *strrchr(out, '/') = '\0';
}

/* An operator finds a file to write settings into. */
static void make_config(const char *path)
{
    static const char text[] =
        "# Settings of this platform, one a line, such as: front.port = 8080\n"
        "# `kinobus config` lists all, with what they mean and where their value comes from.\n";
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0 && errno == EEXIST)
        return;
    if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
        die(path, NULL);
    close(fd);
}

static void fill_place(struct service_place *place, const char *state, const char *config)
{
    static char real[PATH_MAX], bin[PATH_MAX], share[PATH_MAX + 16], conf[PATH_MAX + 16], notify[PATH_MAX + 16];
    if (mkdir(state, 0750) < 0 && errno != EEXIST)
        die(state, NULL);
    if (!realpath(state, real))
        die(state, NULL);
    own_folder(bin, sizeof(bin));
    snprintf(share, sizeof(share), "%s/../share", bin);
    snprintf(conf, sizeof(conf), "%s", config ? config : "");
    if (!config)
        snprintf(conf, sizeof(conf), "%s/kinobus.conf", real);
    snprintf(notify, sizeof(notify), "%s/run/notify.sock", real);
    if (!config)
        make_config(conf);
    int top = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        die(real, NULL);
    *place = (struct service_place) {
        .state = real, .share = share, .bin = bin, .config = conf, .notify = notify
    };
    place->run = make_dir(top, "run", 0755);
    place->keys = make_dir(top, "keys", 0700);
    place->logs = make_dir(top, "log", 0750);
    close(top);
}

static void make_secrets(int keys)
{
    for (size_t i = 0; i < service_rows_n; i++) {
        if (service_rows[i].role && secret_make(keys, service_rows[i].role) < 0)
            die(service_rows[i].role, NULL);
    }
    for (size_t i = 0; i < sizeof(other_roles) / sizeof(other_roles[0]); i++) {
        if (secret_make(keys, other_roles[i]) < 0)
            die(other_roles[i], NULL);
    }
}

static const char usage[] = "usage: kinobus-supervisor --state DIR [--config FILE]\n"
                            "Starts and watches the platform; SIGTERM stops it in order.\n";

int main(int argc, char **argv)
{
    static const struct option options[] = { { "state", required_argument, NULL, 's' },
                                             { "config", required_argument, NULL, 'c' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    static struct supervisor self;
    const char *state = NULL, *config = NULL;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            state = optarg;
        else if (c == 'c')
            config = optarg;
        else {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (!state || optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    umask(0027);
    fill_place(&self.place, state, config);
    take_lock(self.place.run, self.place.state);
    unlinkat(self.place.run, "ready", 0);
    make_secrets(self.place.keys);
    self.signals = stop_signals();
    self.notify = open_notify(self.place.notify);
    if (self.signals < 0)
        die("signalfd", NULL);
    supervisor_begin(&self);
    supervisor_run(&self);
    unlinkat(self.place.run, "ready", 0);
    pidfile_remove(self.place.run, "supervisor");
    fputs("supervisor event=stopped\n", stderr);
    return 0;
}
