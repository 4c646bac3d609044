/* config - the settings of every actor as they stand, where each came from, and changing one while it runs.
 *
 * An actor shows its settings as the value config.ACTOR, one per process; a change is the lasting value
 * settings.ACTOR under the setting's name, which the actor takes over when it is valid and refuses in its log when it
 * is not. This command therefore says what the actor shows afterwards, not what was asked for.
 *
 * Of an actor that is not there, as it is started when there is something to do, what is on the bus is shown over what is built in: its
 * file and environment are its own. A change is held against the schemas here, and waits for it there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/settings.h"
#include "broker/client/mp.h"
#include "gen/common.h"
#include "gen/errors.h"
#include "gen/registry.h"
#include "ops/cli/link.h"
#include "ops/cli/show.h"

enum { DEADLINE_MS = 10000, TAKEN_TRIES = 40, VALUES_MOST = 1000 };

struct config {
    const struct cli *cli;
    struct link *link;
    struct arena *arena;
    struct settings_shown *shown; /* one per process, then one per actor without any */
    size_t shown_n, living_n;     /* of those the processes' */
};

/* Whether the process that showed a value (its key: run_ and its instance) is still there: a value outlives it. */
static bool config_lives(const json_t *peers, struct bytes key)
{
    const char *instance;
    const json_t *peer;
    size_t i;

    json_array_foreach(peers, i, peer)
    {
        instance = json_string_value(json_object_get(peer, "instance"));
        if (instance && key.len == strlen(instance) + 4 &&
            memcmp((const char *)key.data + 4, instance, key.len - 4) == 0)
            return true;
    }
    return false;
}

/* Of one row of $sys.values. */
static void config_row(struct mp *mp, struct bytes *ret_key, struct bytes *ret_body)
{
    struct bytes name;
    uint32_t pairs;

    *ret_key = *ret_body = (struct bytes) { 0 };
    if (!mp_get_map(mp, &pairs))
        return;
    while (pairs-- && mp_get_data(mp, &name)) {
        bool is_key = bytes_equal(name, bytes_of_text("key")), is_body = bytes_equal(name, bytes_of_text("body"));
        if (!(is_key && mp_get_data(mp, ret_key)) && !(is_body && mp_get_data(mp, ret_body)))
            mp_skip(mp);
    }
}

static void config_read_row(struct config *config, const json_t *peers, struct mp *mp)
{
    struct bytes key, body;
    struct wire_error err;

    config_row(mp, &key, &body);
    if (config_lives(peers, key) &&
        settings_shown_unpack(body, config->arena, &config->shown[config->shown_n], &err) == 0)
        config->shown_n++;
}

static int config_ask(struct config *config, const char *name, const struct buf *request, struct buf *reply)
{
    int r = link_call(config->link, name, buf_bytes(request), DEADLINE_MS, reply);

    return r < 0 ? show_problem(name, r, buf_bytes(reply)) : EXIT_DONE;
}

static int config_values(struct config *config, const char *kind, const char *actor, struct buf *reply)
{
    struct buf request = { 0 };
    char name[80];

    snprintf(name, sizeof(name), "%s.%s", kind, actor);
    mp_put_map(&request, 2);
    mp_put_str(&request, "name");
    mp_put_str(&request, name);
    mp_put_str(&request, "limit");
    mp_put_uint(&request, VALUES_MOST);
    int code = config_ask(config, "$sys.values", &request, reply);
    buf_free(&request);
    return code;
}

/* What the processes of this actor show now. */
static int config_read(struct config *config, const char *actor)
{
    struct buf request = { 0 }, reply = { 0 }, peers = { 0 };
    uint32_t rows = 0;

    arena_reset(config->arena);
    config->shown = arena_alloc_n(config->arena, VALUES_MOST + registry_settings_n, sizeof(*config->shown));
    config->shown_n = 0;
    int code = config_values(config, "config", actor ? actor : "*", &reply);
    if (code == EXIT_DONE)
        code = config_ask(config, "$sys.peers", &request, &peers);
    json_t *living = code == EXIT_DONE ? show_body(NULL, buf_bytes(&peers)) : NULL;
    struct mp mp = mp_of(buf_bytes(&reply));
    if (living && mp_get_array(&mp, &rows)) {
        while (rows-- && !mp_end(&mp))
            config_read_row(config, living, &mp);
    }
    json_decref(living);
    buf_free(&request);
    buf_free(&reply);
    buf_free(&peers);
    return code;
}

