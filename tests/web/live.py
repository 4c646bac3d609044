"""Starts a whole platform in a folder of its own and runs live.test.mjs and uppy.test.mjs against it, then players.test.mjs on a film
that was uploaded meanwhile; and once more on one that has other codecs too. Then one with an object store behind it, for direct.test.mjs."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "media")]
import make  # noqa: E402  (the folders must be on the path first)
from s3_store import S3Store  # noqa: E402
from stage import CLIP, Stage, free_port  # noqa: E402


def node(p, film, *names, heights="240 360 480 720", codecs=""):
    return subprocess.run(["node", "--test", *(os.path.join(HERE, f"{name}.test.mjs") for name in names)], check=False,
                          env={**os.environ, "KINOBUS_WEB_URL": p.url, "KINOBUS_WEB_OTHER_ORIGIN": other, "KINOBUS_WEB_STATE": p.state,
                               "KINOBUS_WEB_PASSWORD": p.password, "KINOBUS_WEB_FILM": film, "KINOBUS_WEB_CLIP": CLIP,
                               "KINOBUS_WEB_HEIGHTS": heights, "KINOBUS_WEB_CODECS": codecs}).returncode


def until(tail, done):
    """Waits for news of the catalog until done()."""
    while not done():
        tail.wait(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_changed"), "news of a film")


def rule(origin):
    """What ops/OPERATORS.md tells operators to set for a bucket, for this origin."""
    with open(os.path.join(HERE, "..", "..", "ops", "OPERATORS.md"), encoding="utf-8") as f:
        told = json.loads(next(line for line in f if '"CORSRules"' in line))
    for one in told["CORSRules"]:
        one["AllowedOrigins"] = [origin]
    return told


def straight():
    """Pages that put films straight into the store: of an origin that the bucket allows, and of another one."""
    store = S3Store(cors=rule(other))
    with Stage(env={"KINOBUS_FRONT_CORS_ORIGINS": f"{other} {other.replace('127.0.0.1', 'localhost')}",
                    "KINOBUS_CATALOG_FAR": store.uri}) as p:
        code = node(p, "", "direct")
        if code:
            sys.stderr.write(p.logs())
    store.end()
    return code


other = f"http://127.0.0.1:{free_port()}"    # where a page of another origin will be
with Stage(env={"KINOBUS_FRONT_CORS_ORIGINS": other}) as p:
    tail, admin, film = p.tail("catalog.*"), p.login(), os.path.join(p.state, "film.mp4")
    make.two_languages(film)
    video = admin.upload(film, title="Two languages", visibility="unlisted")
    make.two_languages(film, size="640x360")
    small = admin.upload(film, title="In three codecs", visibility="unlisted")
    code = node(p, video, "live", "uppy")
    admin = p.login()        # for longer than a token is valid
    until(tail, lambda: all(admin.get(f"/api/v1/videos/{id}")["state"] == "ready" for id in (video, small)))
    for codec in ("hevc", "av1"):
        admin.post(f"/api/v1/videos/{small}/codecs", {"codec": codec})
    code = node(p, video, "players") or code
    admin = p.login()
    until(tail, lambda: admin.post(f"/api/v1/videos/{small}/playback")["hls_url"].endswith("master-3.m3u8"))
    code = node(p, small, "players", heights="240 360", codecs="av1 h264") or code      # Chromium decodes no HEVC
    if code:
        sys.stderr.write(p.logs())
sys.exit(straight() or code)
