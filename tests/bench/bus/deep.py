"""What the broker needs when very much waits: memory, rates and a restart with millions of jobs, and memory per idle peer.

    python3 tests/bench/bus/deep.py [--jobs N] [--peers N]

A figure line is `name key=value ...`. The rates with a full queue stand beside those of the same run when it was empty.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import BENCH, SECRET, bench, memory, start


def anon(pid):
    return int(memory(pid).split("anon_kib=")[1].split()[0])


def prepare(folder):
    with open(os.path.join(folder, "policy"), "wb") as f:
        f.write(subprocess.run([BENCH, "--policy"], stdout=subprocess.PIPE, check=True).stdout)
    os.mkdir(os.path.join(folder, "keys"), 0o700)
    with open(os.path.join(folder, "keys", "bench"), "w", encoding="utf-8") as f:
        f.write(SECRET)


def peers(folder, broker, n):
    before = anon(broker.pid)
    with subprocess.Popen([BENCH, f"ipc://{folder}/bus.sock", SECRET, str(n), "peers"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        after = anon(broker.pid)
        child.stdin.close()
    return f"idle_peers n={n} anon_kib={after} per_peer_bytes={(after - before) * 1024 // n}"


def run(folder, jobs, idle):
    prepare(folder)
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        broker, took = start(folder, log)
        try:
            yield peers(folder, broker, idle)
            broker.kill()
            broker.wait()
            broker, took = start(folder, log)
            yield from (f"empty {line}" for line in bench(folder, "20000", "jobs"))
            yield from bench(folder, str(jobs), "fill")
            yield f"waiting n={jobs} {memory(broker.pid)}"
            yield from (f"full {line}" for line in bench(folder, "20000", "jobs"))
            broker.kill()
            broker.wait()
            broker, took = start(folder, log)
            yield f"restart_after_kill jobs={jobs} ready_ms={took * 1000:.0f} {memory(broker.pid)}"
            yield from (f"full_after_restart {line}" for line in bench(folder, "20000", "jobs"))
        finally:
            broker.kill()
            broker.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=1000000)
    parser.add_argument("--peers", type=int, default=1000)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="kinobus-deep-", dir="/var/tmp")
    try:
        for line in run(folder, args.jobs, args.peers):
            print(line, flush=True)
    finally:
        shutil.rmtree(folder)


main()
