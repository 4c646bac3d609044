"""The files that the linters look at: what git knows, so that nothing generated or foreign is judged."""
import os
import subprocess
import sys

GENERATED = "tests/schema/golden/"      # what the compiler is expected to write: compared, not judged

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def wanted(names):
    """Those that the command line names, when it names any: what one has changed is looked at in seconds."""
    return [n for n in names if n in sys.argv[1:]] if sys.argv[1:] else names


def tracked(*endings):
    names = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout.decode().split("\0")
    return [n for n in names if n.endswith(endings) and not n.startswith(GENERATED) and os.path.exists(os.path.join(TOP, n))]
