"""Every C file is as clang-format would write it; --fix rewrites them."""
import subprocess
import sys

from files import TOP, tracked

fix = "--fix" in sys.argv[1:]
argv = ["clang-format", "-i"] if fix else ["clang-format", "--dry-run", "--Werror"]
files = tracked(".c", ".h")
sys.exit(subprocess.run([*argv, *files], cwd=TOP, check=False).returncode if files else 0)
