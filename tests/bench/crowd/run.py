"""How long a viewer waits among a crowd at the edge, beside the same viewer alone.

    ops/bench crowd [--idle N] [--readers N] [--senders N] [--fetches N] [--rounds N] [--plain] [--json]

The crowd, all at once: idle connections that have fetched a playlist, readers that take a few bytes of a segment now and then,
uploads that send a byte now and then. A row is the median or the 99th percentile of the viewer's fetches in milliseconds, each over
a connection of its own: a playlist, and a segment of 2 MB. One nginx worker, no TLS; alone and among them in turn, in each round. All
of it in a network namespace of its own with the edge's sysctl.conf; `--plain` leaves that out.
"""
import argparse
import contextlib
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "harness")]
from web import Figures, show  # noqa: E402  (the folders must be on the path first)
from edge import PARTS, EdgeStage, Site  # noqa: E402
from hosts import enter, run  # noqa: E402
from stage import Api  # noqa: E402
import crowd  # noqa: E402

FILES = {"playlist": "master.m3u8", "segment": "long.m4s"}


def waits(site, right, fetches, turn):
    """{figure: milliseconds}"""
    api, found = Api(site.url), {}
    for kind, name in FILES.items():
        took = []
        for _ in range(fetches):
            begin = time.perf_counter()
            answer = api.send("GET", f"{right}/{name}")
            took.append(1000 * (time.perf_counter() - begin))
            if answer.status != 200:
                raise SystemExit(f"{name}: {answer.status}")
            turn()
        found[f"{kind}_median"], found[f"{kind}_p99"] = statistics.median(took), statistics.quantiles(took, n=100)[98]
    return found


def tune():
    """What sysctl.conf says, for this namespace."""
    with open(os.path.join(PARTS, "sysctl.conf"), encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                name, value = (word.strip() for word in line.split("="))
                with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as to:
                    to.write(value)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench crowd", description=__doc__.split("\n", maxsplit=1)[0])
    for name, default in (("idle", 10000), ("readers", 5000), ("senders", 64), ("fetches", 300), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    enter()
    run("ip", "link", "set", "lo", "up")
    if not args.plain:
        tune()
    crowd.room(args.idle + args.readers)
    figures = Figures()
    with EdgeStage(env={"KINOBUS_FRONT_UPLOADS": str(args.senders)}) as p:
        right, _ = crowd.film(p)
        folder = os.path.join(p.state, "site")
        os.mkdir(folder)
        with Site(folder, [f"127.0.0.1:{p.port}"], p.secret(), blobs=os.path.join(p.state, "blobs"), connections=16384) as site:
            for _ in range(args.rounds):
                figures.add("alone", **waits(site, right, args.fetches, lambda: None))
                with contextlib.ExitStack() as stack:
                    crowds = [stack.enter_context(made) for made in (crowd.idle(site, right, args.idle), crowd.readers(site, right, args.readers),
                                                                     crowd.senders(site, p, args.senders))]     # who is silent for 10 s goes
                    figures.add("among", **waits(site, right, args.fetches, lambda: [one.turn() for one in crowds]))
                    left = sum(len(one.clients) - one.there() for one in crowds)
                    if left > (args.idle + args.readers + args.senders) // 10:
                        raise SystemExit(f"{left} of the crowd were sent away meanwhile: fewer --fetches take less time")
    rows = [row for kind in FILES for figure in ("median", "p99") for row in figures.rows(f"{kind}_{figure}", "ms", "among", ["alone"])]
    show(rows, args.json)


if __name__ == "__main__":
    main()
