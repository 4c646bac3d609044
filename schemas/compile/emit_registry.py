"""gen/registry.h and .c: every named message and the types of its bodies, and every actor's settings, for programs that show any of them."""
import emit_actor
from text import BANNER, quote


def header():
    return BANNER.format(source="schemas") + """#pragma once

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
"""


def settings(model):
    """Of whoever is told on the bus what its settings are."""
    out, lines = [], []
    for s in sorted(model.schemas.values(), key=lambda s: s.name):
        if s.name == "common" or not s.settings or not any(emit_actor.slots(s)):
            continue
        shared = s.uses["setting"]
        if shared:
            out.append(f"static const char *const {s.name}_shared[] = {{ {', '.join(map(quote, shared))} }};\n")
        lines.append(f"    {{ {quote(s.name)}, &{s.name}_settings_type, {s.name + '_shared' if shared else 'NULL'}, {len(shared)} }},\n")
    return (f"\n{''.join(out)}const struct registry_settings registry_settings[] = {{\n{''.join(lines)}}};\n"
            f"const size_t registry_settings_n = {len(lines)};\n")


def rows(model):
    common = model.schemas["common"].calls.values() if "common" in model.schemas else []
    for schema in model.schemas.values():
        for c in schema.calls.values() if schema.name != "common" else []:
            yield c.full, "CALL", c.request, c.reply, c.doc
        for c in common if schema.calls and schema.name != "common" else []:  # every actor serves these
            yield f"{schema.name}.{c.name}", "CALL", c.request, c.reply, c.doc
        for j in schema.jobs.values():
            yield j.full, "JOB", j.request, j.done.struct if j.done else None, j.doc
        for e in schema.events.values():
            yield e.full, "EVENT", e.struct, None, e.struct.doc
        for v in schema.values.values():
            yield v.full, "VALUE", v.struct, None, v.doc


def source(model):
    includes = "".join(f'#include "gen/{n}.h"\n' for n in sorted(s.name for s in model.schemas.values()))
    lines = []
    for name, kind, body, reply, doc in sorted(rows(model), key=lambda row: row[0]):
        answer = f"&{reply.name}_type" if reply else "NULL"
        lines.append(f"    {{ {quote(name)}, REGISTRY_{kind}, &{body.name}_type, {answer},\n      {quote(doc or '')} }},\n")
    return (BANNER.format(source="schemas") + f'#include <stddef.h>\n\n{includes}#include "gen/registry.h"\n\n'
            f"const struct registry_row registry[] = {{\n{''.join(lines)}}};\nconst size_t registry_n = {len(lines)};\n{settings(model)}")
