"""The schema compiler: schemas/*.toml in, everything that follows from them out.

    python3 schemas/compile/main.py --out DIR schemas/*.toml
    python3 schemas/compile/main.py --release schemas/*.toml      notes all numbers and types in released.lock

Python's standard library only. schemas/README.md tells what a schema may say and what is written into DIR.
"""
import argparse
import os
import sys
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import emit_actor  # noqa: E402
import emit_openapi  # noqa: E402
import emit_policy  # noqa: E402
import emit_registry  # noqa: E402
import emit_routes  # noqa: E402
import emit_types  # noqa: E402
import errors  # noqa: E402
import lock  # noqa: E402
from model import Model  # noqa: E402
from text import SchemaError, write  # noqa: E402


def load(path):
    try:
        with open(path, "rb") as f:
            return tomllib.load(f)
    except tomllib.TOMLDecodeError as e:
        raise SchemaError(f"{path}: {e}") from e


def outputs(stems):
    """What is written for these schemas: SCons asks before it runs the compiler."""
    per = [f"{stem}{end}" for stem in stems for end in (".h", ".c", "_actor.c", "_send.c", "_table.c")]
    shared = [f"{name}.{end}" for name in ("errors", "routes", "policy", "openapi", "registry") for end in ("h", "c")]
    return per + shared + ["policy", "openapi.json"]


def emit(model, out):
    for s in model.schemas.values():
        write(out, f"{s.name}.h", emit_types.header(s, emit_actor.tail(s)))
        write(out, f"{s.name}.c", emit_types.source(s, model.front) + emit_actor.counters_source(s))
        write(out, f"{s.name}_actor.c", emit_actor.actor_source(s))
        write(out, f"{s.name}_send.c", emit_actor.send_source(s))
        write(out, f"{s.name}_table.c", emit_actor.tables_source(s))
    write(out, "errors.h", errors.header(model.errors))
    write(out, "errors.c", errors.source(model.errors))
    write(out, "routes.h", emit_routes.header(model))
    write(out, "routes.c", emit_routes.source(model))
    write(out, "registry.h", emit_registry.header())
    write(out, "registry.c", emit_registry.source(model))
    write(out, "policy.h", emit_policy.header())
    write(out, "policy.c", emit_policy.source(model))
    write(out, "policy", emit_policy.policy(model))
    write(out, "openapi.h", emit_openapi.header())
    write(out, "openapi.c", emit_openapi.source(model))
    write(out, "openapi.json", emit_openapi.text(model))


def main():
    parser = argparse.ArgumentParser(description="Compiles schemas into C, routes, the bus's policy and OpenAPI.")
    parser.add_argument("--out", help="the folder to write to")
    parser.add_argument("--lock", help="the file of what was released; released.lock beside the schemas")
    parser.add_argument("--release", action="store_true", help="note everything as released")
    parser.add_argument("schemas", nargs="+", help="the .toml files")
    args = parser.parse_args()
    locked = args.lock or os.path.join(os.path.dirname(args.schemas[0]), "released.lock")
    tables = {os.path.basename(path): load(path) for path in sorted(args.schemas) if path.endswith(".toml")}
    model = Model(tables, errors.Errors(tables.pop("errors.toml", {}).get("error", {}), "errors.toml"))
    lock.check(model, locked)
    if args.release:
        lock.release(model, locked)
    if args.out:
        emit(model, args.out)


if __name__ == "__main__":
    try:
        main()
    except SchemaError as e:
        sys.exit(f"schema: {e}")
