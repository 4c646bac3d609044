/* settings - what an actor can be told: built-in < file < environment < --set < bus value, each within its bounds.
 *
 *     catalog.max_pending = 256          in the file; # begins a comment
 *     KINOBUS_CATALOG_MAX_PENDING=256    in the environment
 *     settings.catalog, key max_pending  on the bus, while it runs; here its name is catalog.max_pending, too
 *
 * A wrong value in file, environment or --set ends the start with a sentence; one from the bus is logged and passed
 * over. What was read stays in memory to the end: a pointer to the settings of an earlier moment stays good. */
#pragma once

#include <stdbool.h>

#include "gen/common.h"
#include "schemas/wire/wire.h"

struct settings;

/* own: the descriptor of struct NAME_settings, NULL: none. Every actor has those of schemas/common.toml as well.
 * shared: which of its own another declares ("front.public_url"): they are set under that name alone, and shown there. */
struct settings *settings_new(const char *actor, const struct wire_type *own, const char *const *shared,
                              size_t shared_n);
void settings_free(struct settings **settings);

/* The sentence says where and what. Lines of other actors are passed over. */
int settings_read_file(struct settings *settings, const char *path, char error[static 256]);
int settings_read_env(struct settings *settings, char *const *environment, char error[static 256]);
int settings_read_set(struct settings *settings, const char *assignment,
                      char error[static 256]); /* NAME.SETTING=VALUE */

/* name: "OWNER.SETTING". text NULL: the bus says nothing about it any more. ERR_NOT_FOUND: no such setting. */
int settings_from_bus(struct settings *settings, const char *name, const char *text, char error[static 256]);
/* Whether it has to do with this actor at all: its own, even when there is none of the name, or shared with it. */
bool settings_concerns(const struct settings *settings, const char *name);

const void *settings_own(const struct settings *settings);
const struct common_settings *settings_common(const struct settings *settings);
/* All of them as they stand but the shared ones, in the arena; secrets are stars. */
void settings_show(const struct settings *settings, struct arena *arena, struct settings_shown *ret);
const char *settings_source(const struct settings *settings, const char *name); /* "built-in", "file", ... */
