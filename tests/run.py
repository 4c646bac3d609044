"""Builds and runs every kind of test and adds up what they say.

A kind is a row of KINDS: what to build, and a function that runs it and yields one Result per program, module or
check. Each keeps its output under build/test-logs; of a failing one what failed and the end are shown.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, "build", "test-logs")
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1",
             "TSAN_OPTIONS": f"halt_on_error=1 suppressions={os.path.join(TOP, 'tests/tsan.supp')}"}


# How the test programs of C, Python and Node say that something failed.
FAILURE = re.compile(r"^\s*(?:\[  (?:FAILED|ERROR)|(?:FAIL|ERROR): |not ok )")


class Result:
    def __init__(self, name, passed, failed, log, seconds):
        self.name, self.passed, self.failed, self.log, self.seconds = name, passed, failed, log, seconds


def command(name, argv, timeout, count, env=None):
    """Runs one command in a process group of its own, keeps its output, and counts its tests with `count`."""
    started = time.monotonic()
    os.makedirs(LOGS, exist_ok=True)
    log = os.path.join(LOGS, re.sub(r"[^A-Za-z0-9_.-]+", "_", name) + ".log")
    with open(log, "wb") as out:
        child = subprocess.Popen(argv, cwd=TOP, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 env={**os.environ, **SANITIZER, **(env or {})}, start_new_session=True)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            out.write(f"\nstopped: no end after {timeout} s\n".encode())
            code = -signal.SIGKILL
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    passed, failed = count(text)
    if code and not failed:
        failed = 1
    if not code and not passed and not failed:
        failed = 1
        with open(log, "a", encoding="utf-8") as f:
            f.write("\nnothing was tested: the command ended well without a single test\n")
    return Result(name, passed, failed, log, time.monotonic() - started)


def two_at_a_time(commands):
    """Results of commands in their order. None of them may need the machine to itself: what is timed is a benchmark."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda argv: command(*argv), commands)


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
    return command(f"build {mode}", ["scons", "-j2", *how, *[t.replace("OUT", out) for t in targets]], 1800, count_check)


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


def run_lint(args):
    for name in ("format", "cppcheck", "words", "tidy"):
        yield command(f"lint {name}", ["python3", f"tests/lint/{name}.py"], 1500, count_check, {"KINOBUS_LONG": "1" if args.long else ""})


def run_python(args):
    for folder in ("tests/schema", "tests/fault"):
        for module in python_modules(folder):
            yield command(module, ["python3", "-m", "unittest", "-v", module], 300, count_unittest)


def run_c(mode):
    def run(args):
        out = "build" if mode == "release" else f"build/{mode}"
        yield from two_at_a_time((program, [program], 300, count_cmocka, {"CMOCKA_MESSAGE_OUTPUT": "STDOUT"}) for program in programs(f"{out}/tests"))
    return run


def run_system(args):
    yield from two_at_a_time((story, ["python3", story], 3600 if args.long else 900, count_unittest,
                              {"KINOBUS_LONG": "1" if args.long else ""})
                             for story in python_modules("tests/system", ("b", "c", "f", "r", "test_")))


def run_web(args):
    if os.path.exists(os.path.join(TOP, "tests/web/run")):
        yield command("tests/web", ["tests/web/run"], 900, count_node)


def run_node(args):
    yield command("tests/node", ["tests/node/run"], 300, count_node)


def run_fault(mode):
    def run(args):
        out = "build" if mode == "release" else f"build/{mode}"
        how = ["--faults", "60"] if mode != "release" else ["--long"] if args.long else []
        yield command(f"tests/fault/bus_run.py {mode}", ["python3", "tests/fault/bus_run.py", *how], 1500, count_check,
                      {"KINOBUS_BIN": os.path.join(TOP, out, "bin")})
    return run


def run_fuzz(args):
    seconds = 180 if args.long else 15
    yield from two_at_a_time((program, ["python3", "tests/fuzz/run.py", program, str(seconds)], seconds + 120, count_check)
                             for program in programs("build/fuzz/fuzz"))
    yield from two_at_a_time((program, ["python3", "tests/fuzz/run.py", "--planted", program], 420, count_check)
                             for program in programs("build/plant/fuzz"))


KINDS = {  # name: (build steps, runner, only with --long)
    "python": ([], run_python, False),
    "lint": ([("release", "OUT/compile_commands.json", "OUT/gen")], run_lint, False),
    "unit": ([("debug", "tests")], run_c("debug"), False),
    "asan": ([("asan", "tests", "OUT/bin")], run_c("asan"), False),
    "system": ([("release",)], run_system, False),
    "web": ([("release",)], run_web, False),
    "node": ([("release",), ("release", "OUT/tests/unit/blobs_s3")], run_node, False),
    "fault": ([("release",)], run_fault("release"), False),
    "fault-asan": ([("asan", "OUT/bin", "OUT/peers")], run_fault("asan"), True),
    "fault-tsan": ([("tsan", "OUT/bin", "OUT/peers")], run_fault("tsan"), True),
    "fuzz": ([("fuzz", "fuzz"), ("plant", "fuzz")], run_fuzz, False),
    "tsan": ([("tsan", "tests")], run_c("tsan"), True),
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
    built = set()
    for kind, (steps, runner, long_only) in KINDS.items():
        if (args.only and kind not in args.only) or (long_only and not (args.long or args.only)):
            continue
        ok = True
        for step in steps:
            if step in built:
                continue
            result = build(*step)
            built.add(step)
            show(result)
            failed += result.failed
            ok = ok and not result.failed
        for result in runner(args) if ok else ():
            show(result)
            passed, failed = passed + result.passed, failed + result.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
