/* Generated from schemas by schemas/compile. Change the schema, not this file. */
#pragma once

#include "schemas/wire/actor.h"

struct route_param {
    unsigned field;                 /* index into def->request->fields */
    int segment;                    /* of the path, counted from 0; -1: in the query, under the field's name */
};

struct route {
    const char *method, *pattern;   /* "GET", "/api/v1/videos/{id}" */
    const char *call;               /* "catalog.get_video" */
    const struct call_def *def;     /* request, reply, allow, deadline */
    const struct route_param *params;
    size_t params_n;
    bool body;                      /* what is no parameter comes as a JSON object */
    size_t body_max;                /* bytes */
    int status;                     /* of success: 200, 201, 204 */
    bool creates;                   /* takes an Idempotency-Key */
    const char *doc;
};

extern const struct route routes[];
extern const size_t routes_n;

/* Whose code serves a route that is no call. */
enum route_hand {
    HAND_LABELS,
};

struct route_by_hand {
    const char *method, *pattern;   /* a last segment {NAME*} takes the rest of the path */
    enum route_hand hand;
    bool head;                      /* HEAD as well */
};

extern const struct route_by_hand routes_by_hand[];
extern const size_t routes_by_hand_n;
