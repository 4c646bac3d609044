"""cppcheck finds nothing in the product's C."""
import subprocess
import sys

from files import TOP, tracked

files = [f for f in tracked(".c") if not f.startswith("tests/")]
argv = ["cppcheck", "--std=c11", "--enable=warning,performance,portability", "--inline-suppr", "--quiet", "--error-exitcode=1",
        "--suppress=missingInclude", "--suppress=missingIncludeSystem", "--suppress=unknownMacro", "-j2",
        "--template={file}:{line}: {severity}: {message} [{id}]", "-I.", *files]
sys.exit(subprocess.run(argv, cwd=TOP, check=False).returncode if files else 0)
