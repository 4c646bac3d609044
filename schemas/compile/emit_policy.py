"""gen/policy: who may say what on the bus, and how queues and streams behave (the broker reads it), and gen/policy.h."""
from text import BANNER, long_quote

VERBS = {"call": "call", "put": "put", "take": "take", "follow": "follow", "live": "follow", "watch": "watch", "tap": "tap",
         "set": "set"}


def rules(model, s):
    """(verb, pattern, why) of one role, each once."""
    seen = {}
    if s.calls:
        seen[("offer", s.name)] = "serves its calls"
    for verb, names in s.uses.items():
        for name in names if verb in VERBS else []:
            seen.setdefault((VERBS[verb], name), f"uses.{verb}")
    if s.uses["routes"]:
        for call in model.routes:
            seen.setdefault(("call", call.full), "http routes")
        seen.setdefault(("watch", "metrics.*"), "shows the counters of all")
    for event in s.events.values():
        if event.origin == "own":
            seen.setdefault(("append", event.full), "announces")
    for value in s.values.values():
        seen.setdefault(("set", value.full), "sets")
    if s.people:
        for name in ("auth.keys", "auth.revoked"):
            seen.setdefault(("watch", name), "knows who somebody is")
    if s.settings or s.calls or s.uses["take"]:
        for owner in [s.name] + [name.partition(".")[0] for name in s.uses["setting"]]:
            seen.setdefault(("watch", f"settings.{owner}"), "its settings")
        seen.setdefault(("set", f"config.{s.name}"), "its settings, for people to see")
        seen.setdefault(("set", f"metrics.{s.name}"), "its counters")
    return seen


def queue_line(job):
    q = job.queue
    words = [f"lease_ms={int(q['lease_s'] * 1000)}", f"attempts={q['attempts']}",
             f"backoff_ms={int(q['backoff_s'][0] * 1000)},{int(q['backoff_s'][1] * 1000)}"]
    words += [f"done={job.done.full}"] if job.done else []
    words += [f"dead={job.dead.full}"] if job.dead else []
    words += [f"max={q['max']}"] if q["max"] else []
    return f"queue {job.full} {' '.join(words)}\n"


def is_actor(s):
    return s.name != "common" and bool(s.calls or s.jobs or s.events or s.values or s.settings or any(s.uses.values()))


def policy(model):
    out = ["kinobus-policy 1\n", "# Generated from schemas/*.toml: what no line allows is refused.\n"]
    for s in filter(is_actor, model.schemas.values()):
        out.append(f"\n# {s.name} ({s.file})\n")
        last = None
        for (verb, pattern), why in rules(model, s).items():
            if why != last:
                out.append(f"# {why}\n")
                last = why
            out.append(f"allow {s.name} {verb} {pattern}\n")
    out.append("\n# how they behave\n")
    for s in filter(is_actor, model.schemas.values()):
        if s.calls:
            out.append(f"service {s.name}{' single' if s.single else ''}\n")
        if s.events:
            out.append(f"stream {s.name}{''.join(f' {word}={n}' for word, n in s.stream.items())}\n")
        out += [f"call {call.full} reads\n" for call in s.calls.values() if not call.writes]
        out += [queue_line(job) for job in s.jobs.values()]
        out += [f"value {v.full} ttl_ms={int(v.ttl_s * 1000)}\n" for v in s.values.values()]
    return "".join(out)


def header():
    return BANNER.format(source="schemas") + """#pragma once

/* The file `policy` of this build, for the broker that is given no other. */
extern const char policy_text[];

/* Everybody who counts: the values metrics.NAME. */
extern const char *const policy_actors[];
extern const unsigned policy_actors_n;
"""


def source(model):
    names = [s.name for s in filter(is_actor, model.schemas.values()) if ("set", f"metrics.{s.name}") in rules(model, s)]
    return (BANNER.format(source="schemas") + '#include "gen/policy.h"\n\nconst char policy_text[] =\n' +
            long_quote(policy(model)) + ";\n\nconst char *const policy_actors[] = {\n" +
            "".join(f'    "{n}",\n' for n in names) + f"}};\nconst unsigned policy_actors_n = {len(names)};\n")
