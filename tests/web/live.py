"""Starts a whole platform in a folder of its own and runs live.test.mjs against it."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from stage import Stage  # noqa: E402  (the folder must be on the path first)

with Stage() as p:
    code = subprocess.run(["node", "--test", os.path.join(HERE, "live.test.mjs")], check=False,
                          env={**os.environ, "KINOBUS_WEB_URL": p.url}).returncode
    if code:
        sys.stderr.write(p.logs())
sys.exit(code)
