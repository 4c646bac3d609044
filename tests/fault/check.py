"""Checks a log of the bus, and of what clients were told, for anything lost or done twice.

    check.py LOG...      prints what it finds, a line each; exit code 1 when there is anything

It knows nothing of the platform but this format, so that anybody can feed it a log of his own. A line is a JSON object.
Lines of `kinobus tail --json` are taken as they are; of them it reads kind, name, job, key, seq, outcome and body. Lines
of a client's journal have "kind": "client" and what a client was told by the HTTP API:

    {"kind": "client", "did": "create", "video": "video_...", "status": 201}
    {"kind": "client", "did": "upload", "video": "video_...", "status": 204}       the last PATCH was acknowledged
    {"kind": "client", "did": "saw",    "video": "video_...", "state": "ready"}    how it was found at the end

A tap sees a message only while it has a broker: a message may be missing from the log, never made up. So the log ends
with what the streams hold (`kinobus tail --since 1d --wait 0 --json`): how each job ended lies there, whoever was killed
while it was told.
"""
import collections
import json
import sys

FINAL = {"ready", "failed"}
ONCE = ("catalog.video_created", "catalog.video_playable", "catalog.video_ready", "catalog.video_published")


def messages(lines):
    """The JSON objects of a log, line by line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            raise SystemExit(f"line {number} is not JSON: {error}") from None


class Log:
    """What the lines say, sorted by whom they are about."""

    def __init__(self):
        self.jobs, self.ended = {}, collections.defaultdict(set)    # job: queue; job: ways in which it ended
        self.done_at = collections.defaultdict(set)                 # job: places of its end in the stream
        self.said = collections.defaultdict(set)                    # (event, video): places in the stream
        self.runs = collections.defaultdict(set)                    # (video, version, run): jobs that did it
        self.acknowledged, self.found = {}, {}                      # video: what was promised; how it was found
        self.order = collections.defaultdict(list)                  # (event stream, key, follower): places as delivered

    def read(self, lines):
        for message in messages(lines):
            kind = message.get("kind")
            if kind == "client":
                self.client(message)
            elif message.get("outcome", "ok") == "ok" and kind in ("put", "ack", "dead", "append", "event"):
                getattr(self, kind)(message)
            elif kind == "dead":
                self.dead(message)

    def client(self, m):
        if m["did"] == "saw":
            self.found[m["video"]] = m.get("state")
        elif m.get("status", 500) < 300:
            self.acknowledged.setdefault(m["video"], set()).add(m["did"])

    def put(self, m):
        if m.get("job"):
            self.jobs[m["job"]] = m["name"]

    def ack(self, m):
        if m.get("job"):
            self.ended[m["job"]].add("done")

    def dead(self, m):
        if m.get("job"):
            self.ended[m["job"]].add("dead")

    def append(self, m):
        self.event(m)

    def event(self, m):
        body, name = m.get("body") or {}, m["name"]
        if m.get("job"):                                            # the end of a job
            self.done_at[m["job"]].add((name, m["seq"]))
            self.ended[m["job"]].add("dead" if name.endswith("_dead") else "done")
            if "run" in body and name.endswith("_done"):
                self.runs[body.get("video_id"), body.get("version", 0), body["run"]].add(m["job"])
        if name in ONCE and body.get("video_id"):
            self.said[name, body["video_id"]].add(m["seq"])
        if m["kind"] == "event" and m.get("key"):
            self.order[name.split(".")[0], m["key"], m.get("to")].append(m["seq"])


def jobs_end(log):
    """Every job that the broker acknowledged ends, done or dead."""
    for job, queue in log.jobs.items():
        if not log.ended[job]:
            yield f"lost: job {job} of {queue} was acknowledged and never ended"


def jobs_end_once(log):
    """A job ends in one way, at one place of its stream."""
    for job, places in log.done_at.items():
        if len(places) > 1:
            yield f"twice: job {job} ended at {sorted(places)}"
    for job, ways in log.ended.items():
        if len(ways) > 1:
            yield f"twice: job {job} is both done and dead"


def events_once(log):
    """What happens to a video once is said once."""
    for (name, video), places in log.said.items():
        if len(places) > 1:
            yield f"twice: {name} of {video} lies at {sorted(places)}"


def keys_in_order(log):
    """A follower gets the events of a key in rising order; one that was delivered again may step back to where it was."""
    for (stream, key, follower), places in log.order.items():
        highest, seen = 0, set()
        for place in places:
            if place < highest and place not in seen:
                yield f"order: {follower} got {stream} {place} of key {key} first after {highest}"
            highest = max(highest, place)
            seen.add(place)


def promises_kept(log):
    """A video that a client was told of is there, and one whose upload was acknowledged is ready or failed."""
    for video, did in log.acknowledged.items():
        state = log.found.get(video)
        if state is None:
            yield f"lost: {video} was acknowledged ({', '.join(sorted(did))}) and was not found at the end"
        elif "upload" in did and state not in FINAL:
            yield f"limbo: the upload of {video} was acknowledged, and it is still {state}"


RULES = (jobs_end, jobs_end_once, events_once, keys_in_order, promises_kept)


def check(lines):
    log = Log()
    log.read(lines)
    return [finding for rule in RULES for finding in rule(log)]


def report(rules, paths):
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            lines += f.readlines()
    findings = rules(lines)
    print("\n".join(findings) or f"{len(lines)} lines: nothing lost, nothing twice")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(report(check, sys.argv[1:]))
