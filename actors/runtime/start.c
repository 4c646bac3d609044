/* start - from nothing to the loop, and back. */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/runtime/identity/identity.h"
#include "actors/runtime/internal.h"
#include "data/migrate/migrate.h"
#include "data/store/inbox.h"
#include "data/store/table.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

static int64_t real_utc(void *ctx)
{
    return clock_utc_ms();
}

static int64_t real_mono(void *ctx)
{
    return clock_mono_ms();
}

static void real_random(void *ctx, void *to, size_t len)
{
    randombytes_buf(to, len);
}

static const struct world real_world = { .utc_ms = real_utc, .mono_ms = real_mono, .random = real_random };

static int start_fail(int err, const char *what, const char *why)
{
    log_line(LOG_AT_ERROR, "start-failed", "result=%s %s detail=\"%s\"", err_name(err), what, why);
    return err;
}

static int start_settings(struct actor *actor, const struct actor_start *start)
{
    char error[256];
    int r = 0;

    actor->settings = settings_new(actor->def->name, actor->schema->settings, actor->schema->shared,
                                   actor->schema->shared_n);
    if (start->config_file)
        r = settings_read_file(actor->settings, start->config_file, error);
    if (r == 0)
        r = settings_read_env(actor->settings, environ, error);
    for (size_t i = 0; r == 0 && i < start->sets_n; i++)
        r = settings_read_set(actor->settings, start->sets[i], error);
    if (r < 0)
        return start_fail(ERR_INVALID, "part=settings", error);
    log_set_level((enum log_at)settings_common(actor->settings)->log);
    return 0;
}

static int start_store(struct actor *actor, const struct actor_start *start)
{
    char dir[4096], *copy = NULL;
    struct store_options options = { .dir = dir,
                                     .map_size = start->map_size,
                                     .any_filesystem = start->any_filesystem };
    struct store_txn *txn = NULL;
    int r;

    snprintf(dir, sizeof(dir), "%s/%s", start->state_dir, actor->def->name);
    r = store_open(&options, &actor->store);
    if (r == 0)
        r = migrate_prepare(actor->store, actor->schema->tables, actor->schema->tables_n, dir, &copy);
    if (r == 0 && copy)
        log_line(LOG_AT_INFO, "migrate", "copy=%s", copy);
    free(copy);
    if (r == 0)
        r = table_open(actor->store, actor->schema->tables, actor->schema->tables_n);
    actor->relay = relay_new();
    if (r == 0)
        r = relay_open(actor);
    if (r == 0)
        r = inbox_open(actor->store);
    if (r == 0)
        r = store_begin_read(actor->store, &txn);
    if (r == 0)
        r = inbox_parked_count(txn, &actor->parked);
    store_abort(&txn);
    return r < 0 ? start_fail(r, "part=store", dir) : 0;
}

/* No core with secrets in it, no way to more rights than now. Installed, each role has a uid of its own already. */
static void start_drop_rights(void)
{
    struct rlimit none = { 0, 0 };

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    umask(077);
}

static int start_bus(struct actor *actor, const struct actor_start *start)
{
    const struct bus_identity_from from = { .role = actor->def->name,
                                            .join = start->join_file,
                                            .state = start->state_dir,
                                            .endpoint = start->endpoint,
                                            .secret_fd = start->secret_fd };
    struct bus_options options = { .name = actor->def->name };
    struct bus_identity identity;
    uint8_t random[10];
    char error[256];
    int r = bus_identity_read(&from, &identity, error);

    if (r < 0)
        return start_fail(r == ERR_NOT_FOUND ? ERR_FORBIDDEN : r, "part=identity", error);
    bus_identity_options(&identity, &options);
    actor->world.random(actor->world.ctx, random, sizeof(random));
    options.instance = id_make(actor_now(actor), random);
    id_format("run", options.instance, actor->instance);
    if (actor->store) {
        options.store = store_uuid(actor->store);
        options.epoch = store_epoch(actor->store);
    }
    r = bus_new(&options, &inbound_events, actor, &actor->bus);
    snprintf(error, sizeof(error), "%.200s", identity.endpoint);
    bus_identity_wipe(&identity);
    return r < 0 ? start_fail(r, "part=bus", error) : 0;
}

