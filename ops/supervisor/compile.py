"""Turns ops/services.toml into the table that the supervisor is built with: compile.py SERVICES.toml OUT.c"""
import json
import sys
import tomllib

KNOWN = {"program", "role", "args", "instances", "stop", "queues"}
SIGNALS = {"TERM", "QUIT"}
HOLES = ("{state}", "{share}", "{bin}", "{config}")


def refuse(name, what):
    raise SystemExit(f"services.toml: [service.{name}]: {what}")


def texts(words):
    return f"(const char *const[]){{ {', '.join(map(json.dumps, words))}, NULL }}"


def row(name, service):
    for key in service.keys() - KNOWN:
        refuse(name, f"'{key}' is not known; choose from {', '.join(sorted(KNOWN))}")
    for key in ("program", "args") if service.get("program", "").startswith("/") else ("program", "role", "args"):
        if key not in service:
            refuse(name, f"'{key}' is missing")
    for arg in service["args"]:
        rest = arg
        for hole in HOLES:
            rest = rest.replace(hole, "")
        if "{" in rest:
            refuse(name, f"'{arg}': the holes are {', '.join(HOLES)}")
    if not 0 <= service.get("instances", 1) <= 64:
        refuse(name, "instances must be 0 to 64")
    if service.get("stop", "TERM") not in SIGNALS:
        refuse(name, f"stop: choose from {', '.join(sorted(SIGNALS))}")
    role = json.dumps(service["role"]) if "role" in service else "NULL"
    return (f'    {{ .name = "{name}", .program = "{service["program"]}", .role = {role},\n'
            f'      .args = {texts(service["args"])}, .instances = {service.get("instances", 1)}, '
            f'.stop = SIG{service.get("stop", "TERM")}, .queues = {texts(service["queues"]) if "queues" in service else "NULL"} }},\n')


def main(source, target):
    with open(source, "rb") as f:
        services = tomllib.load(f)["service"]
    with open(target, "w", encoding="utf-8") as f:
        f.write("/* Generated from ops/services.toml. */\n#include <signal.h>\n#include <stddef.h>\n\n#include \"ops/supervisor/services.h\"\n\n")
        f.write("const struct service_row service_rows[] = {\n")
        f.writelines(row(name, service) for name, service in services.items())
        f.write(f"}};\nconst size_t service_rows_n = {len(services)};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
