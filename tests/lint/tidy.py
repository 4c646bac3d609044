"""clang-tidy finds nothing in the product's C, two files at a time, with the flags of the release build.

Nearly all of its time goes into the analyzer's search through a function, up to 225,000 states each; the short tier lets it look at
5,000, in a small part of the time. With --long it goes on as far as it likes.
"""
import concurrent.futures
import json
import os
import subprocess
import sys

from files import TOP, tracked, wanted

DATABASE = os.path.join(TOP, "build", "compile_commands.json")
SEARCH = [] if os.environ.get("KINOBUS_LONG") else ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=5000"]
# gcc's own hardening and warning flags mean nothing to clang.
EXTRA = [f"--extra-arg={arg}" for arg in ("-Wno-unknown-warning-option", "-Wno-unused-command-line-argument", *SEARCH)]


def tidy(file):
    run = subprocess.run(["clang-tidy", "--quiet", "-p", os.path.dirname(DATABASE), *EXTRA, file], cwd=TOP, capture_output=True, text=True,
                         check=False)
    return run.returncode, run.stdout


def main():
    with open(DATABASE, encoding="utf-8") as f:
        known = {os.path.relpath(os.path.join(row["directory"], row["file"]), TOP) for row in json.load(f)}
    files = wanted([f for f in tracked(".c") if not f.startswith("tests/") and f in known])
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for code, text in pool.map(tidy, files):
            if code:
                bad += 1
                print(text, end="")
    print(f"{len(files)} files read, {bad} with findings")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
