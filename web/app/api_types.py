"""The HTTP API of the schemas as TypeScript types, or as JSON: what the app asks and gets cannot drift from them.

    api_types.py FILE.d.ts      an interface per struct, and Calls: {"GET /api/v1/...": {request, reply}}
    api_types.py --json         the same facts for the tests' server, on standard output
"""
import json
import os
import sys
import tomllib

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schemas")
PLAIN = {"text": "string", "bytes": "string", "id": "string", "time": "string", "count": "number", "uint": "number",
         "int": "number", "float": "number", "bool": "boolean"}


def read():
    """All schemas in one: {"enum": {...}, "struct": {...}, "call": {...}, "event": {...}, "value": {...}}."""
    all_of = {"enum": {}, "struct": {}, "call": {}, "event": {}, "value": {}}
    for name in sorted(os.listdir(SCHEMAS)):
        if name.endswith(".toml"):
            with open(os.path.join(SCHEMAS, name), "rb") as f:
                schema = tomllib.load(f)
            for kind, found in all_of.items():
                found.update(schema.get(kind, {}))
    return all_of


def title(name):
    return "".join(part.capitalize() for part in name.split("_"))


def type_of(field):
    plain = PLAIN.get(field["type"]) or title(field["of"])
    return f"{plain}[]" if field.get("list") else plain


def body(fields):
    lines = []
    for field in fields:
        if "doc" in field:
            lines.append(f"    /** {field['doc']} */")
        lines.append(f"    {field['name']}{'' if field.get('required') else '?'}: {type_of(field)};")
    return "{\n" + "\n".join(lines) + "\n}" if lines else "Record<string, never>"


def reply_of(call):
    reply = call.get("reply")
    if reply is None:
        return "void"
    return title(reply) if isinstance(reply, str) else body(reply)


def types(all_of):
    out = ["// Made from the schemas; see api_types.py."]
    for name, enum in all_of["enum"].items():
        out.append(f"export type {title(name)} = " + " | ".join(f'"{v}"' for v in enum["values"]) + ";")
    for kind in ("struct", "value", "event"):
        for name, one in all_of[kind].items():
            out.append(f"/** {one.get('doc', '')} */\nexport interface {title(name)} {body(one['fields'])}")
    out.append("export interface Calls {")
    for call in all_of["call"].values():
        if "http" in call:
            out.append(f"/** {call['doc']} */\n\"{call['http']}\": {{ request: {body(call.get('request', []))};"
                       f" reply: {reply_of(call)} }};")
    return "\n".join(out + ["}"]) + "\n"


def main():
    all_of = read()
    if sys.argv[1:] == ["--json"]:
        json.dump(all_of, sys.stdout)
        return
    target = sys.argv[1]
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with open(target, "w", encoding="utf-8") as f:
        f.write(types(all_of))


if __name__ == "__main__":
    main()
