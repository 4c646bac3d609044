"""Uploads films of several shapes to a whole platform and gives what becomes of them to playlists.test.mjs."""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(HERE, "..", "..", "build"))
os.environ.setdefault("KINOBUS_BIN", os.path.join(OUT, "bin"))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from stage import CLIP, Stage  # noqa: E402  (the folder must be on the path first)

FILMS = {
    "pictures.mp4": ("-an", "-c", "copy"),
    "two-sounds.mkv": ("-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy", "-metadata:s:a:0", "language=eng",
                       "-metadata:s:a:1", "language=fra"),
    "sound.mp3": ("-vn", "-c:a", "libmp3lame"),
    "six-and-two.mkv": ("-map", "0:v", "-map", "0:a", "-map", "0:a", "-c:v", "copy", "-c:a", "flac", "-ac:a:0", "6", "-metadata:s:a:0", "language=eng",
                        "-metadata:s:a:1", "language=fra"),
    "six.mka": ("-vn", "-c:a", "flac", "-ac", "6"),
}

with Stage() as p:
    tail, alice, films = p.tail("catalog.*"), p.login(), [CLIP]
    for name, how in FILMS.items():
        films.append(os.path.join(p.state, name))
        subprocess.run(["ffmpeg", "-v", "error", "-i", CLIP, *how, films[-1]], check=True)
    folders = []
    for video in [alice.upload(film, title="A film", visibility="public") for film in films]:
        while alice.get(f"/api/v1/videos/{video}")["state"] != "ready":
            tail.expect("catalog.video_ready")
        folders += glob.glob(os.path.join(p.state, "blobs", "media", video, "*"))
    code = subprocess.run(["node", "--test", os.path.join(HERE, "playlists.test.mjs")], check=False,
                          env={**os.environ, "KINOBUS_PRESENTATIONS": ":".join(folders)}).returncode
    if code:
        sys.stderr.write(p.logs())
sys.exit(code)
