"""Builds and runs every kind of test and adds up what they say.

A kind is a row of KINDS: what to build, and a function that names its commands: a program, module or check each. The
kinds of a stage are built one after the other, then run at the same time. Each command keeps its output under
build/test-logs; of a failing one what failed and the end are shown.
"""
import argparse
import concurrent.futures
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from typing import Callable, NamedTuple

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, "build", "test-logs")
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1",
             "TSAN_OPTIONS": f"halt_on_error=1 suppressions={os.path.join(TOP, 'tests/tsan.supp')}"}

# Seconds after which a command hangs: of the short tier none takes a tenth of it, of the long one whole films take more. What waits inside
# of one gives up long before (tests/harness/patience.py), and says what it waited for.
HANGS = 3600

# How the test programs of C, Python and Node say that something failed.
FAILURE = re.compile(r"^\s*(?:\[  (?:FAILED|ERROR)|(?:FAIL|ERROR): |not ok )")


class Result(NamedTuple):
    name: str
    passed: int
    failed: int
    log: str
    seconds: float


class Command(NamedTuple):
    name: str
    argv: list
    count: Callable     # what it printed -> how many passed, how many failed
    env: dict = {}
    hangs: float = HANGS


def run(command):
    """Runs one command in a process group of its own, keeps its output, and counts its tests."""
    started = time.monotonic()
    os.makedirs(LOGS, exist_ok=True)
    log = os.path.join(LOGS, re.sub(r"[^A-Za-z0-9_.-]+", "_", command.name) + ".log")
    with open(log, "wb") as out:
        child = subprocess.Popen(command.argv, cwd=TOP, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 env={**os.environ, **SANITIZER, **command.env}, start_new_session=True)
        try:
            code = child.wait(command.hangs)
        except subprocess.TimeoutExpired:
            out.write(f"\nstopped: no end after {command.hangs} s\n".encode())
            code = -signal.SIGKILL
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    passed, failed = command.count(text)
    if code and not failed:
        failed = 1
    if not code and not passed and not failed:
        failed = 1
        with open(log, "a", encoding="utf-8") as f:
            f.write("\nnothing was tested: the command ended well without a single test\n")
    return Result(command.name, passed, failed, log, time.monotonic() - started)


def run_all(commands):
    """Results of commands as they end. None of them may need the machine to itself: what is timed is a benchmark.
    Many wait more than they work, so there is one more at a time than there are cores."""
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, command) for command in commands]):
            yield done.result()


def count_cmocka(text):
    return len(re.findall(r"^\[       OK \]", text, re.M)), len(re.findall(r"^\[  (?:FAILED|ERROR)[^\]]*\] \S+$", text, re.M))


def count_unittest(text):
    ran = re.search(r"^Ran (\d+) tests?", text, re.M)
    if not ran:
        return 0, 1
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors|unexpected successes|skipped)=(\d+)", text.rsplit("\nRan ", 1)[-1]))
    return int(ran[1]) - bad, bad     # a skipped test is a missing tool, and that is a failure


def count_node(text):
    number = lambda word: sum(int(n) for n in re.findall(rf"^(?:#|ℹ) {word} (\d+)", text, re.M))
    return number("pass"), number("fail") + number("skipped") + number("cancelled")


def count_check(text):
    return 1, 0


def build(mode, *targets):
    out = "build" if mode == "release" else f"build/{mode}"
    how = ["mode=fuzz", "plant=1"] if mode == "plant" else [f"mode={mode}"]
    return run(Command(f"build {mode}", ["scons", "-j2", *how, *[t.replace("OUT", out) for t in targets]], count_check))


def programs(folder):
    for path, _, files in sorted(os.walk(os.path.join(TOP, folder))):
        for name in sorted(files):
            full = os.path.join(path, name)
            if os.access(full, os.X_OK):
                yield os.path.relpath(full, TOP)


def python_modules(folder, prefixes=("test_",)):
    path = os.path.join(TOP, folder)
    return [os.path.join(folder, f) for f in sorted(os.listdir(path)) if f.startswith(prefixes) and f.endswith(".py")] \
        if os.path.isdir(path) else []


def lint(args):
    for name in ("format", "cppcheck", "words", "tidy"):
        yield Command(f"lint {name}", ["python3", f"tests/lint/{name}.py"], count_check, {"KINOBUS_LONG": "1" if args.long else ""})


def python(args):
    for folder in ("tests/schema", "tests/fault"):
        for module in python_modules(folder):
            yield Command(module, ["python3", "-m", "unittest", "-v", module], count_unittest)