/* ---- an actor that is not there */

static const struct registry_settings *config_known(const char *actor)
{
    for (size_t i = 0; i < registry_settings_n; i++)
        if (strcmp(registry_settings[i].actor, actor) == 0)
            return &registry_settings[i];
    return NULL;
}

static struct settings *config_built_in(const struct registry_settings *known)
{
    return settings_new(known->actor, known->own, known->shared, known->shared_n);
}

/* One that it would not take is passed over, as it would do. */
static void config_told(const struct config *config, const struct registry_settings *known,
                        struct settings *settings, struct bytes key, struct bytes body)
{
    struct setting_text text;
    struct wire_error err;
    char full[256], error[256];

    snprintf(full, sizeof(full), "%s.%.*s", known->actor, (int)key.len, (const char *)key.data);
    if (setting_text_unpack(body, config->arena, &text, &err) == 0)
        settings_from_bus(settings, full, text.text, error);
}

/* What it would show, as far as that is known here. */
static int config_sleeps(struct config *config, const struct registry_settings *known)
{
    struct settings *settings = config_built_in(known);
    struct buf reply = { 0 };
    uint32_t rows = 0;
    int code = config_values(config, "settings", known->actor, &reply);
    struct mp mp = mp_of(buf_bytes(&reply));

    if (code == EXIT_DONE && mp_get_array(&mp, &rows)) {
        while (rows-- && !mp_end(&mp)) {
            struct bytes key, body;
            config_row(&mp, &key, &body);
            config_told(config, known, settings, key, body);
        }
    }
    settings_show(settings, config->arena, &config->shown[config->shown_n++]);
    settings_free(&settings);
    buf_free(&reply);
    return code;
}

static bool config_has_shown(const struct config *config, const char *actor)
{
    for (size_t i = 0; i < config->living_n; i++)
        if (strcmp(config->shown[i].actor, actor) == 0)
            return true;
    return false;
}

/* What its processes show, or, without one, what is known of it; of each actor, when none is named. */
static int config_look(struct config *config, const char *actor)
{
    int code = config_read(config, actor);

    config->living_n = config->shown_n;
    for (size_t i = 0; i < registry_settings_n && code == EXIT_DONE; i++) {
        const struct registry_settings *known = &registry_settings[i];
        if ((!actor || strcmp(known->actor, actor) == 0) && !config_has_shown(config, known->actor))
            code = config_sleeps(config, known);
    }
    return code;
}

/* Whether it will take that. */
static int config_check(const char *actor, const char *name, const char *value)
{
    struct settings *settings = config_built_in(config_known(actor));
    char full[256], error[256];

    snprintf(full, sizeof(full), "%s.%.200s", actor, name);
    int r = settings_from_bus(settings, full, value, error);
    settings_free(&settings);
    return r < 0 ? cli_fail(r == ERR_NOT_FOUND ? EXIT_USAGE : EXIT_FAILED, "%s", error) : EXIT_DONE;
}

static const struct setting_shown *config_find(const struct settings_shown *shown, const char *name)
{
    for (size_t i = 0; i < shown->settings_n; i++) {
        if (strcmp(shown->settings[i].name, name) == 0)
            return &shown->settings[i];
    }
    return NULL;
}

static int config_by_actor(const void *a, const void *b)
{
    return strcmp(((const struct settings_shown *)a)->actor, ((const struct settings_shown *)b)->actor);
}

static void config_print_one(const struct settings_shown *shown, const struct setting_shown *setting, bool doc)
{
    char name[200];
    snprintf(name, sizeof(name), "%s.%s", shown->actor, setting->name);
    printf("%-36s %-24s %s\n", name, setting->value, setting->source);
    if (doc && setting->doc)
        printf("  %s\n", setting->doc);
}

static void config_print(const struct config *config, const char *name)
{
    json_t *rows = config->cli->json ? json_array() : NULL;
    qsort(config->shown, config->shown_n, sizeof(*config->shown), config_by_actor);
    for (size_t i = 0; i < config->shown_n; i++) {
        const struct settings_shown *shown = &config->shown[i];
        for (size_t k = 0; k < shown->settings_n; k++) {
            const struct setting_shown *one = &shown->settings[k];
            if (name && strcmp(name, one->name) != 0)
                continue;
            if (rows)
                json_array_append_new(rows,
                                      json_pack("{ss ss ss* ss* ss*}", "actor", shown->actor, "name", one->name,
                                                "value", one->value, "source", one->source, "doc", one->doc));
            else
                config_print_one(shown, one, name != NULL);
        }
    }
    if (rows)
        show_print(rows, true);
    json_decref(rows);
}

