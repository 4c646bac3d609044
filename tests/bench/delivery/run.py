"""Segments and playlists as players fetch them: the front, every address checked, beside nginx serving the same files plain.

    ops/bench delivery [--seconds N] [--rounds N] [--connections N]... [--json]

Segments of 2 MB and playlists of 2 KB, by wrk over 1, 32 and 512 connections; ours and nginx in turn, in each round. A row is
requests a second (`rate`), the 99th percentile in milliseconds (`p99`), and requests for a second of the server's CPU
(`per_cpu`); `refused` are answers other than 200 in a hundred, and requests that got none. nginx has one worker, and checks nothing.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "harness")]
from web import Figures, Nginx, cpu, show  # noqa: E402  (the folders must be on the path first)
from stage import CLIP, Api, Stage  # noqa: E402

FILES = {"segment": ("seg.m4s", 2_000_000), "playlist": ("list.m3u8", 2048)}
SCALE = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


def wrk(url, connections, seconds):
    """(requests a second, p99 in ms, answers refused or missing in a hundred)"""
    said = subprocess.run(["wrk", f"-t{min(connections, 2)}", f"-c{connections}", f"-d{seconds}", "--latency", "--timeout", "10", url],
                          check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", said).groups()
    total = int(re.search(r"(\d+) requests in", said)[1])
    refused = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", said))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    refused += sum(int(n) for n in errors.groups()) if errors else 0
    return rate, float(number) * SCALE[unit], 100 * refused / max(total, 1)


def measured(figures, name, pids, url, connections, seconds):
    busy = cpu(pids())
    rate, p99, refused = wrk(url, connections, seconds)
    busy = cpu(pids()) - busy
    figures.add(name, rate=rate, p99=p99, per_cpu=rate * seconds / busy if busy else 0, refused=refused)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench delivery", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, action="append")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    with Stage() as p, tempfile.TemporaryDirectory(dir=p.state) as folder:
        alice, tail = p.login(), p.tail("catalog.*")
        video = alice.upload(CLIP, title="A film", visibility="public")
        tail.expect("catalog.video_ready", video_id=video, within=120)
        tail.close()
        right = Api(p.url).post(f"/api/v1/videos/{video}/playback")["hls_url"].rsplit("/", 1)[0]
        media = os.path.join(p.state, "blobs", "media", *right.split("/")[3:])
        for name, size in FILES.values():
            with open(os.path.join(media, name), "wb") as f:
                f.write(b"#EXTM3U\n" + os.urandom(size - 8))
        nginx = Nginx(folder, f"location / {{ root {media}; }}")
        try:
            for connections in args.connections or (1, 32, 512):
                for kind, (name, _) in FILES.items():
                    figures = Figures()
                    for _ in range(args.rounds):
                        measured(figures, "kinobus", lambda: [p.pids()["front-1"]], f"{p.url}{right}/{name}", connections, args.seconds)
                        measured(figures, "nginx", nginx.pids, f"http://127.0.0.1:{nginx.port}/{name}", connections, args.seconds)
                    for figure, unit in (("rate", "/s"), ("p99", "ms"), ("per_cpu", "/CPU s"), ("refused", "%")):
                        rows += [{**row, "figure": f"{kind} x{connections} {figure}"} for row in figures.rows(figure, unit, "kinobus", ["nginx"])]
                    if not args.json:
                        show(rows[-4:], False)
        finally:
            nginx.stop()
    if args.json:
        show(rows, True)


if __name__ == "__main__":
    main()
