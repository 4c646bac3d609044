"""The schema compiler: schemas/*.toml in, everything that follows from them out.

    python3 schemas/compile/main.py --out DIR schemas/*.toml

Python's standard library only. What a schema may say is told in schemas/README.md; what is written into DIR, too.
"""
import argparse
import os
import sys
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import errors  # noqa: E402
from text import SchemaError, write  # noqa: E402


def load(path):
    try:
        with open(path, "rb") as f:
            return tomllib.load(f)
    except tomllib.TOMLDecodeError as e:
        raise SchemaError(f"{path}: {e}") from e


def main():
    parser = argparse.ArgumentParser(description="Compiles schemas into C, routes, the bus ACL and OpenAPI.")
    parser.add_argument("--out", required=True, help="the folder to write to")
    parser.add_argument("schemas", nargs="+", help="the .toml files")
    args = parser.parse_args()
    tables = {os.path.basename(path): load(path) for path in sorted(args.schemas)}
    errs = errors.Errors(tables.pop("errors.toml", {"error": {}})["error"], "errors.toml")
    write(args.out, "errors.h", errors.header(errs))
    write(args.out, "errors.c", errors.source(errs))


if __name__ == "__main__":
    try:
        main()
    except SchemaError as e:
        sys.exit(f"schema: {e}")