static bool config_taken(const struct config *config, const char *name, const char *value)
{
    for (size_t i = 0; i < config->shown_n; i++) {
        const struct setting_shown *one = config_find(&config->shown[i], name);
        bool bus = one && strcmp(one->source, "bus") == 0;
        if (!one || (value ? !bus || strcmp(one->value, value) != 0 : bus))
            return false;
    }
    return config->shown_n > 0;
}

/* value NULL: no longer set on the bus. */
static int config_put(struct config *config, const char *actor, const char *name, const char *value)
{
    struct setting_text text = { .text = value };
    struct buf body = { 0 };
    char target[80];
    int r = 0;

    snprintf(target, sizeof(target), "settings.%s", actor);
    if (value)
        r = setting_text_pack(&text, &body);
    if (r == 0)
        r = link_set(config->link, target, name, value ? buf_bytes(&body) : (struct bytes) { 0 });
    buf_free(&body);
    return r < 0 ? cli_fail(EXIT_FAILED, "%s %s: %s", target, name, err_title(r)) : EXIT_DONE;
}

/* Waits until every process shows it, for a moment; what is not taken over by then is taken back. */
static int config_set(struct config *config, const char *actor, const char *name, const char *value)
{
    const struct setting_shown *old = config_find(&config->shown[0], name);
    char *before = strcmp(old->source, "bus") == 0 ? strdup(old->value) : NULL;
    int code = config_put(config, actor, name, value);

    for (int i = 0; i < TAKEN_TRIES && code == EXIT_DONE; i++) {
        code = config_look(config, actor);
        if (code == EXIT_DONE && config_taken(config, name, value)) {
            config_print(config, name);
            free(before);
            return EXIT_DONE;
        }
        link_wait(config->link, 50);
    }
    if (code == EXIT_DONE && config_put(config, actor, name, before) == EXIT_DONE)
        code = cli_fail(EXIT_FAILED, "%s did not take it and keeps what it had: its log says why", actor);
    free(before);
    return code;
}

static int config_do(struct config *config, int argc, char **argv)
{
    const char *actor = argc > 1 ? argv[1] : NULL, *name = argc > 2 ? argv[2] : NULL;
    const char *value = argc == 4 && strcmp(argv[3], "--unset") != 0 ? argv[3] : NULL;
    int code = config_look(config, actor);
    if (code == EXIT_DONE && name && config->living_n < config->shown_n)
        code = config_check(actor, name, value);
    if (code != EXIT_DONE)
        return code;
    if (!config->shown_n)
        return cli_fail(EXIT_FAILED, "no process of %s shows settings", actor ? actor : "any actor");
    for (size_t i = config->living_n; i < config->shown_n; i++)
        fprintf(stderr, "kinobus: no process of %s runs; what its file and environment say is not known here\n",
                config->shown[i].actor);
    if (name && !config_find(&config->shown[0], name))
        return cli_usage(&config_command, "%s has no setting '%s'", actor, name);
    if (argc == 4)
        return config_set(config, actor, name, value);
    config_print(config, name);
    return EXIT_DONE;
}

static int config_run(const struct cli *cli, int argc, char **argv)
{
    struct config config = { .cli = cli };
    if (argc > 4)
        return cli_usage(&config_command, "too many words");
    int code = link_open(cli, &config.link);
    if (code != EXIT_DONE)
        return code;
    config.arena = arena_new();
    code = config_do(&config, argc, argv);
    arena_free(&config.arena);
    link_close(&config.link);
    return code;
}

const struct command config_command = {
    "config", "[ACTOR [NAME [VALUE | --unset]]]", "Settings: what they are, where from, and changing one.",
    "  kinobus config                         all of them\n"
    "  kinobus config catalog slots           one, with what it means\n"
    "  kinobus config catalog slots 128       set at run time, until --unset; it wins over file and environment\n"
    "  kinobus config fetcher smtp_url URL    also while no process of it runs: it counts from the next start on",
    config_run
};
