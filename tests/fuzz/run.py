"""Runs one fuzzer and prints what it did.

    run.py build/fuzz/fuzz/NAME SECONDS         it must find nothing
    run.py --planted build/plant/fuzz/NAME      it must find the error that plant=1 put into its parser

Inputs it starts from lie in tests/fuzz/corpus/NAME where there are any; what it finds is kept in build/fuzz-corpus/NAME,
a crash in build/fuzz-crashes. A planted build starts from the first inputs alone, which must not reach the error. What a fuzzer keeps
on disk it removes when it ends by itself, and nothing of it stays when it does not.
"""
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLANTED_RUNS, PLANTED_SECONDS = 100_000_000, 600     # most need a thousandth of it; a seed does not settle how many
PLANTED = re.compile(r"ERROR: AddressSanitizer: heap-buffer-overflow.*?\bin plant_overrun\b", re.S)
FOUND = re.compile(r"^\s*#1 \S+ in (\w+) (?:\S*/)?(\w+\.c):", re.M)


def fuzz(program, *options):
    """The fuzzer's output, how it ended, its executions and edges."""
    name = os.path.basename(program)
    seeds = os.path.join(TOP, "tests", "fuzz", "corpus", name)
    argv = [os.path.join(TOP, program), "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", *options,
            *([seeds] if os.path.isdir(seeds) else [])]
    with tempfile.TemporaryDirectory(prefix="kinobus-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                             env={**os.environ, "TMPDIR": scratch})
        left = os.listdir(scratch) if run.returncode == 0 else []
    if left:
        sys.exit(f"{name}: left behind: {' '.join(left)}")
    executions = re.search(r"number_of_executed_units: (\d+)", run.stdout) or re.search(r"^#(\d+)\t(?!.*#\d+\t)", run.stdout, re.M | re.S)
    edges = re.findall(r"cov: (\d+)", run.stdout)
    return run.stdout, run.returncode, int(executions[1]) if executions else 0, int(edges[-1]) if edges else 0


def sound(program, seconds):
    name = os.path.basename(program)
    found, crashes = os.path.join(TOP, "build", "fuzz-corpus", name), os.path.join(TOP, "build", "fuzz-crashes", name + "-")
    os.makedirs(found, exist_ok=True)
    os.makedirs(os.path.dirname(crashes), exist_ok=True)
    output, code, executions, edges = fuzz(program, f"-max_total_time={seconds}", f"-artifact_prefix={crashes}", found)
    print(f"{name}: {executions} executions, {edges} edges, {seconds} s")
    if code:
        print(output[-6000:])
    return 1 if code or not executions else 0


def planted(program):
    name = os.path.basename(program)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = os.path.join(scratch, "corpus")
        os.mkdir(corpus)
        where = (f"-artifact_prefix={scratch}/", corpus)
        output, code, executions, _ = fuzz(program, "-runs=0", *where)
        if code:
            print(f"{name}: an input that it starts from reaches the planted error, which proves nothing\n{output[-3000:]}")
            return 1
        output, code, executions, edges = fuzz(program, f"-runs={PLANTED_RUNS}", f"-max_total_time={PLANTED_SECONDS}", "-seed=1", *where)
    if code and PLANTED.search(output):
        at = FOUND.search(output)
        print(f"{name}: {executions} executions, {edges} edges until the planted error in {at[2] if at else '?'} was found")
        return 0
    print(f"{name}: {executions} executions, {edges} edges, and the planted error was not found\n{output[-3000:]}")
    return 1


if __name__ == "__main__":
    sys.exit(planted(sys.argv[2]) if sys.argv[1] == "--planted" else sound(sys.argv[1], int(sys.argv[2])))
