"""gen/routes.h and .c: the front's route table. Literal segments stand before parameters: the first match is right."""
from text import BANNER, macro, quote


def header(model):
    hands = "".join(f"    HAND_{macro(name)},\n" for name in sorted({hand.serve for hand in model.hands}))
    return BANNER.format(source="schemas") + HEADER.replace("@HANDS@", f"{{\n{hands}}}" if hands else "{ HAND_NONE }")


HEADER = """#pragma once

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
enum route_hand @HANDS@;

struct route_by_hand {
    const char *method, *pattern;   /* a last segment {NAME*} takes the rest of the path */
    enum route_hand hand;
    bool head;                      /* HEAD as well */
};

extern const struct route_by_hand routes_by_hand[];
extern const size_t routes_by_hand_n;
"""


def source(model):
    owners = sorted({c.schema.name for c in model.routes})
    out = [BANNER.format(source="schemas"), "#include <stddef.h>\n\n", *(f'#include "gen/{n}.h"\n' for n in owners),
           '#include "gen/routes.h"\n\n']
    rows = []
    for call in model.routes:
        params, body = call.parameters()
        if params:
            lines = "".join(f"    {{ {call.request.fields.index(f)}, {-1 if at is None else at} }}, /* {f.name} */\n"
                            for f, at in params)
            out.append(f"static const struct route_param {call.name}_params[] = {{\n{lines}}};\n")
        creates = call.method == "POST" and call.writes and "anyone" not in call.allow
        rows.append(
            f"    {{ {quote(call.method)}, {quote(call.path)}, {quote(call.full)}, &{call.name}_call,\n"
            f"      {call.name + '_params' if params else 'NULL'}, {len(params)}, {str(body).lower()}, {call.body_max}, "
            f"{call.status}, {str(creates).lower()},\n      {quote(call.doc)} }},\n")
    out.append(f"\nconst struct route routes[] = {{\n{''.join(rows)}}};\nconst size_t routes_n = {len(rows)};\n")
    hands = [f"    {{ {quote(h.method)}, {quote(h.path)}, HAND_{macro(h.serve)}, {str(h.head).lower()} }},\n" for h in model.hands]
    out.append(f"\nconst struct route_by_hand routes_by_hand[] = {{\n{''.join(hands) or '    { 0 },' + chr(10)}}};\n"
               f"const size_t routes_by_hand_n = {len(hands)};\n")
    return "".join(out)
