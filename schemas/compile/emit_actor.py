"""What an actor is made of: senders, handler slots and thunks, the actor's schema, counters, and tables of records."""
from emit_types import ctype, declare
from model import SchemaError
from text import BANNER, comment, macro, quote

# ---- senders: one typed function per thing that can be sent, in the header of the schema that defines it


def senders(schema):
    """(prototype, body) of each."""
    for e in schema.events.values():
        if e.origin == "own":
            yield (f"int emit_{e.name}(struct turn *t, const struct {e.struct.name} *event)",
                   f"turn_emit(t, &{e.name}_event, event)")
    for j in schema.jobs.values():
        yield (f"int put_{j.name}(struct turn *t, const struct {j.name} *job, const struct job_options *options, "
               f"struct id *ret_job)", f"turn_put(t, &{j.name}_job, job, options, ret_job)")
        if j.done:
            yield (f"int done_{j.name}(struct turn *t, const struct {j.done.name} *result)", "turn_reply(t, result)")
    for c in schema.calls.values():
        yield (f"int ask_{c.name}(struct turn *t, const struct {c.request.name} *ask, turn_then *then, const void *ctx, "
               f"size_t ctx_len)", f"turn_ask(t, &{c.name}_call, ask, then, ctx, ctx_len)")
        if c.reply:
            yield f"int reply_{c.name}(struct turn *t, const struct {c.reply.name} *reply)", "turn_reply(t, reply)"
    for v in schema.values.values():
        yield (f"int set_{v.name}(struct turn *t, const char *key, const struct {v.struct.name} *value)",
               f"turn_set(t, &{v.name}_value, key, value)")


def wrap(prototype, end):
    """A prototype broken where it is too long."""
    if len(prototype) + len(end) <= 110:
        return prototype + end + "\n"
    head, _, rest = prototype.partition("(")
    lines, line = [], head + "("
    for i, arg in enumerate(rest.rstrip(")").split(", ")):
        piece = (", " if i else "") + arg
        if len(line) + len(piece) > 105:
            lines.append(line + ",")
            line, piece = "    ", arg
        line += piece
    return "\n".join(lines + [line + ")" + end]) + "\n"


def send_source(schema):
    out = [BANNER.format(source="schemas/" + schema.file), f'#include "gen/{schema.name}.h"\n']
    for prototype, body in senders(schema):
        out.append("\n" + wrap(prototype, "") + f"{{\n    return {body};\n}}\n")
    return "".join(out)


# ---- handlers


def slots(schema):
    """(kind, slot, type of the first argument, type of the reply or None, descriptor) of all that is handled."""
    for c in schema.calls.values():
        yield "serve", c.name, c.request.name, c.reply.name if c.reply else None, f"{c.name}_call"
    for e in schema.used["follow"]:
        yield "follow", f"on_{e.schema.name}_{e.name}", e.struct.name, None, f"{e.name}_event"
    for j in schema.used["take"]:
        yield "take", f"take_{j.name}", j.request.name, None, f"{j.name}_job"
    for v in schema.used["watch"]:
        yield "watch", f"watch_{v.schema.name}_{v.name}", v.struct.name, None, f"{v.name}_value"


ARGUMENT = {"serve": "ask", "follow": "event", "take": "job", "watch": "value"}


def handlers_header(schema):
    found = list(slots(schema))
    if not found:
        return ""
    n = schema.name
    forward = sorted({s for _, _, ask, reply, _ in found for s in (ask, reply) if s})
    out = [f"struct {n}; /* the actor itself, declared where it is written */\n"]
    out += [f"struct {s};\n" for s in forward]
    out.append(f"\n/* An empty slot answers ERR_UNSUPPORTED; an event, job or value without one is passed over. */\n"
               f"struct {n}_handlers {{\n")
    for kind, slot, ask, reply, _ in found:
        result = "void" if kind == "watch" else "int"
        end = f", struct {reply} *reply" if reply else ""
        line = f"    {result} (*{slot})(struct {n} *self, struct turn *t, const struct {ask} *{ARGUMENT[kind]}{end});"
        if len(line) > 112:
            cut = line.rfind(", const")
            line = line[:cut + 1] + "\n        " + line[cut + 2:]
        if kind == "watch":
            line = "    /* value NULL: it expired or was removed */\n" + line
        out.append(line + "\n")
    out.append(f"}};\nextern const struct actor_schema {n}_schema;\n\n")
    return "".join(out)


