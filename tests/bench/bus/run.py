"""What a message costs: our own figures beside what the disk gives, then a race with the brokers people know.

A line of our own is `name key=value ...`: calls (no disk), events (append to delivery), jobs (put, take, acknowledge,
done event), each with 1, 64 and 1000 on the way. commits_per_message says what the group commit saves; `disk` is a
bare write and fdatasync of 4 KiB, one after the other: no promise can be cheaper with a window of 1.
The race is told in race.py; in JSON both are rows of one array.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

import race

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BIN = os.environ.get("KINOBUS_BIN", os.path.join(TOP, "build", "bin"))
BENCH = os.path.join(os.path.dirname(BIN), "bench", "bus_bench")
SECRET = "0123456789abcdef0123456789abcdef"


def disk(folder, n=300):
    took = []
    with open(os.path.join(folder, "probe"), "wb", buffering=0) as f:
        for _ in range(n):
            began = time.perf_counter()
            f.write(bytes(4096))
            os.fdatasync(f.fileno())
            took.append(time.perf_counter() - began)
    took.sort()
    return f"disk window=1 n={n} per_s={n / sum(took):.0f} p50_us={took[n // 2] * 1e6:.0f} p99_us={took[n * 99 // 100] * 1e6:.0f}"


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        rows = dict(line.split(":", 1) for line in f)
    return f"memory anon_kib={rows['RssAnon'].split()[0]} rss_kib={rows['VmRSS'].split()[0]}"


def start(folder, log):
    """Starts the broker and waits for its line that says ready; the seconds that took."""
    began = time.perf_counter()
    broker = subprocess.Popen([os.path.join(BIN, "kinobus-broker"), "--state", folder, "--any-filesystem", "--acl",
                               os.path.join(folder, "policy"), "--set", "broker.peer_per_s=10000000"], stderr=subprocess.PIPE, text=True)
    for line in broker.stderr:
        log.write(line)
        if "what=ready" in line:
            break
    threading.Thread(target=shutil.copyfileobj, args=(broker.stderr, log), daemon=True).start()
    return broker, time.perf_counter() - began


def bench(folder, *words):
    child = subprocess.Popen([BENCH, f"ipc://{folder}/bus.sock", SECRET, *words], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        yield line.strip()
    if child.wait() != 0:
        raise SystemExit("bus_bench failed")


def run(folder, n):
    with open(os.path.join(folder, "policy"), "wb") as f:
        f.write(subprocess.run([BENCH, "--policy"], stdout=subprocess.PIPE, check=True).stdout)
    os.mkdir(os.path.join(folder, "keys"), 0o700)
    with open(os.path.join(folder, "keys", "bench"), "w", encoding="utf-8") as f:
        f.write(SECRET)
    yield disk(folder)
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        broker, _ = start(folder, log)
        try:
            yield from bench(folder, str(n))
            yield memory(broker.pid)
            yield from bench(folder, str(10 * n), "fill")
            broker.kill()
            broker.wait()
            broker, took = start(folder, log)
            yield f"restart_after_kill jobs={10 * n} ready_ms={took * 1000:.0f}"
            yield memory(broker.pid)
        finally:
            broker.kill()
            broker.wait()


def alone(messages):
    """Our own figures, and what the disk gives."""
    folder = tempfile.mkdtemp(prefix="kinobus-bench-", dir="/var/tmp")
    try:
        yield from run(folder, messages)
    finally:
        shutil.rmtree(folder)


def as_rows(line):
    """A line of our own figures as rows of the form that all benchmarks share."""
    name, *pairs = line.split()
    pairs = dict(p.split("=") for p in pairs)
    label = name + "".join(f" {k}={pairs.pop(k)}" for k in ("window", "n", "jobs") if k in pairs)
    return [{"figure": f"{label} {k}", "unit": k.rsplit("_", 1)[-1], "ours": float(v), "peer": None, "peer_name": None, "ratio_median": None,
             "ratio_min": None, "ratio_max": None, "rounds": 1} for k, v in pairs.items()]


def main():
    parser = argparse.ArgumentParser(prog="ops/bench bus", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of the race (default 5)")
    parser.add_argument("--messages", type=int, default=20000, help="of our own figures (default 20000)")
    parser.add_argument("--only", choices=["alone", "race"], help="our own figures, or the race with other brokers")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    for line in alone(args.messages) if args.only != "race" else ():
        rows += as_rows(line)
        if not args.json:
            print(line, flush=True)
    if args.only != "alone":
        policy = subprocess.run([BENCH, "--policy"], stdout=subprocess.PIPE, text=True, check=True).stdout
        for r in race.rows(os.path.join(os.path.dirname(BENCH), "bus_race"), BIN, policy, args.rounds):
            rows.append(r)
            if not args.json:
                print(race.show(r), flush=True)
    if args.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
