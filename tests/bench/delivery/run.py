"""Segments and playlists as players fetch them: the front alone, and the edge in its three ways, every address checked, beside
nginx serving the same files plain.

    ops/bench delivery [--seconds N] [--rounds N] [--connections N]... [--json]

Segments of 2 MB and playlists of 2 KB, by wrk over 1, 32 and 512 connections; all in turn, in each round. `here`: the edge checks
the right and sends from the blobs; `cache`: it keeps what a front sent it; `accel`: the front checks and names the file. A row is
requests a second (`rate`), the 99th percentile in milliseconds (`p99`), and requests for a second of the servers' CPU (`per_cpu`,
the front's counted where it works for the edge); `refused` are answers other than 200 in a hundred, and requests that got none.
nginx has one worker everywhere, no TLS and no log of requests, and plain it checks nothing.
"""
import argparse
import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "harness")]
from web import Figures, Nginx, children, cpu, show  # noqa: E402  (the folders must be on the path first)
from edge import Site  # noqa: E402
from stage import Stage  # noqa: E402

FILES = {"segment": ("seg.m4s", 2_000_000), "playlist": ("list.m3u8", 2048)}
SECRET = secrets.token_hex(16)
ENV = {"KINOBUS_FRONT_EDGE_SECRET": SECRET, "KINOBUS_FRONT_MEDIA_PER_CLIENT": "512", "KINOBUS_FRONT_MEDIA_MIB_PER_CLIENT": "0"}
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


def files(stage):
    """The address of a film's folder, and the folder, with a segment and a playlist of known sizes in it."""
    right = stage.address(stage.clip())
    folder = stage.folder(right)
    for name, size in FILES.values():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(b"#EXTM3U\n" + os.urandom(size - 8))
    return right, folder


def servers(stage, stack, folder, right, media):
    """{name: (its processes, the address before a file's name)}, all running until the stack ends."""
    front = stage.pids()["front-1"]
    plain = Nginx(folder, f"location / {{ root {media}; }}")
    stack.callback(plain.stop)
    found = {"front": (lambda: [front], stage.url + right), "nginx": (plain.pids, f"http://127.0.0.1:{plain.port}")}
    for name in ("here", "cache", "accel"):
        os.mkdir(os.path.join(folder, name))
        site = stack.enter_context(Site(os.path.join(folder, name), [f"127.0.0.1:{stage.port}"], SECRET, media="media-" + name,
                                        blobs="/nonexistent" if name == "cache" else os.path.join(stage.state, "blobs")))
        found[name] = (lambda site=site: [site.process.pid, *children(site.process.pid), front], site.url + right)
    return found


def main():
    parser = argparse.ArgumentParser(prog="ops/bench delivery", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, action="append")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    with Stage(env=ENV) as p, tempfile.TemporaryDirectory(dir=p.state) as folder, contextlib.ExitStack() as stack:
        racers = servers(p, stack, folder, *files(p))
        for connections in args.connections or (1, 32, 512):
            for kind, (file, _) in FILES.items():
                figures, before = Figures(), len(rows)
                for _ in range(args.rounds):
                    for name, (pids, where) in racers.items():
                        measured(figures, name, pids, f"{where}/{file}", connections, args.seconds)
                for figure, unit in (("rate", "/s"), ("p99", "ms"), ("per_cpu", "/CPU s"), ("refused", "%")):
                    rows += [{**row, "figure": f"{kind} x{connections} {figure}"}
                             for name in racers if name != "nginx" for row in figures.rows(figure, unit, name, ["nginx"])]
                if not args.json:
                    show(rows[before:], False)
    if args.json:
        show(rows, True)


if __name__ == "__main__":
    main()
