#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/settings.h"
#include "gen/errors.h"

#define SETTINGS_LINE 5000

enum source { SOURCE_BUILT_IN, SOURCE_FILE, SOURCE_ENV, SOURCE_SET, SOURCE_BUS, SOURCES };
static const char *const source_names[] = { "built-in", "file", "environment", "command line", "bus" };

/* One set of them: of the actor, or of every actor. */
struct group {
    const struct wire_type *type;
    void *now;                     /* the struct as it stands */
    const char *(*texts)[SOURCES]; /* what each source says of each field, NULL: nothing */
};

struct settings {
    const char *actor;
    struct arena *arena;
    struct group groups[2];
    size_t groups_n;
};

static void group_init(struct settings *s, struct group *g, const struct wire_type *type)
{
    g->type = type;
    g->now = arena_alloc(s->arena, type->size);
    g->texts = arena_alloc_n(s->arena, type->fields_n + 1, sizeof(*g->texts));
    wire_init(type, g->now);
}

struct settings *settings_new(const char *actor, const struct wire_type *own)
{
    struct arena *arena = arena_new();
    struct settings *s = arena_alloc(arena, sizeof(*s));

    s->actor = actor;
    s->arena = arena;
    group_init(s, &s->groups[s->groups_n++], &common_settings_type);
    if (own)
        group_init(s, &s->groups[s->groups_n++], own);
    return s;
}

void settings_free(struct settings **settings)
{
    struct arena *arena = *settings ? (*settings)->arena : NULL;

    *settings = NULL;
    if (arena)
        arena_free(&arena);
}

static const struct wire_field *settings_find(const struct settings *s, const char *name, const struct group **ret)
{
    for (size_t i = s->groups_n; i-- > 0;) {
        const struct wire_field *field = wire_find(s->groups[i].type, name);

        if (field) {
            *ret = &s->groups[i];
            return field;
        }
    }
    return NULL;
}

/* What the highest source says, else the default. */
static int settings_apply(struct settings *s, const struct group *g, const struct wire_field *field, void *obj,
                          struct wire_error *err)
{
    const char *const *texts = g->texts[field - g->type->fields];

    for (int source = SOURCES - 1; source > SOURCE_BUILT_IN; source--)
        if (texts[source])
            return wire_set_text(g->type, field, texts[source], s->arena, obj, err);
    return 0;
}

static int settings_put(struct settings *s, enum source source, const char *name, const char *text,
                        char error[static 256])
{
    const struct group *found;
    const struct wire_field *field = settings_find(s, name, &found);
    struct group *g = NULL;
    struct wire_error err = { 0 };
    const char **slot, *before;
    void *fresh;
    int r;

    if (!field) {
        snprintf(error, 256, "%s has no setting '%s'", s->actor, name);
        return ERR_NOT_FOUND;
    }
    g = &s->groups[found - s->groups];
    slot = &g->texts[field - g->type->fields][source];
    before = *slot;
    *slot = arena_strdup(s->arena, text);
    fresh = arena_alloc(s->arena, g->type->size);
    wire_init(g->type, fresh);
    for (size_t i = 0; i < g->type->fields_n; i++) {
        r = settings_apply(s, g, &g->type->fields[i], fresh, &err);
        if (r < 0) {
            *slot = before;
            snprintf(error, 256, "%.40s.%.40s %.160s", s->actor, err.path, err.sentence);
            return ERR_INVALID;
        }
    }
    g->now = fresh;
    return 0;
}

static char *settings_trim(char *text)
{
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = 0;
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        text[len - 1] = 0;
        text++;
    }
    return text;
}

/* NAME.SETTING = VALUE. 0 too when it is another actor's. */
static int settings_assign(struct settings *s, enum source source, char *line, char error[static 256])
{
    size_t len = strlen(s->actor);
    char *equals = strchr(line, '='), *name;

    if (!equals) {
        snprintf(error, 256, "'%.100s' is not NAME.SETTING = VALUE", line);
        return ERR_INVALID;
    }
    *equals = 0;
    name = settings_trim(line);
    if (!strchr(name, '.')) {
        snprintf(error, 256, "'%.100s' does not say whose setting it is, as in %s.%.100s", name, s->actor, name);
        return ERR_INVALID;
    }
    if (strncmp(name, s->actor, len) != 0 || name[len] != '.')
        return 0;
    return settings_put(s, source, name + len + 1, settings_trim(equals + 1), error);
}

