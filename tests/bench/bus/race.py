"""Races the bus against the brokers people know: durable publish, take and acknowledge, and calls against zmq_proxy.

Five rounds (--rounds); in each, every broker in turn does the same leg with bodies of 256 bytes and W messages under way.
A round's ratio is ours to the peer's of that round, so that the machine's mood is shared; the medians are printed, with the
least and the greatest. Every client does what its users do when they have W messages at hand: a pipeline, asynchronous
publishing, publisher confirms, one transaction. No other broker tells of a job's end, so our queue has no done event here;
what that costs is among our own figures (run.py). Producer, consumer and server share this machine's cores.
"""
import os
import re
import shutil
import statistics
import subprocess
import tempfile

import servers

WINDOWS = (1, 16, 256, 1024)
SECONDS = 1.0     # about what one leg takes
MOST = 400000     # messages of one leg


class Racer:
    """One server with the numbers of messages that keep its legs short."""

    def __init__(self, program, server):
        self.program, self.server, self.n = program, server, {}

    def leg(self, leg, n, window):
        done = subprocess.run([self.program, self.server.driver, self.server.where, self.server.secret, leg, str(n), str(window),
                               str(window)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.server.name}: {leg} of {n}: {done.stderr.strip()}")
        return n / float(done.stdout.split("=")[1])

    def measure(self, leg, window):
        """Messages a second. The first time it looks for a number of messages that takes long enough."""
        n = self.n.get((leg, window), max(4 * window, 64))
        while (leg, window) not in self.n:
            rate = self.leg(leg, n, window)
            if n / rate > SECONDS / 8 or n >= MOST:
                self.n[leg, window] = n = int(min(MOST, max(4 * window, rate * SECONDS)))
            else:
                n *= 4
        return self.leg(leg, n, window)

    def taken(self, window):
        """Takes what it publishes first, so the number of messages is the publishing leg's."""
        n = min(self.n["publish", 1024], 50000)
        self.leg("publish", n, 1024)
        return self.leg("take", n, window)


def syncs(program, start, folder):
    """Syncs of a server for each message that it confirmed, 256 under way; strace counts the calls."""
    log = os.path.join(folder, "syncs")
    server = start(folder, ["strace", "-f", "--seccomp-bpf", "-c", "-e", "trace=fsync,fdatasync,msync", "-o", log])
    n = 20 * 256
    try:
        Racer(program, server).leg("publish", n, 256)
    finally:
        server.stop()
    with open(log, encoding="utf-8") as f:
        calls = sum(int(m[1]) for m in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s.*(?:fsync|fdatasync|msync)$", f.read(), re.M))
    return calls / n


def row(figure, unit, rounds, name, peer):
    ratios = [a / b for a, b in rounds]
    return {"figure": figure, "unit": unit, "ours": statistics.median(a for a, _ in rounds), "peer": statistics.median(b for _, b in rounds),
            "peer_name": name, "durable": peer.durable, "ratio_median": statistics.median(ratios), "ratio_min": min(ratios),
            "ratio_max": max(ratios), "rounds": len(rounds)}


def show(r):
    if r["unit"] != "1/s":
        return f"{r['figure']:24} {r['ours']:>10.4f} : {r['peer']:>10.4f} {r['unit']}   {r['peer_name']}"
    note = "" if r["durable"] else "   (a weaker promise)"
    return (f"{r['figure']:24} {r['ours']:>10.0f} : {r['peer']:>10.0f} {r['unit']}   x {r['ratio_median']:.2f} "
            f"({r['ratio_min']:.2f} to {r['ratio_max']:.2f})   {r['peer_name']}{note}")


def race(folder, program, programs, policy, rounds):
    """Yields a row for each figure and peer."""
    def home(name):
        path = os.path.join(folder, re.sub(r"\W+", "-", name))
        os.mkdir(path)
        return path

    def kinobus(at, under=()):
        return servers.Kinobus(at, programs, policy, under)

    running = []
    try:
        own_syncs = syncs(program, kinobus, home("kinobus counted"))
        ours = Racer(program, kinobus(home("kinobus")))
        running.append(ours.server)
        for peer in [*servers.PEERS, servers.Proxy]:
            theirs = Racer(program, peer(home(peer.__name__)))
            running.append(theirs.server)
            if peer is servers.Proxy:
                for window in (1, 64):
                    yield row(f"calls W={window}", "1/s", [(ours.measure("call", window), theirs.measure("call", window)) for _ in range(rounds)],
                              peer.name, peer)
                continue
            for window in WINDOWS:
                yield row(f"publish batched W={window}", "1/s",
                          [(ours.measure("publish", window), theirs.measure("publish", window)) for _ in range(rounds)], peer.name, peer)
                if window == 1024:
                    yield row("take and acknowledge", "1/s", [(ours.taken(256), theirs.taken(256)) for _ in range(rounds)], peer.name, peer)
            theirs.server.stop()
            running.remove(theirs.server)
            if peer.counted:
                yield row("syncs per message W=256", "", [(own_syncs, syncs(program, peer, home(peer.__name__ + " counted")) or float("nan"))],
                          peer.name, peer)
    finally:
        for server in running:
            server.stop()


def rows(program, programs, policy, rounds):
    """race() in a folder that is removed again."""
    folder = tempfile.mkdtemp(prefix="kinobus-race-", dir="/var/tmp")
    os.chmod(folder, 0o755)     # a server that is not run by root has its own folder below
    try:
        yield from race(folder, program, programs, policy, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
