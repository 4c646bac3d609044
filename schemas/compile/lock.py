"""schemas/released.lock: what has been released may be added to, never renumbered or retyped.

One line per field, value of an enum, error and table: `struct.video.title 5 text`. A released field that is gone must
have left its number in the struct's `reserved` list. `main.py --release` writes the file anew.
"""
import os

from text import SchemaError

HEAD = """# What was released: names, numbers and types that must not change. Written by `schemas/compile/main.py --release`.
# Adding is fine. Removing a field or a value takes its number into `reserved`; changing one needs a new name.
"""


def entries(model):
    found = {}
    for struct in model.structs.values():
        if struct.origin == "settings":
            continue  # settings travel by name, as text
        for f in struct.fields:
            kind = f.type + (" of " + f.of if f.of else "") + (" list" if f.list else "")
            found[f"struct.{struct.name}.{f.name}"] = (f.id, kind)
    for enum in model.enums.values():
        for word, number in enum.values:
            found[f"enum.{enum.name}.{word}"] = (number, "value")
    for name, code in model.errors.released().items():
        found[f"error.{name}"] = (code, "code")
    for s in model.schemas.values():
        for record in s.records.values():
            found[f"record.{s.name}.{record.name}"] = (record.number, "table")
    return found


def read(path):
    locked = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    name, number, kind = line.strip().split(" ", 2)
                    locked[name] = (int(number), kind)
    return locked


def check(model, path):
    now = entries(model)
    for name, (number, kind) in read(path).items():
        what, owner, *rest = name.split(".")
        if name not in now:
            reserved = {"struct": model.structs, "enum": model.enums}.get(what, {}).get(owner)
            if reserved and number not in reserved.reserved:
                raise SchemaError(f"{reserved.where}: {rest[0]} was released as number {number} and is gone: "
                                  f"add {number} to its reserved list, so that nothing else gets the number")
            if what in ("error", "record"):
                raise SchemaError(f"{name} was released as number {number} and must stay")
        elif now[name][0] != number:
            raise SchemaError(f"{name} was released as number {number} and is {now[name][0]} now: numbers never change; "
                              f"give the new thing a new name")
        elif now[name][1] != kind:
            raise SchemaError(f"{name} was released as {kind} and is {now[name][1]} now: types never change; "
                              f"give the new thing a new name and number")


def release(model, path):
    kept = {**read(path), **entries(model)}
    with open(path, "w", encoding="utf-8") as f:
        f.write(HEAD + "".join(f"{name} {number} {kind}\n" for name, (number, kind) in sorted(kept.items())))
