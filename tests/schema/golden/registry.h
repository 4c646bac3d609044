/* Generated from schemas by schemas/compile. Change the schema, not this file. */
#pragma once

#include "schemas/wire/wire.h"

struct registry_row {
    const char *name;               /* "catalog.create_video" */
    enum registry_kind { REGISTRY_CALL, REGISTRY_JOB, REGISTRY_EVENT, REGISTRY_VALUE } kind;
    const struct wire_type *body;   /* of a request, a job, an event or a value */
    const struct wire_type *reply;  /* of a call's reply or a job's result; NULL: none */
    const char *doc;
};

extern const struct registry_row registry[];   /* by name */
extern const size_t registry_n;

struct registry_settings {
    const char *actor;
    const struct wire_type *own;
    const char *const *shared;      /* which of them another declares: "catalog.far" */
    size_t shared_n;
};

extern const struct registry_settings registry_settings[];
extern const size_t registry_settings_n;
