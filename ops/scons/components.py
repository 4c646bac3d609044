"""Components, their ranks, and the check that uses and includes point down only.

A folder's SConscript calls env.Lib, env.Prog, env.Test or env.Fuzz and names in `uses` the components it stands on.
What a file includes from the tree must belong to its own folder or to a component it uses, directly or through one.
"""
import os
import re

import flags

RANKS = [  # the longest matching folder decides
    ("schemas", 0), ("data/store", 1), ("data/blobs", 1), ("data/migrate", 1), ("data/isobmff", 1), ("broker/client", 1),
    ("actors/runtime", 2), ("actors", 3), ("broker", 3), ("web", 3), ("ops/process", 2), ("ops", 3), ("tests/harness", 3), ("tests", 4),
]
DECLARES = re.compile(r'\.(?:Lib|Prog|Actor)\(\s*"([^"]+)"')
USES = re.compile(r"uses=\[([^\]]*)\]")
NAME = re.compile(r'"([^"]+)"')
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)


class Component:
    def __init__(self, name, folder, sources, uses, libs, node=None):
        self.name, self.folder, self.sources = name, folder, sources
        self.uses, self.libs, self.node = uses, libs, node


def rank(folder):
    best = max((f for f, _ in RANKS if folder == f or folder.startswith(f + "/")), key=len, default=None)
    if best is None:
        raise SystemExit(f"{folder}: not in the table of ranks (ops/scons/components.py)")
    return dict(RANKS)[best]


def folders(env):
    """Every folder with an SConscript, lower ranks first, and after the folders that declare what it uses."""
    top, found = env.Dir("#").abspath, []
    for name in sorted({folder.split("/")[0] for folder, _ in RANKS}):
        for path, below, files in os.walk(os.path.join(top, name)):
            below[:] = [d for d in below if d not in ("node_modules", "build", "__pycache__")]
            if "SConscript" in files:
                found.append(os.path.relpath(path, top))
    found.sort(key=lambda f: (rank(f), f))
    texts = {f: open(os.path.join(top, f, "SConscript"), encoding="utf-8").read() for f in found}
    owner = {name: f for f in found for name in DECLARES.findall(texts[f])}
    order = []

    def visit(folder, above):
        if folder in order or folder in above:
            return
        for used in USES.findall(texts[folder]):
            for name in NAME.findall(used):
                if name in owner:
                    visit(owner[name], above + [folder])
        order.append(folder)

    for folder in found:
        visit(folder, [])
    return order


def closure(env, names):
    """Every component reached from `names`, each once, users before what they use."""
    table, seen, order = env["COMPONENTS"], set(), []

    def visit(name, by):
        if name in seen:
            return
        if name not in table:
            raise SystemExit(f"{by} uses '{name}', which no SConscript read so far declares")
        seen.add(name)
        for below in table[name].uses:
            visit(below, name)
        order.append(name)

    for name in names:
        visit(name, "a program")
    return [table[n] for n in reversed(order)]


def source_folder(env):
    return os.path.relpath(env.Dir(".").srcnode().abspath, env.Dir("#").abspath)


def check(env, me):
    here, used = rank(me.folder), closure(env, me.uses)
    for other in used:
        above = rank(other.folder) > here
        program = here == rank(other.folder) == 3 and other.folder.split("/")[:2] != me.folder.split("/")[:2]
        if above or program:
            raise SystemExit(f"{me.folder}/SConscript: {me.name} (rank {here}) must not use {other.name} "
                             f"(rank {rank(other.folder)}, {other.folder}): uses point down only")
    open_folders = {me.folder, *(c.folder for c in used)}
    top = env.Dir("#").abspath
    for file in sorted({*me.sources, *headers(env, me)}):
        path = file if os.path.isabs(file) else os.path.join(top, me.folder, file)
        if not os.path.exists(path):
            continue
        with open(path, "rb") as f:
            names = INCLUDE.findall(f.read())
        for name in (n.decode() for n in names):
            folder = os.path.dirname(name)
            if folder == "gen" or not folder or folder in open_folders:
                continue
            if any(folder.startswith(f + "/") for f in open_folders):
                continue
            raise SystemExit(f"{os.path.relpath(path, top)} includes {name}, and {me.name} does not use what lies there: "
                             f"add the component to its SConscript, or turn the dependency round")