int settings_read_file(struct settings *settings, const char *path, char error[static 256])
{
    char line[SETTINGS_LINE], *text, why[256];
    FILE *f = fopen(path, "re");
    int r = 0;

    if (!f) {
        snprintf(error, 256, "%s: %s", path, strerror(errno));
        return ERR_IO;
    }
    for (int n = 1; r == 0 && fgets(line, sizeof(line), f); n++) {
        text = settings_trim(line);
        if (*text == 0 || *text == '#')
            continue;
        r = settings_assign(settings, SOURCE_FILE, text, why);
        if (r < 0)
            snprintf(error, 256, "%.80s:%d: %.160s", path, n, why);
    }
    fclose(f);
    return r;
}

int settings_read_env(struct settings *settings, char *const *environment, char error[static 256])
{
    char prefix[64], name[128], why[256];
    size_t len = (size_t)snprintf(prefix, sizeof(prefix), "KINOBUS_%s_", settings->actor), i;
    int r;

    for (char *c = prefix; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');

        if (!equals || strncmp(*environment, prefix, len) != 0)
            continue;
        for (i = 0; (*environment)[len + i] != '=' && i < sizeof(name) - 1; i++)
            name[i] = (char)tolower((unsigned char)(*environment)[len + i]);
        name[i] = 0;
        r = settings_put(settings, SOURCE_ENV, name, equals + 1, why);
        if (r < 0) {
            snprintf(error, 256, "environment: %.200s", why);
            return r;
        }
    }
    return 0;
}

int settings_read_set(struct settings *settings, const char *assignment, char error[static 256])
{
    return settings_assign(settings, SOURCE_SET, arena_strdup(settings->arena, assignment), error);
}

int settings_from_bus(struct settings *settings, const char *name, const char *text, char error[static 256])
{
    return settings_put(settings, SOURCE_BUS, name, text, error);
}

const void *settings_own(const struct settings *settings)
{
    return settings->groups_n > 1 ? settings->groups[1].now : NULL;
}

const struct common_settings *settings_common(const struct settings *settings)
{
    return settings->groups[0].now;
}

const char *settings_source(const struct settings *settings, const char *name)
{
    const struct group *g;
    const struct wire_field *field = settings_find(settings, name, &g);

    if (!field)
        return "unknown";
    for (int source = SOURCES - 1; source > SOURCE_BUILT_IN; source--)
        if (g->texts[field - g->type->fields][source])
            return source_names[source];
    return source_names[SOURCE_BUILT_IN];
}

static struct setting_shown settings_show_one(const struct settings *s, const struct group *g,
                                              const struct wire_field *field, struct arena *arena)
{
    struct buf text = { 0 };
    struct setting_shown shown = { .name = field->name,
                                   .source = settings_source(s, field->name),
                                   .doc = field->doc };

    wire_get_text(field, g->now, &text);
    shown.value = field->flags & WIRE_SECRET ? "***" : arena_strndup(arena, buf_text(&text), text.len);
    buf_free(&text);
    return shown;
}

void settings_show(const struct settings *settings, struct arena *arena, struct settings_shown *ret)
{
    size_t room = 0;

    for (size_t i = 0; i < settings->groups_n; i++)
        room += settings->groups[i].type->fields_n;
    *ret = (struct settings_shown) { .actor = settings->actor,
                                     .settings = arena_alloc_n(arena, room + 1, sizeof(struct setting_shown)) };
    for (size_t i = settings->groups_n; i-- > 0;)
        for (size_t k = 0; k < settings->groups[i].type->fields_n; k++)
            ret->settings[ret->settings_n++] = settings_show_one(settings, &settings->groups[i],
                                                                 &settings->groups[i].type->fields[k], arena);
}
