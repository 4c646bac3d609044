/* json - structs as JSON and back, for the front and the command line.
 *
 * Ids are TypeIDs, times RFC 3339, enums their names, bytes base64url without padding. Members that the type does not
 * have are passed over, null is absent. Every non-optional number, bool and list is written, also when it is zero, so
 * that a client finds the same shape each time; absent texts, ids, times, enums and structs are left out.
 *
 * Refuses    documents over the bound given, nesting deeper than 16 (before the parser sees it: it recurses), members
 *            that are there twice, and all that wire_validate refuses; with the path of the field
 * Leaves out fields that the front makes cookies */
#pragma once

#include <jansson.h>

#include "schemas/wire/wire.h"

#define JSON_DEPTH    16
#define JSON_BODY_MAX ((size_t)256 * 1024)

/* A document, or ERR_MALFORMED, ERR_TOO_LARGE. */
int wire_json_parse(struct bytes text, size_t max, json_t **ret, struct wire_error *err);

json_t *wire_to_json(const struct wire_type *type, const void *obj); /* never NULL */
json_t *wire_to_json_shown(const struct wire_type *type,
                           const void *obj); /* secrets as "***": logs, taps, the CLI */

int wire_from_json(const struct wire_type *type, const json_t *json, struct arena *arena, void *obj,
                   struct wire_error *err);

/* Sets the member of `object` that a path or query parameter names to its text, in the JSON kind of its field; one more
 * item where the field is a list. What the text is worth is found out by wire_from_json. */
int wire_json_put_text(json_t *object, const struct wire_field *field, const char *text, struct wire_error *err);
