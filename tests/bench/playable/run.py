"""From the last byte of an upload to the first segment in a player: how long who uploads waits until it can be watched.

    ops/bench playable [--clip FILE] [--rounds N] [--busy] [--json]

A whole platform is started in a folder of its own. A client uploads a film by tus, in one piece and as fast as the
machine takes it; another asks for it like a player, from the first byte on: playback, master, playlist of a rung,
initialisation, first segment. What counts is the time between the moment the last byte was handed to the kernel and the
moment that segment was whole; below zero it could be watched before it was all there. Then the video is deleted, and
the next round begins. Three films: the clip with its index in front, an hour made by repeating it, and the clip with its
index behind the media, of which nothing can be known before its last byte. With --busy a second hour is being encoded all the while.

With --json: a list of {figure, unit, p50, p95, worst, rounds}. There is no peer to run beside: what others publish is
measured on other machines.
"""
import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "harness"))
from stage import Stage, media  # noqa: E402  (the folder must be on the path first)

FILM = "bbb_720p24_3m24s.mp4"
HOUR_S = 3600
POLL_S = 0.02
TUS = {"Tus-Resumable": "1.0.0"}


def remux(source, target, *options):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *options[0], "-i", source, "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy",
                    *options[1], target], check=True)
    return target


def seconds(path):
    return float(subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path],
                                check=True, capture_output=True, text=True).stdout)


def send(api, path, video):
    """Uploads a file in one PATCH. Answers when its last byte was handed over."""
    size = os.path.getsize(path)
    metadata = f"video_id {base64(video)},filename {base64(os.path.basename(path))}"
    made = api.want("POST", "/api/v1/uploads", headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata, "Content-Length": "0"})
    connection = api.connect()
    connection.putrequest("PATCH", urllib.parse.urlsplit(made.headers["Location"]).path)
    for name, value in {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", "Content-Length": str(size),
                        "Authorization": "Bearer " + api.token}.items():
        connection.putheader(name, value)
    connection.endheaders()
    with open(path, "rb") as f:
        while piece := f.read(1 << 20):
            connection.send(piece)
    sent = time.monotonic()
    status = connection.getresponse().status
    connection.close()
    assert status in (200, 204), f"the upload was answered {status}"
    return sent


def base64(text):
    import base64 as b
    return b.b64encode(text.encode()).decode()


class Player(threading.Thread):
    """Asks until a segment is there; `at` is when it was whole."""

    def __init__(self, api, video):
        super().__init__(daemon=True)
        self.api, self.video, self.at, self.bytes, self.stop = api, video, None, 0, threading.Event()
        self.connection = http.client.HTTPConnection(api.host, api.port, timeout=30)
        self.start()

    def ask(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.api.token, "Content-Type": "application/json"}
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def leaf(self, url):
        status, text = self.ask("GET", url)
        lines = text.decode().splitlines() if status == 200 else []
        return next((line for line in lines if line and not line.startswith("#")), None)

    def run(self):
        while not self.stop.wait(POLL_S):
            status, body = self.ask("POST", f"/api/v1/videos/{self.video}/playback", "{}")
            if status != 200:
                continue
            master = urllib.parse.urlsplit(json.loads(body)["hls_url"]).path
            rung = self.leaf(master)
            folder = f"{master.rsplit('/', 1)[0]}/{rung.rsplit('/', 1)[0]}" if rung else ""
            first = self.leaf(f"{master.rsplit('/', 1)[0]}/{rung}") if rung else None
            if not first:
                continue
            answers = [self.ask("GET", f"{folder}/{name}") for name in ("init.mp4", first)]
            if all(status == 200 for status, _ in answers):
                self.at, self.bytes = time.monotonic(), len(answers[1][1])
                return


def measure(stage, api, path, within=120):
    video = api.post("/api/v1/videos", {"title": os.path.basename(path), "visibility": "private"})["id"]
    player = Player(api, video)
    sent = send(api, path, video)
    player.join(within)
    player.stop.set()
    if player.at is None:
        raise SystemExit(f"{path} was not playable within {within} s: " + json.dumps(api.get(f"/api/v1/videos/{video}/why")))
    assert player.bytes > 1000
    api.want("DELETE", f"/api/v1/videos/{video}?now=true")
    return player.at - sent


def rank(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def main():
    parser = argparse.ArgumentParser(prog="ops/bench playable", description=__doc__.split("\n")[0])
    parser.add_argument("--clip", default=media(FILM), help="an MP4; " + FILM + " where it is, else the tests' own clip")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--busy", action="store_true", help="with an hour of another film being encoded")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(prefix="kinobus-bench-") as folder:
        times = str(max(0, round(HOUR_S / seconds(args.clip)) - 1))
        films = {
            "film": remux(args.clip, os.path.join(folder, "film.mp4"), (), ("-movflags", "+faststart")),
            "hour": remux(args.clip, os.path.join(folder, "hour.mp4"), ("-stream_loop", times), ("-movflags", "+faststart")),
            "index at the end": remux(args.clip, os.path.join(folder, "late.mp4"), (), ()),
        }
        with Stage() as stage:
            if args.busy:
                work = stage.login().upload(films["hour"], title="Work", piece=64 << 20)
                api = stage.login()
                while not api.get(f"/api/v1/videos/{work}").get("runs_done"):
                    time.sleep(0.1)
            for name, path in films.items():
                api = stage.login()
                took = [measure(stage, api, path) for _ in range(args.rounds if name != "hour" else max(1, args.rounds // 2))]
                figures.append({"figure": f"last byte to playable, {name}" + (", busy" if args.busy else ""), "unit": "s",
                                "p50": rank(took, 0.5), "p95": rank(took, 0.95), "worst": max(took), "rounds": len(took)})
                if not args.json:
                    f = figures[-1]
                    print(f"{f['figure']:45} p50 {f['p50']:6.2f} s   p95 {f['p95']:6.2f} s   worst {f['worst']:6.2f} s   "
                          f"{f['rounds']} uploads", flush=True)
    if args.json:
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
