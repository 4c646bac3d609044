"""Runs one fuzzer for some seconds and prints what it did: run.py build/fuzz/fuzz/NAME SECONDS

Inputs it starts from lie in tests/fuzz/corpus/NAME where there are any; what it finds is kept in build/fuzz-corpus/NAME,
a crash in build/fuzz-crashes.
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main(program, seconds):
    name = os.path.basename(program)
    found, crashes = os.path.join(TOP, "build", "fuzz-corpus", name), os.path.join(TOP, "build", "fuzz-crashes", name + "-")
    seeds = os.path.join(TOP, "tests", "fuzz", "corpus", name)
    os.makedirs(found, exist_ok=True)
    os.makedirs(os.path.dirname(crashes), exist_ok=True)
    argv = [os.path.join(TOP, program), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
            f"-artifact_prefix={crashes}", found, *([seeds] if os.path.isdir(seeds) else [])]
    run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    executions = re.search(r"number_of_executed_units: (\d+)", run.stdout)
    edges = re.findall(r"cov: (\d+)", run.stdout)
    print(f"{name}: {executions[1] if executions else 0} executions, {edges[-1] if edges else 0} edges, {seconds} s")
    if run.returncode:
        print(run.stdout[-6000:])
    return 1 if run.returncode or not executions else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
