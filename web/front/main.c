/* kinobus-front --state DIR [--config FILE] [--secret-fd N] [--join FILE] [--share DIR] [--web DIR] [--bus ENDPOINT]
 *     [--set NAME=VALUE]...
 *
 * --join lets it in from another host than the broker's; --state is then where blobs lie, /var/lib/kinobus if not said.
 * --share holds the read-only data of the build, of it the folder web/; --web names that folder itself.
 * Ends with 0 when told to stop, 64 for wrong arguments or settings, 75 to be started again, 78 when the
 * broker does not want it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "actors/runtime/identity/identity.h"
#include "actors/runtime/log.h"
#include "actors/runtime/ready/ready.h"
#include "actors/runtime/settings.h"
#include "data/blobs/s3.h"
#include "gen/errors.h"
#include "web/front/door.h"
#include "web/front/events.h"
#include "web/front/hub.h"
#include "web/front/keyring.h"
#include "web/front/link.h"
#include "web/front/metrics.h"
#include "web/front/peers.h"
#include "web/front/server.h"
#include "web/front/sessions.h"
#include "web/front/share.h"
#include "web/front/shelf.h"
#include "web/front/tallies.h"
#include "web/front/uploads.h"

#define MAIN_DRAIN_MS   30000
#define MAIN_METRICS_MS 2000
#define MAIN_CONFIG_MS  60000 /* between two times that the settings are shown, and how long they stand */
#define MAIN_CONFIG_TTL 180000
#define MAIN_BUCKETS    16384

/* A viewer waits for what only the second place has: not long, and after a failure not at all for a while. */
enum { MAIN_FAR_PATIENCE_MS = 2000, MAIN_FAR_REST_MS = 2000 };

enum { EXIT_OK = 0, EXIT_USAGE_WRONG = 64, EXIT_AGAIN = 75, EXIT_NEVER = 78 };

struct main_args {
    const char *state, *config, *share, *web, *bus, *join;
    const char *sets[32];
    unsigned sets_n;
    int secret_fd;
};

static _Atomic int main_exit = -1; /* what the bus thread wants the process to end with */
static _Atomic int64_t main_metrics_at, main_config_at;
static struct settings *main_settings_read; /* after the start: the bus thread's */

/* ---- what the bus tells, on its thread */

/* Port, address, threads, uploads and the shelf count at the next start, all else at once. */
static void main_setting(struct front *front, const char *key, struct bytes body)
{
    struct arena *arena = arena_new();
    const char *name = arena_printf(arena, "front.%s", key ? key : "");
    struct setting_text value = { 0 };
    char error[256] = "";
    int r = body.data ? setting_text_unpack(body, arena, &value, NULL) : 0;

    if (r == 0)
        r = settings_from_bus(main_settings_read, name, value.text, error);
    if (r < 0)
        log_line(LOG_AT_WARNING, "setting", "name=%s err=%s sentence=\"%s\"", name, err_slug(r), error);
    front->settings = settings_own(main_settings_read);
    log_set_level((enum log_at)settings_common(main_settings_read)->log);
    arena_free(&arena);
    atomic_store(&main_config_at, 0);
}

/* For `kinobus config`. */
static void main_show_settings(struct front *front)
{
    struct arena *arena = arena_new();
    struct settings_shown shown;
    struct buf body = { 0 };
    char key[ID_TEXT_SIZE];

    settings_show(main_settings_read, arena, &shown);
    if (settings_shown_pack(&shown, &body) == 0)
        link_set(front->link, "config.front", id_format("run", front->instance, key), buf_bytes(&body),
                 MAIN_CONFIG_TTL);
    buf_free(&body);
    arena_free(&arena);
}

static void main_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct front *front = ctx;

    if (strcmp(name, "$sys.peers") == 0)
        peers_value(front->peers, key, body);
    else if (strcmp(name, "settings.front") == 0)
        main_setting(front, key, body);
    else if (strncmp(name, "metrics.", 8) == 0)
        tallies_value(front->tallies, name, key, body);
    else if (strcmp(name, "catalog.video_progress") == 0 && body.data)
        events_progress(front, body);
    else if (keyring_value(front->keyring, name, key, body))
        sessions_drop_all(front->sessions);
}

static void main_event(void *ctx, const struct bus_head *head, struct bytes body)
{
    if (head->name && strcmp(head->name, "notify.notified") == 0)
        events_notified(ctx, body);
}

static void main_tick(void *ctx, int64_t now_ms)
{
    struct front *front = ctx;

    door_sweep(now_ms);
    if (!front->link || !link_is_up(front->link))
        return;
    if (now_ms >= atomic_load(&main_config_at)) {
        atomic_store(&main_config_at, now_ms + MAIN_CONFIG_MS);
        main_show_settings(front);
    }
    if (now_ms < atomic_load(&main_metrics_at))
        return;
    atomic_store(&main_metrics_at, now_ms + MAIN_METRICS_MS);
    metrics_publish(front);
}

