"""Starts a whole platform with an S3 store behind it and runs direct.test.mjs against both. KINOBUS_TEST_S3 names a store of others,
which need not list parts."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from s3_store import S3Store  # noqa: E402  (the folder must be on the path first)
from stage import CLIP, Stage  # noqa: E402

foreign = os.environ.get("KINOBUS_TEST_S3")
store = None if foreign else S3Store()
with Stage(env={"KINOBUS_CATALOG_FAR": foreign or store.uri}) as p:
    env = {**os.environ, "KINOBUS_URL": p.url, "KINOBUS_PASSWORD": p.password, "KINOBUS_CLIP": CLIP, "KINOBUS_STATE": p.state,
           "KINOBUS_LISTS": "" if foreign else "1"}
    env.pop("NODE_TEST_CONTEXT", None)      # it is no part of the test that may have started this
    code = subprocess.run(["node", "--test", os.path.join(HERE, "direct.test.mjs")], check=False, env=env).returncode
    if code:
        sys.stderr.write(p.logs())
if store:
    if store.uploads or store.objects:
        sys.exit(f"left in the store: {list(store.uploads.values())} {list(store.objects)}")
    store.end()
sys.exit(code)
