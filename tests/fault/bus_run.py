"""Kills and stops the broker and its peers at moments drawn from a seed, under load, and has the logs checked.

    bus_run.py [--seed N] [--faults N] [--long] [--keep]

A moment is "after so many more lines of that kind", counted in what the processes themselves write down (README.md), so a
seed means the same plan of faults at the same turns of the work on any machine; how the processes interleave between two
faults is up to the kernel. Nothing is timed: the run goes on when a line says so. KINOBUS_BIN names another build.
"""
import argparse
import collections
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from bus_check import check

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "harness"))
from patience import PATIENCE  # noqa: E402  (the folder must be on the path first)

BIN = os.environ.get("KINOBUS_BIN", os.path.join(TOP, "build", "bin"))
POLICY = """kinobus-policy 1
allow load put load.job
allow load take load.job
allow load append load.said
allow load follow load.*
queue load.job lease_ms=3000 attempts=12 backoff_ms=5,50 done=load.done dead=load.dead
stream load
"""
PEERS = {"producer-1": "produce", "producer-2": "produce", "producer-3": "produce", "consumer-1": "consume",
         "consumer-2": "consume", "consumer-3": "consume", "reader": "follow", "group": "group"}
MOMENTS = ("decided", "put", "ok", "deliver", "effect", "settled", "event", "up")


class Run:
    def __init__(self, seed, faults):
        self.seed, self.faults, self.random = seed, faults, random.Random(seed)
        self.state = tempfile.mkdtemp(prefix="kinobus-fault-")
        self.children, self.lines, self.counted = {}, queue.Queue(), collections.Counter()
        self.acknowledged, self.tokens, self.seen = set(), {}, {"reader": set(), "group": set()}
        self.missing = set()        # acknowledged, and not yet seen by every follower
        self.ended, self.up = set(), set()
        os.mkdir(os.path.join(self.state, "keys"), 0o700)
        os.mkdir(os.path.join(self.state, "log"))
        for name, text in (("policy", POLICY), ("keys/load", "0123456789abcdef0123456789abcdef")):
            with open(os.path.join(self.state, name), "w", encoding="utf-8") as f:
                f.write(text)

    def start(self, name):
        if name == "broker":
            argv = [os.path.join(BIN, "kinobus-broker"), "--state", self.state, "--any-filesystem", "--acl",
                    os.path.join(self.state, "policy")]
        else:
            argv = [os.path.join(os.path.dirname(BIN), "peers", "bus_load"), PEERS[name], self.state, name]
        with open(os.path.join(self.state, "log", name + ".err"), "ab") as err:
            child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL, text=True)
        self.children[name] = child
        threading.Thread(target=self.listen, args=(name, child), daemon=True).start()

    def listen(self, name, child):
        for line in child.stdout:
            if line.endswith("\n"):
                self.lines.put(json.loads(line))
        self.lines.put({"did": "gone", "who": name, "code": child.wait(), "child": child})

    def next(self):
        """The next line of anybody, counted and kept for the end."""
        try:
            m = self.lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise SystemExit(f"stuck: nobody said anything for {PATIENCE} s; {len(self.missing)} acknowledged messages "
                             f"have no end\n{self.replay()}") from None
        self.counted[m["did"]] += 1
        who = m["who"]
        if m["did"] == "up":
            self.up.add(who)
        elif m["did"] in ("down", "gone"):
            self.up.discard(who)
        if m["did"] in ("decided", "put"):
            self.tokens[who, m["seq"]] = m["token"]
        elif m["did"] == "ok":
            token = self.tokens.get((who, m["seq"]))
            self.acknowledged.add(token)
            if not self.everywhere(token):
                self.missing.add(token)
        elif m["did"] == "event":
            self.seen[who].add(m["token"])
            if self.everywhere(m["token"]):
                self.missing.discard(m["token"])
        elif m["did"] == "gone" and self.children.get(who) is m["child"]:
            self.left(who, m["code"])
        return m

    def left(self, who, code):
        """A process ended and nobody killed it."""
        if code == 0 and who.startswith("producer") and self.ended:
            self.ended.discard(who)
        elif code == 75:
            self.start(who)         # it asks to be started again
        else:
            raise SystemExit(f"{who} ended by itself with {code}\n{self.replay()}")

    def replay(self):
        return f"replay: tests/fault/bus_run.py --seed {self.seed} --faults {self.faults}; logs: {self.state}/log"

    def wait(self, did, n):
        until = self.counted[did] + n
        while self.counted[did] < until:
            self.next()

    def kill(self, name):
        child = self.children.pop(name)
        child.kill()
        child.wait()
        self.start(name)

    def stop(self, name):
        """Stands still while the others go on: the broker until one of them says that it lost it, if any has it."""
        child, before = self.children[name], self.counted["down"]
        child.send_signal(signal.SIGSTOP)
        try:
            if name != "broker":
                self.wait("event", self.random.randint(1, 400))
            while name == "broker" and self.up and self.counted["down"] == before:
                self.next()
        finally:
            child.send_signal(signal.SIGCONT)

    def fault(self, number):
        moment, n = self.random.choice(MOMENTS), self.random.randint(1, 60)
        name = "broker" if self.random.random() < 0.4 else self.random.choice(sorted(PEERS))
        how = "stop" if self.random.random() < 0.25 and moment != "up" else "kill"
        if moment == "up":                      # twice, the second time while everything comes back
            self.kill(name)
            n = 1
        self.wait(moment, n)
        print(f"fault {number}: {how} {name} after {n} more {moment}", flush=True)
        getattr(self, how)(name)

    def everywhere(self, token):
        return all(token in seen for seen in self.seen.values())

    def go(self):
        self.start("broker")
        for name in PEERS:
            self.start(name)
        for number in range(1, self.faults + 1):
            self.fault(number)
        self.wait("ok", 200)
        self.ended = {name for name in PEERS if name.startswith("producer")}
        for name in self.ended:
            self.children[name].terminate()
        while self.ended or self.missing:
            self.next()
        for names in (sorted(PEERS), ["broker"]):       # in order, so that a sanitizer has its last word
            self.end([name for name in names if self.children[name].poll() is None])

    def end(self, names):
        for name in names:
            self.children[name].terminate()
        for name in names:
            if self.children[name].wait(PATIENCE):
                raise SystemExit(f"{name} ended with {self.children[name].returncode}\n{self.replay()}")

    def close(self, keep):
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
                child.wait()
        if not keep:
            shutil.rmtree(self.state, ignore_errors=True)

    def findings(self):
        lines = []
        for name in PEERS:
            path = os.path.join(self.state, "log", name + ".jsonl")
            with open(path, encoding="utf-8") as f:
                lines += f.readlines()
        return len(lines), check(lines)


def main():
    parser = argparse.ArgumentParser(description="Seeded faults on the bus under load.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--faults", type=int)
    parser.add_argument("--long", action="store_true", help="200 faults instead of 12")
    parser.add_argument("--keep", action="store_true", help="leave the state and the logs where they are")
    args = parser.parse_args()
    run, bad = Run(args.seed, args.faults or (200 if args.long else 12)), True
    print(run.replay(), flush=True)
    try:
        run.go()
        n, findings = run.findings()
        print("\n".join(findings))
        print(f"{n} lines of {len(run.acknowledged)} acknowledged messages, {run.faults} faults: {len(findings)} findings")
        bad = bool(findings)
    finally:
        run.close(args.keep or bad)
    if bad:
        print(run.replay())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