static void main_down(void *ctx)
{
    peers_clear(((struct front *)ctx)->peers);
}

static void main_refused(void *ctx, int err)
{
    log_line(LOG_AT_ERROR, "bus", "err=%s sentence=\"the broker does not want this process\"", err_slug(err));
    atomic_store(&main_exit, EXIT_NEVER);
    kill(getpid(), SIGTERM);
}

static const struct link_events main_events = { main_value, main_event, main_tick, main_down, main_refused };

/* ---- start */

static int main_usage(void)
{
    fprintf(stderr, "usage: kinobus-front --state DIR [--config FILE] [--secret-fd N] [--join FILE] [--share DIR] "
                    "[--web DIR] [--bus ENDPOINT] [--set NAME=VALUE]...\n");
    return EXIT_USAGE_WRONG;
}

static bool main_arguments(int argc, char **argv, struct main_args *ret)
{
    static const struct option options[] = {
        { "state", required_argument, NULL, 's' },
        { "config", required_argument, NULL, 'c' },
        { "secret-fd", required_argument, NULL, 'f' },
        { "share", required_argument, NULL, 'r' },
        { "web", required_argument, NULL, 'w' },
        { "bus", required_argument, NULL, 'b' },
        { "set", required_argument, NULL, 'S' },
        { "join", required_argument, NULL, 'j' },
        { 0 },
    };
    int c;

    *ret = (struct main_args) { .secret_fd = -1 };
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's': ret->state = optarg; break;
        case 'c': ret->config = optarg; break;
        case 'f': ret->secret_fd = atoi(optarg); break;
        case 'r': ret->share = optarg; break;
        case 'w': ret->web = optarg; break;
        case 'j': ret->join = optarg; break;
        case 'b': ret->bus = optarg; break;
        case 'S':
            if (ret->sets_n == sizeof(ret->sets) / sizeof(*ret->sets))
                return false;
            ret->sets[ret->sets_n++] = optarg;
            break;
        default: return false;
        }
    }
    if (ret->join && !ret->state)
        ret->state = IDENTITY_STATE;
    return ret->state && optind == argc;
}

static int main_settings(const struct main_args *args, struct settings *settings)
{
    char error[256] = "";
    int r = args->config && access(args->config, F_OK) == 0 ? settings_read_file(settings, args->config, error)
                                                            : 0;

    if (r == 0)
        r = settings_read_env(settings, environ, error);
    for (unsigned i = 0; r == 0 && i < args->sets_n; i++)
        r = settings_read_set(settings, args->sets[i], error);
    if (r < 0)
        fprintf(stderr, "kinobus-front: %s\n", error);
    return r;
}

static void main_web(struct front *front, const struct main_args *args)
{
    char path[4096] = "";

    front->web_dir = -1;
    if (args->web)
        snprintf(path, sizeof(path), "%s", args->web);
    else if (args->share)
        snprintf(path, sizeof(path), "%s/web", args->share);
    if (*path)
        front->web_dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (front->web_dir < 0)
        log_line(LOG_AT_WARNING, "web", "sentence=\"no folder with the web app: pages are answered 404\"");
}

/* What the folder has not is asked of the second place, when there is one. */
static int main_blobs(struct front *front, const struct main_args *args)
{
    const struct front_settings *settings = front->settings;
    const struct blobs_s3_options how = { .connect_ms = (unsigned)settings->far_connect_ms,
                                          .quiet_s = (unsigned)settings->far_quiet_s,
                                          .patience_ms = MAIN_FAR_PATIENCE_MS,
                                          .rest_ms = MAIN_FAR_REST_MS,
                                          .ahead = (size_t)settings->far_ahead_kib << 10,
                                          .lines = (unsigned)settings->far_lines,
                                          .reads = true };
    char error[S3_SAID_MAX];
    int r = blobs_s3_open_behind(args->state, settings->far, &how, &front->blobs, error);

    if (*error)
        fprintf(stderr, "kinobus-front: catalog.far: %s\n", error);
    return r;
}

static void main_parts(struct front *front)
{
    uint8_t key[16], random[10];

    randombytes_buf(key, sizeof(key));
    randombytes_buf(random, sizeof(random));
    front->secure = strncmp(front->settings->public_url, "http://", 7) != 0;
    front->instance = id_make(front_now(), random);
    front->hub = hub_new();
    front->keyring = keyring_new();
    front->sessions = sessions_new();
    front->peers = peers_new();
    front->tallies = tallies_new();
    front->uploads = uploads_new((unsigned)front->settings->uploads, UPLOADS_WAIT_MS);
    front->shelf = shelf_new(front->settings->shelf_kib * 1024);
    front->share = share_new((unsigned)front->settings->threads);
    front->limits = ratelimit_new(MAIN_BUCKETS, key);
}