def headers(env, me):
    """The headers beside the component's own sources: name.h beside name.c. A folder may hold several components."""
    path = os.path.join(env.Dir("#").abspath, me.folder)
    stems = {os.path.splitext(s)[0] for s in me.sources}
    return [f for f in os.listdir(path) if f.endswith(".h") and f[:-2] in stems] if os.path.isdir(path) else []


def objects(env, me, sources):
    table = env["COMPONENTS"]
    cflags = []
    for lib in {*me.libs, *(l for c in closure(env, me.uses) for l in c.libs)}:
        cflags += flags.library(lib)[0]
    private = env.Clone()
    private.AppendUnique(CCFLAGS=sorted(set(cflags)))
    made = [private.Object(s) for s in sources]
    if any(c.name == "schemas" for c in closure(env, me.uses)) and env.get("GENERATED"):
        env.Requires(made, env["GENERATED"])
    return made


def names(sources):
    return [s if isinstance(s, str) else s.srcnode().abspath for s in sources]


def lib(env, name, sources, uses=(), libs=(), folder=None):
    """A static library that other components may use by name."""
    me = Component(name, folder or source_folder(env), names(sources), list(uses), list(libs))
    check(env, me)
    me.node = env.StaticLibrary(env["OUT"].File(f"lib/lib{name}.a"), objects(env, me, sources)) if sources else []
    env["COMPONENTS"][name] = me
    env.Alias(me.folder, me.node)
    return me.node


def link(env, me, sources, target, extra=()):
    private = env.Clone()
    used = closure(env, me.uses)
    libs = list(me.libs) + [l for c in used for l in c.libs]
    archives = [c.node for c in used if c.node]
    ldflags = []
    for l in dict.fromkeys(libs):
        ldflags += flags.library(l)[1]
    private.Append(LINKFLAGS=list(extra))
    # Archives come in the order users before used, so that one pass of the linker resolves them; the group covers
    # callbacks between generated tables and the runtime.
    private["LINKCOM"] = ("$LINK -o $TARGET $LINKFLAGS $SOURCES -Wl,--start-group $KARCHIVES -Wl,--end-group $KLIBS")
    private["KARCHIVES"] = [a for node in archives for a in node]
    private["KLIBS"] = ldflags
    program = private.Program(target, objects(env, me, sources))
    env.Depends(program, archives)
    return program


def prog(env, name, sources, uses=(), libs=()):
    """A program of the product, into OUT/bin."""
    me = Component(name, source_folder(env), names(sources), list(uses), list(libs))
    check(env, me)
    node = link(env, me, sources, env["OUT"].File(f"bin/{name}"))
    env.Alias(me.folder, node)
    env.Default(node)
    return node


def actor(env, name, sources, uses=(), libs=()):
    """An actor: a library of its handlers, for its tests, and the program kinobus-NAME with the folder's main.c."""
    lib(env, name, sources, uses=uses, libs=libs)
    return prog(env, f"kinobus-{name}", ["main.c"], uses=[name, *uses])


def test(env, name, sources, uses=(), libs=(), depends=()):
    """A cmocka test program, into OUT/tests/NAME; ops/test runs every one of them."""
    me = Component("test " + name, source_folder(env), names(sources), list(uses), ["cmocka", *libs])
    check(env, me)
    node = link(env, me, sources, env["OUT"].File(f"tests/{name}"))
    if depends:
        env.Depends(node, list(depends))
    env.Alias("tests", node)
    env.Alias(me.folder, node)
    return node


def fuzz(env, name, sources, uses=(), libs=()):
    """A libFuzzer program (mode=fuzz only), into OUT/fuzz/NAME."""
    if env["MODE"] != "fuzz":
        return []
    me = Component("fuzzer " + name, source_folder(env), names(sources), list(uses), list(libs))
    check(env, me)
    node = link(env, me, sources, env["OUT"].File(f"fuzz/{name}"), extra=["-fsanitize=fuzzer"])
    env.Alias("fuzz", node)
    return node


def install(env):
    env["COMPONENTS"] = {}
    for name, method in (("Lib", lib), ("Prog", prog), ("Actor", actor), ("Test", test), ("Fuzz", fuzz)):
        env.AddMethod(method, name)
    env.Tool("compilation_db")


def finish(env):
    """compile_commands.json beside the build, for clang-tidy and editors."""
    db = env.CompilationDatabase(env["OUT"].File("compile_commands.json"))
    env.Alias("compile_commands", db)
    if env["MODE"] == "fuzz":   # the programs are for gcc
        env.Default(None)
        env.Default("fuzz")
    env.Default(db)
