/* show - bodies of messages as JSON, by the schema of their name; what no schema knows, by its own shape. */
#pragma once

#include <jansson.h>

#include "gen/registry.h"
#include "schemas/wire/bytes.h"

/* NULL: no schema declares the name. */
const struct registry_row *show_find(const char *name);
/* The body as JSON, secrets as "***"; type NULL: msgpack that describes itself (and in it, the `body` of a message beside
 * its `name`, by its schema). json_null() when it cannot be read. */
json_t *show_body(const struct wire_type *type, struct bytes body);
/* The body of a message of this name; answer: of its reply or result. What no schema declares is told by its size alone,
 * and what was set of a setting is "***": nobody knows here which part of it is secret. */
json_t *show_message(const char *name, bool answer, struct bytes body);
/* A problem document on stderr, as the answer to what was tried. Answers EXIT_FAILED. */
int show_problem(const char *what, int err, struct bytes problem);
/* A JSON value on stdout: on one line for scripts, indented for people. */
void show_print(json_t *value, bool for_scripts);
/* The same of an object that json_pack makes of format and what follows, on one line for scripts. Text that is not UTF-8 has no
 * JSON: then a message on stderr says so. */
void show_pack(const char *format, ...);
