"""The demo behind ops/up: uploads a clip as the first admin, waits until it is playable, says where to watch it."""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from api import Api, ApiError  # noqa: E402  (the folder must be on the path first)

FILM = os.path.join(HERE, "Welcome_to_Kinobus.mp4")
DONE = {"ready", "failed"}


class Line:
    """A line that is rewritten on a terminal, and printed once per change of text elsewhere."""

    def __init__(self):
        self.last, self.live = "", sys.stdout.isatty()

    def show(self, text):
        if text != self.last:
            print("\r\033[K" + text if self.live else text, end="" if self.live else "\n", flush=True)
        self.last = text

    def end(self):
        if self.live and self.last:
            print()
        self.last = ""


def wait_for_front(api, seconds=30):
    until = time.monotonic() + seconds
    while True:
        try:
            if api.send("GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        if time.monotonic() > until:
            sys.exit("the platform did not become ready; see `kinobus status` and the logs under the state directory")
        time.sleep(0.1)


def follow(api, video_id, line):
    """Polls the video until it can be watched and no more changes of state are worth waiting for."""
    until = time.monotonic() + 600
    while time.monotonic() < until:
        video = api.get(f"/api/v1/videos/{video_id}")
        line.show(f"{video['state']}: {video.get('runs_done', 0)} of {video.get('runs_total', 0)} runs, "
                  f"{video.get('playable_until_ms', 0) / 1000:.0f} s can be watched")
        if video["state"] in DONE or video.get("playable_until_ms"):
            line.end()
            return video
        time.sleep(0.2)
    line.end()
    sys.exit("the video was not playable after ten minutes; `kinobus why " + video_id + "` tells why")


def main():
    parser = argparse.ArgumentParser(prog="ops/up --demo")
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", help="the certificate of a platform behind its edge")
    parser.add_argument("--state", required=True)
    parser.add_argument("--file", default=FILM)
    args = parser.parse_args()

    api, line = Api(args.url, ca=args.ca), Line()
    wait_for_front(api)
    with open(os.path.join(args.state, "admin-password"), encoding="utf-8") as f:
        password = f.read().strip()
    api.login("admin@localhost", password)
    title = os.path.splitext(os.path.basename(args.file))[0].replace("_", " ")
    started = time.monotonic()
    video_id = api.upload(args.file, title=title, visibility="public",
                          progress=lambda done, size: line.show(f"uploading {title}: {100 * done // max(size, 1)} %"))
    line.end()
    uploaded = time.monotonic()
    video = follow(api, video_id, line)
    if video["state"] == "failed":
        sys.exit(f"the video failed: {video.get('reason', 'no reason given')}")
    print(f"playable {time.monotonic() - uploaded:.1f} s after its last byte ({uploaded - started:.1f} s of upload)")
    print(f"watch it:  {args.url}/watch/{video_id}")
    print(f"sign in:   admin@localhost, password in {os.path.join(args.state, 'admin-password')}")
    print(f"see it:    build/bin/kinobus tail --state {args.state}      stop it: build/bin/kinobus down --state {args.state}")


if __name__ == "__main__":
    try:
        main()
    except ApiError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