/* One entry per stream: the first word of what is followed. */
static void start_streams(struct actor *actor)
{
    const struct actor_schema *schema = actor->schema;

    actor->streams = calloc(schema->follows_n + 1, sizeof(*actor->streams));
    if (!actor->streams)
        abort();
    for (size_t i = 0; i < schema->follows_n; i++) {
        const char *name = schema->follows[i].event->name, *dot = strchr(name, '.');
        size_t len = dot ? (size_t)(dot - name) : strlen(name), k = 0;

        while (k < actor->streams_n &&
               (strncmp(actor->streams[k].name, name, len) != 0 || actor->streams[k].name[len]))
            k++;
        if (k < actor->streams_n)
            continue;
        actor->streams[k].name = strndup(name, len);
        STAILQ_INIT(&actor->streams[k].held);
        actor->streams_n++;
    }
}

static int start_parts(struct actor *actor, const struct actor_start *start)
{
    const struct common_settings *common;
    int r = start_settings(actor, start);

    if (r == 0 && !actor->def->stateless)
        r = start_store(actor, start);
    start_drop_rights();
    if (r == 0 && actor->def->open) {
        r = actor->def->open(actor->self, actor);
        if (r < 0)
            return start_fail(r, "part=open", "the actor itself could not begin");
    }
    if (r < 0)
        return r;
    common = settings_common(actor->settings);
    r = pool_new(actor->threads ? actor->threads : (unsigned)common->pool_threads, actor->world.inline_pool,
                 &actor->pool);
    return r < 0 ? start_fail(r, "part=pool", "threads cannot be started") : start_bus(actor, start);
}

static void *start_zeroed(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size ? size : 1);

    if (!memory)
        abort();
    return memory;
}

int actor_begin(const struct actor_def *def, const struct actor_start *start, struct actor **ret)
{
    struct actor *actor = start_zeroed(1, sizeof(*actor));
    int r;

    if (sodium_init() < 0)
        abort();
    log_open(def->name);
    actor->def = def;
    actor->schema = def->schema;
    actor->world = start->world ? *start->world : real_world;
    actor->self = start_zeroed(1, def->self_size);
    actor->state_dir = strdup(start->state_dir);
    actor->exit_status = -1;
    actor->arena = arena_new();
    actor->counts[0] = start_zeroed(COUNTERS_COUNTERS, sizeof(uint64_t));
    actor->counts[1] = start_zeroed(def->schema->counters_n, sizeof(uint64_t));
    actor->people = def->schema->people ? people_new() : NULL;
    STAILQ_INIT(&actor->queue);
    STAILQ_INIT(&actor->unsent);
    LIST_INIT(&actor->requests);
    LIST_INIT(&actor->asked);
    LIST_INIT(&actor->timers);
    start_streams(actor);
    r = start_parts(actor, start);
    if (r < 0) {
        actor_end(&actor);
        return r;
    }
    *ret = actor;
    return 0;
}

static void end_messages(struct messages *messages)
{
    struct message *message;

    while ((message = STAILQ_FIRST(messages))) {
        STAILQ_REMOVE_HEAD(messages, next);
        message_free(&message);
    }
}

static void end_lists(struct actor *actor)
{
    struct request *request;
    struct asked *asked;
    struct timer *timer;

    while ((asked = LIST_FIRST(&actor->asked))) {
        LIST_REMOVE(asked, next);
        message_free(&asked->then);
        free(asked);
    }
    while ((timer = LIST_FIRST(&actor->timers))) {
        LIST_REMOVE(timer, next);
        message_free(&timer->then);
        free(timer);
    }
    end_messages(&actor->queue);
    for (size_t i = 0; i < actor->streams_n; i++) {
        end_messages(&actor->streams[i].held);
        free((char *)actor->streams[i].name);
    }
    while ((request = LIST_FIRST(&actor->requests)))
        request_end(actor, request);
    unsent_free(actor);
}

void actor_end(struct actor **ret)
{
    struct actor *actor = *ret;

    *ret = NULL;
    if (!actor)
        return;
    pool_free(&actor->pool);
    if (actor->def->close)
        actor->def->close(actor->self);
    if (actor->bus)
        bus_close(&actor->bus, 200);
    end_lists(actor);
    store_close(&actor->store);
    relay_free(&actor->relay);
    people_free(&actor->people);
    settings_free(&actor->settings);
    arena_free(&actor->arena);
    free(actor->streams);
    free(actor->polls);
    free(actor->counts[0]);
    free(actor->counts[1]);
    free(actor->state_dir);
    free(actor->self);
    free(actor);
}
