"""Starts a whole platform in a folder of its own and runs uploads.test.mjs against it."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from stage import Stage  # noqa: E402  (the folder must be on the path first)

with Stage() as p:
    code = subprocess.run(["node", "--test", os.path.join(HERE, "uploads.test.mjs")], check=False,
                          env={**os.environ, "KINOBUS_URL": p.url, "KINOBUS_STATE": p.state,
                               "KINOBUS_PASSWORD": p.password}).returncode
    if code:
        sys.stderr.write(p.logs())
sys.exit(code)
