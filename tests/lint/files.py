"""The files that the linters look at: what git knows, so that nothing generated or foreign is judged."""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked(*endings):
    names = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout.decode().split("\0")
    return [n for n in names if n.endswith(endings) and os.path.exists(os.path.join(TOP, n))]