def thunk(schema, kind, slot, ask, reply):
    n, arg = schema.name, ARGUMENT[kind]
    name = f"{n}_run_{slot}"
    result = "void" if kind == "watch" else "int"
    head = f"const void *handlers, void *self, struct turn *t, const void *{arg}" + (", void *reply" if kind == "serve" else "")
    call = f"h->{slot}(self, t, {arg}{', reply' if reply else ''})"
    out = []
    if kind == "serve":
        out.append(f"static bool {n}_has_{slot}(const void *handlers)\n{{\n"
                   f"    return ((const struct {n}_handlers *)handlers)->{slot};\n}}\n\n")
        body = f"    return h->{slot} ? {call} : ERR_UNSUPPORTED;\n"
    elif kind == "watch":
        body = f"    if (h->{slot})\n        {call};\n"
    else:
        body = f"    return h->{slot} ? {call} : {'ERR_UNSUPPORTED' if kind == 'take' else '0'};\n"
    out.append(wrap(f"static {result} {name}({head})", "") +
               f"{{\n    const struct {n}_handlers *h = handlers;\n\n{body}}}\n\n")
    return "".join(out)


def actor_source(schema):
    n, found = schema.name, list(slots(schema))
    out = [BANNER.format(source="schemas/" + schema.file), f'#include "gen/errors.h"\n#include "gen/{n}.h"\n\n']
    if not found:
        return "".join(out)
    out += [thunk(schema, kind, slot, ask, reply) for kind, slot, ask, reply, _ in found]
    lists = []
    for kind, plural in (("serve", "serves"), ("follow", "follows"), ("take", "takes"), ("watch", "watches")):
        rows = []
        for k, slot, _, _, descriptor in found:
            if k == kind:
                has = f"{n}_has_{slot}, " if kind == "serve" else ""
                rows.append(f"    {{ &{descriptor}, {has}{n}_run_{slot} }},\n")
        if rows:
            out.append(f"static const struct {kind}_def {n}_{plural}[] = {{\n{''.join(rows)}}};\n\n")
            lists.append(f"    .{plural} = {n}_{plural},\n    .{plural}_n = {len(rows)},\n")
    if schema.records:
        rows = "".join(f"    &{r}_table,\n" for r in schema.records)
        out.append(f"static const struct table_def *const {n}_tables[] = {{\n{rows}}};\n\n")
        lists.append(f"    .tables = {n}_tables,\n    .tables_n = {len(schema.records)},\n")
    if schema.counters:
        lists.append(f"    .counters = {n}_counters,\n    .counters_n = {macro(n)}_COUNTERS,\n")
    if schema.settings:
        lists.append(f"    .settings = &{n}_settings_type,\n")
    if schema.uses["setting"]:
        out.append(f"static const char *const {n}_shared[] = {{ {', '.join(map(quote, schema.uses['setting']))} }};\n\n")
        lists.append(f"    .shared = {n}_shared,\n    .shared_n = {len(schema.uses['setting'])},\n")
    single = "    .single = true,\n" if schema.single else ""
    lists += ["    .people = true,\n"] if schema.people else []
    out.append(f"const struct actor_schema {n}_schema = {{\n    .name = {quote(n)},\n{single}{''.join(lists)}}};\n")
    return "".join(out)


# ---- counters


def counters_header(schema):
    if not schema.counters:
        return ""
    up = macro(schema.name)
    rows = "".join(f"    {up}_{macro(c.name)}, {comment(c.doc)}" for c in schema.counters.values())
    return (f"enum {schema.name}_counter {{\n{rows}    {up}_COUNTERS,\n}};\n"
            f"extern const struct counter_def {schema.name}_counters[{up}_COUNTERS];\n\n")


def counters_source(schema):
    if not schema.counters:
        return ""
    rows = "".join(f"    {{ .name = {quote(c.name)}, .doc = {quote(c.doc)}, .gauge = {str(c.type == 'gauge').lower()} }},\n"
                   for c in schema.counters.values())
    return f"const struct counter_def {schema.name}_counters[] = {{\n{rows}}};\n"


