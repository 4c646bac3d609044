"""What the broker needs when very much waits, and for very many: memory, rates and a restart with millions of jobs and events,
idle peers beside a bare ROUTER, fan-out, taps, and a follower that is far behind.

    python3 tests/bench/bus/deep.py [--jobs N] [--bytes N] [--peers N] [--events N]

A figure line is `name key=value ...`. Rates that are to be compared are medians of three, in turn, in the same run.
"""
import argparse
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import BENCH, SECRET, bench, memory, start

CROWD = os.path.join(os.path.dirname(BENCH), "bus_crowd")


def anon(pid):
    return int(memory(pid).split("anon_kib=")[1].split()[0])


def prepare(folder):
    with open(os.path.join(folder, "policy"), "wb") as f:
        f.write(subprocess.run([BENCH, "--policy"], stdout=subprocess.PIPE, check=True).stdout)
    os.mkdir(os.path.join(folder, "keys"), 0o700)
    with open(os.path.join(folder, "keys", "bench"), "w", encoding="utf-8") as f:
        f.write(SECRET)


@contextlib.contextmanager
def crowd(endpoint, *words):
    """A crowd that stands; `.said` is what it said at its end."""
    with subprocess.Popen([CROWD, endpoint, SECRET, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.said = ""
        child.stdout.readline()
        yield child
        child.stdin.close()
        child.said = child.stdout.read().strip()


def rate(folder, leg, n):
    (line,) = bench(folder, str(n), leg)
    return float(re.search(r"per_s=(\d+)", line)[1])


def peers(folder, broker, n):
    """What a peer needs beyond what a bare ROUTER needs for it."""
    endpoint = f"ipc://{folder}/bare.sock"
    before = anon(broker.pid)
    with crowd(f"ipc://{folder}/bus.sock", "peers", str(n)):
        ours = anon(broker.pid) - before
    with crowd(endpoint, "router") as router:
        before = anon(router.pid)
        with crowd(endpoint, "peers", str(n)):
            bare = anon(router.pid) - before
    return f"idle_peers n={n} bytes_each={ours * 1024 // n} bare_router_bytes_each={bare * 1024 // n} own_bytes_each={(ours - bare) * 1024 // n}"


def cpu(pid):
    """Seconds of processor time that it has used."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beside(folder, broker, leg, n, *words):
    """A leg alone and with a crowd beside it: its rate, and the broker's own work for each message, which the crowd's own
    use of the processors does not touch."""
    def once():
        before = cpu(broker.pid)
        per_s = rate(folder, leg, n)
        return per_s, (cpu(broker.pid) - before) / n * 1e6

    alone, with_it, said = [], [], ""
    for _ in range(3):
        alone.append(once())
        with crowd(f"ipc://{folder}/bus.sock", *words) as child:
            with_it.append(once())
        said = child.said
    ratio = statistics.median(b[0] / a[0] for a, b in zip(alone, with_it))
    (rate_a, cpu_a), (rate_b, cpu_b) = ([statistics.median(x) for x in zip(*side)] for side in (alone, with_it))
    return (f"{leg}_beside_{words[0]} alone_per_s={rate_a:.0f} per_s={rate_b:.0f} ratio={ratio:.3f} "
            f"alone_broker_us={cpu_a:.2f} broker_us={cpu_b:.2f} {said}")


def full_and_empty(full, log):
    """The rates of the broker with a full queue and of one with an empty one beside it, in turn."""
    empty = os.path.join(full, "empty")
    os.mkdir(empty)
    prepare(empty)
    other, _ = start(empty, log)
    try:
        rounds = [(rate(empty, "jobs", 100000), rate(full, "jobs", 100000)) for _ in range(5)]
    finally:
        other.kill()
        other.wait()
    ratio = statistics.median(b / a for a, b in rounds)
    empty_per_s, full_per_s = (statistics.median(side) for side in zip(*rounds))
    return f"jobs_with_full_queue empty_per_s={empty_per_s:.0f} full_per_s={full_per_s:.0f} ratio={ratio:.3f}"


class Deep:
    """A broker that is killed and started again, on one store."""

    def __init__(self, folder, log):
        self.folder, self.log, self.broker = folder, log, None

    def begin(self):
        self.broker, took = start(self.folder, self.log)
        return took

    def end(self):
        if self.broker:
            self.broker.kill()
            self.broker.wait()

    def again(self, name):
        self.end()
        took = self.begin()
        size = os.stat(os.path.join(self.folder, "broker", "data.mdb")).st_blocks * 512
        return f"restart_after_kill {name} store_bytes={size} ready_ms={took * 1000:.0f} {memory(self.broker.pid)}"


def run(folder, args):
    prepare(folder)
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        deep = Deep(folder, log)
        try:
            deep.begin()
            yield f"idle {memory(deep.broker.pid)}"
            yield peers(folder, deep.broker, args.peers)
            deep.again("")
            for k in (1, 10, 100):
                yield subprocess.run([CROWD, f"ipc://{folder}/bus.sock", SECRET, "fanout", str(k), str(200000 // (k + 9))],
                                     stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
            yield beside(folder, deep.broker, "calls", 100000, "tap")
            yield beside(folder, deep.broker, "jobs", 100000, "tap")
            yield from bench(folder, str(args.jobs), "fill", str(args.bytes))
            yield f"waiting n={args.jobs} {memory(deep.broker.pid)}"
            yield full_and_empty(folder, log)
            yield from bench(folder, str(args.events), "pile")
            yield deep.again(f"jobs={args.jobs} events={args.events}")
            yield beside(folder, deep.broker, "events", 100000, "behind")
            yield f"follower_behind n={args.events} {memory(deep.broker.pid)}"
        finally:
            deep.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=1000000)
    parser.add_argument("--bytes", type=int, default=200, help="of a waiting job's body")
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=1000000, help="that a follower is behind")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="kinobus-deep-", dir="/var/tmp")
    try:
        for line in run(folder, args):
            print(line, flush=True)
    finally:
        shutil.rmtree(folder)


main()
