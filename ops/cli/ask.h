/* ask - questions to the broker itself ($sys.*), as JSON. */
#pragma once

#include <jansson.h>

#include "ops/cli/link.h"

/* A JSON value as msgpack that describes itself, as $sys.* takes it. */
void ask_pack(const json_t *value, struct buf *out);
/* Consumes the request (NULL: none). EXIT_DONE and the answer (yours), or an exit code after a message on stderr. */
int ask_link(struct link *link, const char *name, json_t *request, json_t **ret);
/* The same on a connection of its own. */
int ask_once(const struct cli *cli, const char *name, json_t *request, json_t **ret);
/* The object of an array whose member is this text; NULL: none. */
json_t *ask_find(const json_t *rows, const char *member, const char *text);

/* By this member, a text. */
void ask_sort(json_t *rows, const char *member);

static inline const char *ask_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static inline int64_t ask_number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}