# ---- tables


def key_arguments(record):
    fields = [record.struct.field(name) for name in record.key]
    return ", ".join(declare(ctype(f), f.name) for f in fields), ", ".join(f".{f.name} = {f.name}" for f in fields)


def table_functions(record):
    n, s = record.name, record.struct.name
    args, init = key_arguments(record)
    yield f"int {n}_put(struct store_txn *txn, struct {s} *row)", f"    return table_put(txn, &{n}_table, row);\n"
    yield f"int {n}_put_new(struct store_txn *txn, struct {s} *row)", f"    return table_put_new(txn, &{n}_table, row);\n"
    yield (f"int {n}_get(struct store_txn *txn, struct arena *arena, {args}, struct {s} *ret)",
           f"    return table_get(txn, &{n}_table, arena, &(struct {s}){{ {init} }}, ret);\n")
    yield (f"int {n}_del(struct store_txn *txn, {args})",
           f"    return table_del(txn, &{n}_table, &(struct {s}){{ {init} }});\n")


def tables_header(schema):
    if not schema.records:
        return ""
    out = ["struct store_txn;\n"]
    for r in schema.records.values():
        out.append("\n" + (comment(r.doc) if r.doc else "") + f"extern const struct table_def {r.name}_table;\n")
        if r.indexes:
            names = ", ".join(f"{macro(r.name)}_{macro(index)}" for index, *_ in r.indexes)
            out.append(f"enum {r.name}_index {{ {names} }};\n")
        out += [wrap(prototype, ";") for prototype, _ in table_functions(r)]
    return "".join(out) + "\n"


def keys_source(record, label, names):
    rows = ""
    for name in names:
        kind = {"count": "UINT"}.get(record.struct.field(name).type, record.struct.field(name).type.upper())
        rows += f"    {{ WIRE_{kind}, offsetof(struct {record.struct.name}, {name}) }},\n"
    return f"static const struct table_key {label}[] = {{\n{rows}}};\n"


def table_source(record):
    n, s = record.name, record.struct.name
    rev = record.struct.field("rev")
    if rev and (rev.type != "count" or rev.list or rev.optional):
        raise SchemaError(f"{rev.where}: rev is counted by the store, and must be a plain count")
    out = [keys_source(record, f"{n}_keys", record.key)]
    rows = []
    for index, fields, unique, sparse in record.indexes:
        out.append(keys_source(record, f"{n}_{index}_keys", fields))
        rows.append(f"    {{ .name = {quote(index)}, .keys = {n}_{index}_keys, .keys_n = {len(fields)}, "
                    f".sparse = {str(sparse).lower()}, .unique = {str(unique).lower()} }},\n")
    if rows:
        out.append(f"static const struct table_index {n}_indexes[] = {{\n{''.join(rows)}}};\n")
    at = f"offsetof(struct {s}, rev)" if rev else "TABLE_NO_REV"
    indexes = f"\n    .indexes = {n}_indexes, .indexes_n = {len(rows)}," if rows else ""
    out.append(f"const struct table_def {n}_table = {{ .name = {quote(n)}, .number = {record.number}, "
               f".version = {record.version},\n    .type = &{s}_type, .size = sizeof(struct {s}), .keys = {n}_keys, "
               f".keys_n = {len(record.key)},{indexes} .rev_offset = {at} }};\n")
    out += ["\n" + wrap(prototype, "") + f"{{\n{body}}}\n" for prototype, body in table_functions(record)]
    return "".join(out) + "\n"


def tables_source(schema):
    include = '#include <stddef.h>\n\n#include "data/store/table.h"\n' if schema.records else ""
    return (BANNER.format(source="schemas/" + schema.file) + include + f'#include "gen/{schema.name}.h"\n\n' +
            "".join(table_source(r) for r in schema.records.values()))


def tail(schema):
    """The part of NAME.h that follows the types."""
    prototypes = "".join(wrap(prototype, ";") for prototype, _ in senders(schema))
    return (counters_header(schema) + tables_header(schema) + handlers_header(schema) +
            ("/* Senders: what they send leaves after the commit of the turn. */\n" + prototypes if prototypes else ""))
