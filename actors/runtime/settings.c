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
    const char *const *shared;
    size_t shared_n;
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

struct settings *settings_new(const char *actor, const struct wire_type *own, const char *const *shared,
                              size_t shared_n)
{
    struct arena *arena = arena_new();
    struct settings *s = arena_alloc(arena, sizeof(*s));

    s->actor = actor;
    s->shared = shared;
    s->shared_n = shared_n;
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

/* The full name of one that another declares; NULL: it is the actor's own. */
static const char *settings_shared(const struct settings *s, const struct group *g, const struct wire_field *field)
{
    for (size_t i = 0; g != &s->groups[0] && i < s->shared_n; i++)
        if (strcmp(strchr(s->shared[i], '.') + 1, field->name) == 0)
            return s->shared[i];
    return NULL;
}

/* full: "OWNER.SETTING". */
static const struct wire_field *settings_find(const struct settings *s, const char *full, const struct group **ret)
{
    size_t owner = strcspn(full, ".");
    bool own = strlen(s->actor) == owner && strncmp(full, s->actor, owner) == 0;

    for (size_t i = s->groups_n; full[owner] && i-- > 0;) {
        const struct wire_field *field = wire_find(s->groups[i].type, full + owner + 1);
        const char *shared = field ? settings_shared(s, &s->groups[i], field) : NULL;

        if (field && (shared ? strcmp(shared, full) == 0 : own)) {
            *ret = &s->groups[i];
            return field;
        }
    }
    return NULL;
}

bool settings_concerns(const struct settings *settings, const char *name)
{
    size_t len = strlen(settings->actor);
    const struct group *g;

    return (strncmp(name, settings->actor, len) == 0 && name[len] == '.') || settings_find(settings, name, &g);
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

static int settings_unknown(const struct settings *s, const char *full, char error[static 256])
{
    const char *name = strchr(full, '.') + 1;
    int n = snprintf(error, 256, "%s has no setting '%.100s'", s->actor, name);

    for (size_t i = 0; i < s->shared_n; i++)
        if (strcmp(strchr(s->shared[i], '.') + 1, name) == 0)
            snprintf(error + n, 256 - (size_t)n, ": it goes by %.60s", s->shared[i]);
    return ERR_NOT_FOUND;
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

    if (!field)
        return settings_unknown(s, name, error);
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
            snprintf(error, 256, "%.80s %.160s", name, err.sentence);
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
    if (!settings_concerns(s, name))
        return 0;
    return settings_put(s, source, name, settings_trim(equals + 1), error);
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

/* What KINOBUS_CATALOG_MAX_PENDING is called here: no owner's name has a _ in it. */
static void settings_env_name(const char *variable, char *name, size_t size)
{
    size_t i = 0;

    for (; i < size - 1 && variable[i] != '='; i++)
        name[i] = (char)tolower((unsigned char)variable[i]);
    name[i] = 0;
    if (strchr(name, '_'))
        *strchr(name, '_') = '.';
}

int settings_read_env(struct settings *settings, char *const *environment, char error[static 256])
{
    static const char prefix[] = "KINOBUS_";
    char name[128], why[256];
    int r;

    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');

        if (!equals || strncmp(*environment, prefix, sizeof(prefix) - 1) != 0)
            continue;
        settings_env_name(*environment + sizeof(prefix) - 1, name, sizeof(name));
        if (!settings_concerns(settings, name))
            continue;
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

static const char *settings_source_of(const struct group *g, const struct wire_field *field)
{
    for (int source = SOURCES - 1; source > SOURCE_BUILT_IN; source--)
        if (g->texts[field - g->type->fields][source])
            return source_names[source];
    return source_names[SOURCE_BUILT_IN];
}

const char *settings_source(const struct settings *settings, const char *name)
{
    const struct group *g;
    const struct wire_field *field = settings_find(settings, name, &g);

    return field ? settings_source_of(g, field) : "unknown";
}

static struct setting_shown settings_show_one(const struct group *g, const struct wire_field *field,
                                              struct arena *arena)
{
    struct buf text = { 0 };
    struct setting_shown shown = { .name = field->name,
                                   .source = settings_source_of(g, field),
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
        for (size_t k = 0; k < settings->groups[i].type->fields_n; k++) {
            const struct wire_field *field = &settings->groups[i].type->fields[k];

            if (!settings_shared(settings, &settings->groups[i], field))
                ret->settings[ret->settings_n++] = settings_show_one(&settings->groups[i], field, arena);
        }
}
