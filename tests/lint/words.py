"""Marks of unfinished work, machine paths, files that have grown past one subject, and modules of Python that would hide
one of its own are findings."""
import os
import re
import sys

from files import TOP, tracked

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE = re.compile(r"(?<![\w.])/(home|root|work)/")
LONGEST = 600
EXEMPT = {"tests/lint/words.py"}


def main():
    findings = []
    for name in tracked(".c", ".h", ".py", ".ts", ".tsx", ".toml", ".md", ".css"):
        if name in EXEMPT:
            continue
        module, kind = os.path.splitext(os.path.basename(name))
        if kind == ".py" and module in sys.stdlib_module_names:
            findings.append(f"{name}: a program in its folder would import it in place of Python's own module")
        with open(os.path.join(TOP, name), encoding="utf-8") as f:
            lines = f.read().split("\n")
        for number, line in enumerate(lines, 1):
            if UNFINISHED.search(line):
                findings.append(f"{name}:{number}: a mark of unfinished work")
            if MACHINE.search(line):
                findings.append(f"{name}:{number}: a path of one machine")
        if name.endswith((".c", ".h", ".py", ".ts", ".tsx")) and len(lines) > LONGEST:
            findings.append(f"{name}: {len(lines)} lines; more than {LONGEST} is more than one subject")
    print("\n".join(findings) or "nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
