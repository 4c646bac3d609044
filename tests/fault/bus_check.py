"""Checks the logs of a load on the bus alone (bus_load.c) for anything lost, done twice, or out of order.

    bus_check.py LOG...      prints what it finds, a line each; exit code 1 when there is anything

It knows only the lines that README.md describes: anybody may feed it logs of his own. The order of lines counts within one
process and never between processes.
"""
import collections
import sys

from check import messages, report

ENDS = ("load.done", "load.dead")


class Log:
    """What the lines say, sorted by whom they are about."""

    def __init__(self):
        self.decided, self.acknowledged = {}, {}                    # (who, seq): token; token: name
        self.effects = collections.defaultdict(list)                # token: effects written down
        self.before = {}                                            # token: name
        self.confirmed = collections.defaultdict(list)              # token: effects whose end was confirmed
        self.seen = collections.defaultdict(list)                   # follower: events as delivered
        self.places = collections.defaultdict(set)                  # (store, seq): what lies there, by everybody's word
        self.lost, self.strange = [], []
        self.by_token = collections.defaultdict(list)               # token: (place, name, effect) wherever it lies

    def read(self, lines):
        for m in messages(lines):
            if m.get("kind") == "load":
                act = getattr(self, "did_" + m["did"], None)
                if act:
                    act(m)

    def did_decided(self, m):
        self.decided[m["who"], m["seq"]] = m["token"]
        self.before[m["token"]] = m["name"]

    did_put = did_decided       # a kill between the commit and its line leaves a row that is only put

    def did_ok(self, m):
        token = self.decided.get((m["who"], m["seq"]))
        if token is None:
            self.strange.append(f"made up: {m['who']} was told ok of {m['seq']}, which it never put")
        else:
            self.acknowledged[token] = self.before[token]

    def did_effect(self, m):
        self.effects[m["token"]].append(m["effect"])

    def did_settled(self, m):
        if not m["err"] and m["effect"]:
            self.confirmed[m["token"]].append(m["effect"])

    def did_event(self, m):
        self.seen[m["who"]].append(m)
        self.places[m["store"], m["seq"]].add((m["name"], m["token"], m["effect"]))

    def did_lost(self, m):
        self.lost.append(m)

    def close(self):
        for place, whats in self.places.items():
            for name, token, effect in whats:
                self.by_token[token].append((place, name, effect))


def puts_end(log):
    """What was acknowledged is there: an event in the stream, a job done or dead."""
    for token, name in log.acknowledged.items():
        if not log.by_token.get(token):
            what = "never ended" if name == "load.job" else "is in no follower's log"
            yield f"lost: {name} {token} was acknowledged and {what}"


def ends_once(log):
    """A job has one end at one place of the stream, and an event lies at one place."""
    for token, places in log.by_token.items():
        if len(places) > 1:
            yield f"twice: {token} lies at {sorted((place[1], name) for place, name, _ in places)}"


def effects_once(log):
    """The effect that counts was written down before its end, and nobody else's end of that job was confirmed."""
    for token, places in log.by_token.items():
        for _, name, effect in places:
            others = [e for e in log.confirmed[token] if e != effect]
            if name == "load.done" and effect not in log.effects[token]:
                yield f"made up: the end of {token} names the effect {effect or 'none'}, which no worker wrote down"
            if name in ENDS and others:
                yield f"twice: {token} ended with {effect or name}, and the end with {others[0]} was confirmed as well"
    for token, effects in log.confirmed.items():
        if not log.by_token.get(token):
            yield f"lost: the end of {token} with {effects[0]} was confirmed and is in no follower's log"


def dead_have_reasons(log):
    for follower, events in log.seen.items():
        for m in events:
            if m["name"] == "load.dead" and not m["why"]:
                yield f"no reason: {m['token']} is dead at {m['seq']} and {follower} was told no reason"


def numbers_once(log):
    """A number of the stream means one event, whoever sees it and whenever."""
    for (_, seq), whats in log.places.items():
        if len(whats) > 1:
            yield f"number: {seq} was used twice: {sorted(whats)}"


def nothing_missing(log):
    """Between the first and the last event that a follower got it got all that anybody got, and the first time in order."""
    every = sorted({place[1] for place in log.places})
    for follower, events in log.seen.items():
        mine = {m["seq"] for m in events}
        first, last = min(mine), max(mine)
        for seq in every:
            if first <= seq <= last and seq not in mine:
                yield f"missing: {follower} did not get event {seq} between its first and its last"
        highest, before = 0, set()
        for m in events:
            if m["seq"] < highest and m["seq"] not in before:
                yield f"order: {follower} got {m['seq']} first after {highest}"
            highest = max(highest, m["seq"])
            before.add(m["seq"])
    for m in log.lost:
        yield f"lost: {m['who']} was told that events up to {m['seq']} are gone"


def lanes_in_order(log):
    """Events of one producer lie in the stream in the order in which it decided them; so do those of each key."""
    place = {token: seq for (_, seq), whats in log.places.items() for name, token, _ in whats if name == "load.said"}
    by_producer = collections.defaultdict(list)
    for (who, number), token in log.decided.items():
        if token in place:
            by_producer[who].append((number, place[token], token))
    for who, rows in by_producer.items():
        rows.sort()
        for (_, before, first), (_, after, second) in zip(rows, rows[1:]):
            if after < before:
                yield f"order: {who} decided {first} before {second}, and they lie at {before} and {after}"


RULES = (puts_end, ends_once, effects_once, dead_have_reasons, numbers_once, nothing_missing, lanes_in_order)


def check(lines):
    log = Log()
    log.read(lines)
    log.close()
    return log.strange + [finding for rule in RULES for finding in rule(log)]


if __name__ == "__main__":
    sys.exit(report(check, sys.argv[1:]))