def cmocka(mode):
    def commands(args):
        for program in programs(f"build/{mode}/tests"):
            yield Command(program, [program], count_cmocka, {"CMOCKA_MESSAGE_OUTPUT": "STDOUT"})
    return commands


def system(args):
    for story in python_modules("tests/system", ("b", "c", "f", "r", "test_")):
        yield Command(story, ["python3", story], count_unittest, {"KINOBUS_LONG": "1" if args.long else ""}, HANGS * (4 if args.long else 1))


def web(args):
    yield Command("tests/web", ["tests/web/run"], count_node)


def node(args):
    yield Command("tests/node", ["tests/node/run"], count_node)


def fault(mode):
    def commands(args):
        out = "build" if mode == "release" else f"build/{mode}"
        how = ["--faults", "60"] if mode != "release" else ["--long"] if args.long else []
        yield Command(f"tests/fault/bus_run.py {mode}", ["python3", "tests/fault/bus_run.py", *how], count_check,
                      {"KINOBUS_BIN": os.path.join(TOP, out, "bin")})
    return commands


def fuzz(args):
    seconds = 180 if args.long else 8
    for program in programs("build/fuzz/fuzz"):
        yield Command(program, ["python3", "tests/fuzz/run.py", program, str(seconds)], count_check)
    for program in programs("build/plant/fuzz"):
        yield Command(program, ["python3", "tests/fuzz/run.py", "--planted", program], count_check)


KINDS = {  # name: (stage, build steps, commands, only with --long); what takes longest comes first in its stage
    "python": (1, [], python, False),
    "lint": (1, [("release", "OUT/compile_commands.json", "OUT/gen")], lint, False),
    "unit": (2, [("debug", "tests")], cmocka("debug"), True),     # the same under ASan is in both tiers
    "asan": (3, [("asan", "tests", "OUT/bin")], cmocka("asan"), False),
    "tsan": (3, [("tsan", "tests")], cmocka("tsan"), True),
    "web": (4, [("release",)], web, False),
    "system": (4, [("release",)], system, False),
    "node": (4, [("release",), ("release", "OUT/tests/unit/blobs_s3")], node, False),
    "fault": (4, [("release",)], fault("release"), False),
    "fault-asan": (4, [("asan", "OUT/bin", "OUT/peers")], fault("asan"), True),
    "fault-tsan": (4, [("tsan", "OUT/bin", "OUT/peers")], fault("tsan"), True),
    "fuzz": (4, [("fuzz",), ("plant",)], fuzz, False),
}


def excerpt(lines, around=20, end=20, most=200):
    """What a reader of a failure needs of its output: the lines about each failure, and the last ones."""
    wanted = set(range(max(0, len(lines) - end), len(lines)))
    for n in (n for n, line in enumerate(lines) if FAILURE.match(line)):
        if len(wanted) < most:
            wanted.update(range(max(0, n - around // 4), min(len(lines), n + around)))
    before = -1
    for n in sorted(wanted):
        if n != before + 1:
            yield "..."
        before = n
        yield lines[n]


def show(result):
    word = "ok  " if not result.failed else "FAIL"
    print(f"{word} {result.name}: {result.passed} passed, {result.failed} failed ({result.seconds:.0f} s)", flush=True)
    if result.failed:
        with open(result.log, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
        print("\n".join("    | " + line for line in excerpt(lines)))
        print(f"    whole output: {os.path.relpath(result.log, TOP)}", flush=True)


def wanted(args, kind):
    return kind in args.only if args.only else args.long or not KINDS[kind][-1]


def results(args):
    """Of all that is built and run, stage after stage. A kind of which a part does not build is not run."""
    built = {}
    for _, kinds in itertools.groupby((kind for kind in KINDS if wanted(args, kind)), lambda kind: KINDS[kind][0]):
        commands = []
        for kind in kinds:
            _, steps, of_kind, _ = KINDS[kind]
            for step in (step for step in steps if step not in built):
                result = build(*step)
                built[step] = not result.failed
                yield result._replace(passed=0)
            if all(built[step] for step in steps):
                commands += of_kind(args)
        yield from run_all(commands)


def main():
    parser = argparse.ArgumentParser(prog="ops/test", description="Runs the tests of Kinobus.")
    parser.add_argument("--long", action="store_true", help="everything, not the short tier alone")
    parser.add_argument("--only", action="append", choices=sorted(KINDS), help="one kind of test; may be given again")
    parser.add_argument("--list", action="store_true", help="the kinds of test")
    args = parser.parse_args()
    if args.list:
        print("\n".join(KINDS))
        return 0
    passed = failed = 0
    for result in results(args):
        show(result)
        passed, failed = passed + result.passed, failed + result.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
