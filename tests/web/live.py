"""Starts a whole platform in a folder of its own and runs live.test.mjs and uppy.test.mjs against it, then players.test.mjs on a film
that was uploaded meanwhile; and once more, when that film has other codecs too."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "media")]
import make  # noqa: E402  (the folders must be on the path first)
from stage import Stage, free_port  # noqa: E402


def node(p, film, *names, codecs=""):
    return subprocess.run(["node", "--test", *(os.path.join(HERE, f"{name}.test.mjs") for name in names)], check=False,
                          env={**os.environ, "KINOBUS_WEB_URL": p.url, "KINOBUS_WEB_OTHER_ORIGIN": other, "KINOBUS_WEB_STATE": p.state,
                               "KINOBUS_WEB_PASSWORD": p.password, "KINOBUS_WEB_FILM": film,
                               "KINOBUS_WEB_CODECS": codecs}).returncode


other = f"http://127.0.0.1:{free_port()}"    # where a page of another origin will be
with Stage(env={"KINOBUS_FRONT_CORS_ORIGINS": other}) as p:
    tail, admin, film = p.tail("catalog.*"), p.login(), os.path.join(p.state, "film.mp4")
    make.two_languages(film)
    video = admin.upload(film, title="Two languages", visibility="unlisted")
    code = node(p, video, "live", "uppy")
    while admin.get(f"/api/v1/videos/{video}")["state"] != "ready":
        tail.expect("catalog.video_ready", within=120)
    code = node(p, video, "players") or code
    for codec in ("hevc", "av1"):
        admin.post(f"/api/v1/videos/{video}/codecs", {"codec": codec})
    while not p.login().post(f"/api/v1/videos/{video}/playback")["hls_url"].endswith("master-3.m3u8"):
        tail.expect("catalog.video_changed", video_id=video, within=600)
    code = node(p, video, "players", codecs="h264 av1") or code     # Chromium decodes no HEVC
    if code:
        sys.stderr.write(p.logs())
sys.exit(code)
