"""NAME.h and NAME.c: structs, enums, their descriptors, and what is declared of calls, events, jobs and values."""
from text import BANNER, comment, fill, macro, quote

CTYPES = {"bool": "bool", "int": "int64_t", "count": "uint64_t", "float": "double", "text": "const char *",
          "bytes": "struct bytes", "id": "struct id", "time": "int64_t"}
WIRE = {"count": "UINT"}
ALLOW = {"viewer": "ALLOW_VIEWER", "creator": "ALLOW_CREATOR", "moderator": "ALLOW_MODERATOR", "admin": "ALLOW_ADMIN",
         "anyone": "ALLOW_ANYONE", "owner": "ALLOW_OWNER", "actors": "ALLOW_ACTORS"}


def ctype(field):
    if field.type in ("enum", "struct"):
        return f"{field.type} {field.of}"
    return CTYPES[field.type]


def declare(base, name):
    return base + ("" if base.endswith("*") else " ") + name


def members(struct):
    for f in struct.fields:
        note = f" /* {f.doc.replace('*/', '* /')} */" if f.doc and len(f.doc) < 60 else ""
        if f.doc and not note:
            yield comment(f.doc, "    ").rstrip("\n") + "\n"
        base = ctype(f)
        if f.list:
            yield f"    {declare(base, '*')}{f.name};{note}\n    size_t {f.name}_n;\n"
        else:
            yield f"    {declare(base, f.name)};{note}\n"
        if f.has:
            yield f"    bool has_{f.name};\n"


def sort_structs(structs, own):
    """By value before use: a struct after those it embeds."""
    done, order = set(), []

    def visit(struct):
        if struct.name in done:
            return
        done.add(struct.name)
        for f in struct.fields:
            if f.type == "struct" and f.target.schema is own:
                visit(f.target)
        order.append(struct)

    for struct in structs:
        visit(struct)
    return order


def embeds(schema):
    """Other schemas whose types stand by value in this one's."""
    found = {f.target.schema.name for s in schema.all_structs() for f in s.fields if f.type in ("struct", "enum")}
    return sorted(found - {schema.name})


def refers(schema):
    """Other schemas that senders and handlers name."""
    found = {thing.schema.name for things in schema.used.values() for thing in things}
    found |= {s.schema.name for c in schema.calls.values() for s in (c.request, c.reply) if s}
    found |= {r.struct.schema.name for r in schema.records.values()}
    return sorted(found - {schema.name} - set(embeds(schema)))


def enum_header(enum):
    out = [comment(enum.doc) if enum.doc else "", f"enum {enum.name} {{\n"]
    out += [f"    {macro(enum.name)}_{macro(word)} = {number},\n" for word, number in enum.values]
    out.append(f"}};\nextern const struct wire_enum {enum.name}_names;\n\n")
    return "".join(out)


def struct_header(struct):
    body = "".join(members(struct)) or "    bool nothing; /* it has no fields */\n"
    return (comment(struct.doc) if struct.doc else "") + f"struct {struct.name} {{\n{body}}};\n\n"


def defs_header(schema):
    out = [f"extern const struct call_def {n}_call;\n" for n in schema.calls]
    out += [f"extern const struct event_def {n}_event;\n" for n in schema.events]
    out += [f"extern const struct job_def {n}_job;\n" for n in schema.jobs]
    out += [f"extern const struct value_def {n}_value;\n" for n in schema.values]
    return "".join(out) + "\n" if out else ""


def enum_source(enum):
    rows = "".join(f"    {{ {quote(word)}, {macro(enum.name)}_{macro(word)} }},\n" for word, _ in enum.values)
    return (f"static const struct wire_name {enum.name}_values[] = {{\n{rows}}};\n"
            f"const struct wire_enum {enum.name}_names = {{ {quote(enum.name)}, {enum.name}_values, {len(enum.values)} }};\n\n")


def number(field, value):
    """The initializer of a union wire_number in the kind of its field."""
    if field.type in ("int", "time"):
        return f"{{ .i = INT64_C({value}) }}" if value > -(1 << 63) else "{ .i = INT64_MIN }"
    if field.type == "float":
        return f"{{ .f = {float(value)!r} }}"
    if field.type == "bool":
        return f"{{ .u = {int(value)} }}"
    if field.type == "enum":
        return f"{{ .u = {macro(field.of)}_{macro(value)} }}"
    return f"{{ .u = UINT64_C({value}) }}"


def flags(field):
    marks = {"REQUIRED": field.required, "LIST": field.list, "OPTIONAL": field.optional, "SECRET": field.secret,
             "MIN": field.min is not None, "MAX": field.max is not None, "DEFAULT": field.default is not None,
             "HAS": field.has, "ADDRESS": field.address}
    return " | ".join("WIRE_" + name for name, on in marks.items() if on) or "0"


