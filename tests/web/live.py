"""Starts a whole platform in a folder of its own and runs live.test.mjs and uppy.test.mjs against it."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from stage import Stage, free_port  # noqa: E402  (the folder must be on the path first)

other = f"http://127.0.0.1:{free_port()}"    # where a page of another origin will be
with Stage(env={"KINOBUS_FRONT_CORS_ORIGINS": other}) as p:
    code = subprocess.run(["node", "--test", *(os.path.join(HERE, f"{name}.test.mjs") for name in ("live", "uppy"))], check=False,
                          env={**os.environ, "KINOBUS_WEB_URL": p.url, "KINOBUS_WEB_OTHER_ORIGIN": other, "KINOBUS_WEB_STATE": p.state,
                               "KINOBUS_WEB_PASSWORD": p.password}).returncode
    if code:
        sys.stderr.write(p.logs())
sys.exit(code)
