"""Compiler and linker flags of each mode, and what a system library is called on the command line."""
import os
import subprocess

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wpointer-arith",
            "-Wwrite-strings", "-Wvla", "-Wformat=2", "-Wundef", "-Wno-missing-field-initializers",
            "-Wno-unused-parameter"]
HARDENING = ["-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection", "-D_FORTIFY_SOURCE=2"]
HARDENED_LINK = ["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack", "-pie"]
SANITIZE = {"asan": "address,undefined", "tsan": "thread", "fuzz": "address,undefined"}

# The pkg-config name of each system library; a name that is not listed is passed to the linker as it stands.
PACKAGES = {"zmq": "libzmq", "czmq": "libczmq", "sodium": "libsodium", "jansson": "jansson", "seccomp": "libseccomp",
            "avformat": "libavformat", "avcodec": "libavcodec", "avutil": "libavutil", "avfilter": "libavfilter",
            "hiredis": "hiredis", "nats": "libnats", "rabbitmq": "librabbitmq", "pq": "libpq",
            "swscale": "libswscale", "swresample": "libswresample", "curl": "libcurl", "utf8proc": "libutf8proc",
            "expat": "expat", "maxminddb": "libmaxminddb"}
PLAIN = {"msgpack": ["-lmsgpackc"], "lmdb": ["-llmdb"], "civetweb": ["-lcivetweb"], "stemmer": ["-lstemmer"],
         "cmocka": ["-lcmocka"], "m": ["-lm"], "rt": ["-lrt"], "pthread": ["-pthread"], "dl": ["-ldl"], "z": ["-lz"]}


def apply(env, mode, plant=False):
    if plant and mode != "fuzz":
        raise SystemExit(f"plant=1 puts memory errors into parsers: mode=fuzz alone takes it, not {mode}")
    env.Replace(CC="clang" if mode == "fuzz" else "gcc", CCCOMSTR="  cc $TARGET",
                LINKCOMSTR="  link $TARGET", ARCOMSTR="  ar $TARGET", RANLIBCOMSTR="  ranlib $TARGET")
    for name in ("PATH", "HOME", "TERM", "ASAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            env["ENV"][name] = os.environ[name]
    env.Append(CCFLAGS=["-std=gnu17", "-g", "-fno-omit-frame-pointer", "-ffunction-sections", "-fdata-sections", *WARNINGS],
               CPPPATH=["#", env["OUT"]], CPPDEFINES=["_GNU_SOURCE"], LINKFLAGS=["-Wl,--as-needed", "-Wl,--gc-sections"])
    if mode == "release":
        env.Append(CCFLAGS=["-O2", "-fPIE", *HARDENING], LINKFLAGS=HARDENED_LINK, CPPDEFINES=["KINOBUS_RELEASE"])
    elif mode == "debug":
        env.Append(CCFLAGS=["-Og", "-fPIE", "-fstack-protector-strong"], LINKFLAGS=HARDENED_LINK, CPPDEFINES=["KINOBUS_FAULTS"])
    elif mode == "cov":
        env.Append(CCFLAGS=["-O0", "--coverage"], LINKFLAGS=["--coverage"], CPPDEFINES=["KINOBUS_FAULTS"])
    elif mode in SANITIZE:
        kind = SANITIZE[mode]
        env.Append(CCFLAGS=["-O1", f"-fsanitize={kind}", "-fno-sanitize-recover=all"],
                   LINKFLAGS=[f"-fsanitize={kind}"], CPPDEFINES=["KINOBUS_FAULTS", f"KINOBUS_{mode.upper()}"])
        if mode == "fuzz":
            env.Append(CCFLAGS=["-fsanitize=fuzzer-no-link"], CPPDEFINES=["KINOBUS_PLANT"] if plant else [])
    else:
        raise SystemExit(f"mode={mode}: choose release, debug, asan, tsan, cov or fuzz")


def library(name):
    """(compile flags, link flags) of one system library."""
    if name in PLAIN:
        return [], PLAIN[name]
    package = PACKAGES.get(name)
    if not package:
        raise SystemExit(f"ops/scons/flags.py does not know the system library '{name}': add it there")
    ask = subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True, check=False)
    if ask.returncode:
        raise SystemExit(f"pkg-config does not find {package}: run ops/install, which installs what ops/packages lists")
    words = ask.stdout.split()
    return [w for w in words if not w.startswith(("-l", "-L"))], [w for w in words if w.startswith(("-l", "-L"))]