def field_source(struct, f):
    at = f"struct {struct.name}"
    parts = [f".number = {f.id}", f".kind = WIRE_{WIRE.get(f.type, f.type.upper())}", f".flags = {flags(f)}",
             f".name = {quote(f.name)}", f".offset = offsetof({at}, {f.name})"]
    if f.list:
        parts += [f".count_at = offsetof({at}, {f.name}_n)", f".min_items = {f.min_items}", f".max_items = {f.max_items}"]
    if f.has:
        parts.append(f".has_at = offsetof({at}, has_{f.name})")
    if f.min is not None:
        parts.append(f".min = {number(f, f.min)}")
    if f.max is not None:
        parts.append(f".max = {number(f, f.max)}")
    if f.default is not None:
        parts.append(f".fallback_text = {quote(f.default)}" if f.type == "text" else f".fallback = {number(f, f.default)}")
    if f.type == "struct":
        parts.append(f".type = &{f.of}_type")
    if f.type == "enum":
        parts.append(f".names = &{f.of}_names")
    if f.type == "id" and f.of:
        parts.append(f".prefix = {quote(f.of)}")
    if f.cookie:
        parts.append(f".cookie = {quote(f.cookie)}")
    if f.doc:
        parts.append(f".doc = {quote(f.doc)}")
    return fill("    { ", parts, " },\n")


def struct_source(struct):
    n, count = struct.name, len(struct.fields)
    rows = "".join(field_source(struct, f) for f in struct.fields)
    table = f"static const struct wire_field {n}_fields[] = {{\n{rows}}};\n" if count else ""
    parts = [f".name = {quote(n)}", f".size = sizeof(struct {n})", f".fields = {n + '_fields' if count else 'NULL'}",
             f".fields_n = {count}", f".max_nodes = {struct.nodes()}"]
    return table + fill(f"const struct wire_type {n}_type = {{ ", parts, " };\n\n", "    ")


def key_of(struct, name):
    index = [f.name for f in struct.fields].index(name) if name else None
    return "NULL" if index is None else f"&{struct.name}_fields[{index}]"


def call_source(call, front):
    allow = " | ".join(ALLOW[word] for word in call.allow)
    reply = f"&{call.reply.name}_type" if call.reply else "NULL"
    parts = [f".name = {quote(call.full)}", f".request = &{call.request.name}_type", f".reply = {reply}", f".allow = {allow}",
             f".writes = {str(call.writes).lower()}", f".frees = {str(call.frees).lower()}", f".deadline_ms = {call.deadline_ms}", f".front = {quote(front)}"]
    return fill(f"const struct call_def {call.name}_call = {{ ", parts, " };\n", "    ")


def event_source(event):
    key = key_of(event.struct, event.key if event.struct.field(event.key or "") else None)
    return (f"const struct event_def {event.name}_event = {{ .name = {quote(event.full)}, .type = &{event.struct.name}_type,\n"
            f"    .key = {key}, .origin = EVENT_{event.origin.upper()} }};\n")


def job_source(job):
    result = f"&{job.done.struct.name}_type" if job.done else "NULL"
    q = job.queue
    return (f"const struct job_def {job.name}_job = {{ .name = {quote(job.full)}, .request = &{job.request.name}_type,\n"
            f"    .result = {result}, .key = {key_of(job.request, job.key)}, .lease_ms = {int(q['lease_s'] * 1000)}, "
            f".attempts = {q['attempts']}, .priority = {str(q['priority']).lower()} }};\n")


def value_source(value):
    return (f"const struct value_def {value.name}_value = {{ .name = {quote(value.full)}, .type = &{value.struct.name}_type,\n"
            f"    .ttl_ms = {int(value.ttl_s * 1000)}, .secret = {str(value.secret).lower()} }};\n")


def header(schema, tail):
    """NAME.h; tail: what senders.py and actor.py declare."""
    structs = sort_structs(schema.all_structs(), schema)
    out = [BANNER.format(source="schemas/" + schema.file), "#pragma once\n\n", "#include <stdbool.h>\n#include <stdint.h>\n\n",
           '#include "schemas/wire/actor.h"\n', *(f'#include "gen/{n}.h"\n' for n in embeds(schema)), "\n"]
    if schema.doc:
        out.append(comment(f"{schema.name}: {schema.doc}") + "\n")
    out += [enum_header(e) for e in schema.enums.values()]
    out += [struct_header(s) for s in structs]
    out += [f"WIRE_TYPE({s.name})\n" for s in structs]
    out += ["\n", defs_header(schema)]
    out += [f'#include "gen/{n}.h"\n' for n in refers(schema)]
    if refers(schema):
        out.append("\n")
    return "".join(out) + tail


def source(schema, front):
    structs = sort_structs(schema.all_structs(), schema)
    out = [BANNER.format(source="schemas/" + schema.file), f'#include <stddef.h>\n\n#include "gen/{schema.name}.h"\n\n']
    out += [enum_source(e) for e in schema.enums.values()]
    out += [struct_source(s) for s in structs]
    out += [call_source(c, front if c.http else None) for c in schema.calls.values()] + [event_source(e) for e in schema.events.values()]
    out += [job_source(j) for j in schema.jobs.values()] + [value_source(v) for v in schema.values.values()]
    return "".join(out)