static void main_parts_free(struct front *front)
{
    hub_free(&front->hub);
    keyring_free(&front->keyring);
    sessions_free(&front->sessions);
    peers_free(&front->peers);
    tallies_free(&front->tallies);
    uploads_free(&front->uploads);
    shelf_free(&front->shelf);
    share_free(&front->share);
    ratelimit_free(&front->limits);
    if (front->blobs)
        blobs_close(&front->blobs);
    if (front->web_dir >= 0)
        close(front->web_dir);
}

static int main_link(struct front *front, const struct main_args *args)
{
    /* what was taken back before the keys: an edge is told nothing until there are keys, and then all of it */
    static const char *const watch[] = { "auth.keys",           "auth.revoked",      "playback.media_denied",
                                         "playback.media_keys", "catalog.blob_keys", "catalog.video_progress",
                                         "$sys.peers",          "settings.front" };
    static const char *const follow[] = { "notify.notified" };
    const struct bus_identity_from from = { .role = "front",
                                            .join = args->join,
                                            .state = args->state,
                                            .endpoint = args->bus,
                                            .secret_fd = args->secret_fd };
    const char *names[64];
    struct link_options options = { .watch = names, .follow = follow, .follow_n = 1 };
    struct bus_identity identity;
    char error[256];
    int r = bus_identity_read(&from, &identity, error);

    if (r < 0) {
        fprintf(stderr, "kinobus-front: %s\n", error);
        return r;
    }
    for (size_t i = 0; i < sizeof(watch) / sizeof(*watch); i++)
        names[options.watch_n++] = watch[i];
    options.watch_n += metrics_names(names + options.watch_n, 64 - options.watch_n);
    options.bus = (struct bus_options) { .name = "front", .instance = front->instance };
    bus_identity_options(&identity, &options.bus);
    r = link_new(&options, &main_events, front, &front->link);
    bus_identity_wipe(&identity);
    return r;
}

/* Until a signal says so. Signals are blocked in every thread, and waited for here. */
static int main_wait(struct front *front, const sigset_t *signals)
{
    bool told = false;

    for (;;) {
        struct timespec pause = { .tv_sec = told ? 1 : 0, .tv_nsec = told ? 0 : 10000000 };
        int n = sigtimedwait(signals, NULL, &pause);

        if (n == SIGTERM || n == SIGINT)
            return atomic_load(&main_exit) < 0 ? EXIT_OK : atomic_load(&main_exit);
        if (!told && link_is_up(front->link)) {
            ready_tell();
            log_line(LOG_AT_INFO, "ready", "address=%s port=%d", front->settings->address,
                     (int)front->settings->port);
            told = true;
        }
    }
}

static int main_run(struct front *front, const struct main_args *args)
{
    char error[256] = "";
    sigset_t signals;
    int r, status;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    r = main_blobs(front, args);
    if (r == 0)
        r = main_link(front, args);
    if (r < 0) {
        log_line(LOG_AT_ERROR, "start", "err=%s", err_slug(r));
        return EXIT_AGAIN;
    }
    r = server_start(front, error);
    if (r < 0) {
        log_line(LOG_AT_ERROR, "start", "err=%s sentence=\"%s\"", err_slug(r), error);
        status = r == ERR_INVALID ? EXIT_USAGE_WRONG : EXIT_AGAIN;
    } else {
        status = main_wait(front, &signals);
        log_line(LOG_AT_INFO, "stopping", "in_flight=%d", (int)atomic_load(&front->counters[FRONT_IN_FLIGHT]));
        server_stop(front, MAIN_DRAIN_MS);
    }
    link_close(&front->link);
    return status;
}

int main(int argc, char **argv)
{
    static struct front front;
    struct main_args args;
    struct settings *settings;
    int status = EXIT_USAGE_WRONG;

    log_open("front");
    mallopt(M_ARENA_MAX, 2); /* an arena per thread would cost more than it brings */
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0 || !main_arguments(argc, argv, &args))
        return main_usage();
    main_settings_read = settings = settings_new("front", &front_settings_type, front_schema.shared,
                                                 front_schema.shared_n);
    if (main_settings(&args, settings) == 0) {
        front.settings = settings_own(settings);
        log_set_level((enum log_at)settings_common(settings)->log);
        main_web(&front, &args);
        main_parts(&front);
        status = main_run(&front, &args);
        main_parts_free(&front);
    }
    settings_free(&settings);
    return status;
}
