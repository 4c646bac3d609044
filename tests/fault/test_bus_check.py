"""The checker of the bus finds planted bugs: a good log, and the same log spoilt in each of the ways it must notice."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bus_check import check  # noqa: E402  (the folder must be on the path first)


def line(who, did, **fields):
    return {"kind": "load", "who": who, "did": did, **fields}


def event(who, seq, name, token, effect="", why=""):
    return line(who, "event", store="s", seq=seq, name=name, key="k1", token=token, effect=effect, why=why)


STREAM = [(1, "load.said", "p-1-1"), (2, "load.done", "p-1-2", "c-1"), (3, "load.said", "p-1-3"),
          (4, "load.dead", "p-1-4", "", "no use")]


def good():
    """Two events and two jobs: one is done on its second delivery, one is dead. Two followers, one of them twice at 3."""
    names = {1: "load.said", 2: "load.job", 3: "load.said", 4: "load.job"}
    log = [line("p", "decided", seq=n, name=name, token=f"p-1-{n}") for n, name in names.items()]
    log += [line("p", "ok", seq=n, duplicate=False) for n in names]
    log += [line("c", "deliver", token="p-1-2", attempt=1, redelivered=False),
            line("c", "effect", token="p-1-2", effect="c-0"),
            line("c", "settled", token="p-1-2", effect="c-0", err="ERR_LEASE_LOST"),
            line("d", "deliver", token="p-1-2", attempt=2, redelivered=True),
            line("d", "effect", token="p-1-2", effect="c-1"),
            line("d", "settled", token="p-1-2", effect="c-1", err=""),
            line("c", "deliver", token="p-1-4", attempt=1, redelivered=False),
            line("c", "settled", token="p-1-4", effect="", err="")]
    log += [event("f", *row) for row in STREAM] + [event("g", *row) for row in [*STREAM[:3], *STREAM[2:]]]
    return log


class Checker(unittest.TestCase):
    def found(self, log):
        return check([json.dumps(m) for m in log])

    def assert_finds(self, log, word):
        findings = self.found(log)
        self.assertTrue(any(word in f for f in findings), findings)

    def without(self, **fields):
        return [m for m in good() if any(m.get(key) != value for key, value in fields.items())]

    def test_a_good_log_has_no_findings(self):
        self.assertEqual(self.found(good()), [])

    def test_an_acknowledged_job_without_an_end_is_found(self):
        self.assert_finds([m for m in good() if (m["did"], m.get("token")) not in {("event", "p-1-4")}], "never ended")

    def test_an_acknowledged_event_that_nobody_saw_is_found(self):
        self.assert_finds([m for m in good() if (m["did"], m.get("token")) != ("event", "p-1-1")], "in no follower's log")

    def test_a_put_that_was_not_acknowledged_may_be_missing(self):
        log = [m for m in good() if m.get("token") != "p-1-4" or m["did"] == "decided"]
        self.assertEqual(self.found([m for m in log if (m["did"], m.get("seq")) != ("ok", 4)]), [])

    def test_an_acknowledgement_of_what_was_never_put_is_found(self):
        self.assert_finds(good() + [line("p", "ok", seq=9, duplicate=False)], "never put")

    def test_a_row_whose_decision_was_not_written_down_is_known_from_its_put(self):
        log = [{**m, "did": "put"} if (m["did"], m["seq"] if "seq" in m else 0) == ("decided", 4) else m for m in good()]
        self.assertEqual(self.found(log), [])

    def test_a_job_done_twice_is_found(self):
        self.assert_finds(good() + [event("f", 5, "load.done", "p-1-2", "c-1")], "twice: p-1-2 lies at")

    def test_a_job_both_done_and_dead_is_found(self):
        self.assert_finds(good() + [event("f", 5, "load.done", "p-1-4", "c-1")], "twice: p-1-4 lies at")

    def test_an_event_appended_twice_is_found(self):
        self.assert_finds(good() + [event("f", 5, "load.said", "p-1-1")], "twice: p-1-1 lies at")

    def test_an_end_with_an_effect_that_nobody_wrote_down_is_found(self):
        self.assert_finds(self.without(did="effect", effect="c-1"), "made up")

    def test_two_confirmed_ends_of_a_job_are_found(self):
        log = [{**m, "err": ""} if m["did"] == "settled" else m for m in good()]
        self.assert_finds(log, "was confirmed as well")

    def test_one_worker_may_hold_two_leases_of_a_job_of_which_the_first_counts(self):
        log = [{**m, "who": "d"} if m["who"] == "c" else m for m in good()]
        late = next(m for m in log if m["did"] == "settled" and m["err"])
        log.remove(late)
        self.assertEqual(self.found([*log, late]), [])

    def test_a_confirmed_end_that_is_not_in_the_stream_is_found(self):
        log = [m for m in good() if (m["did"], m.get("token")) != ("event", "p-1-2")]
        self.assert_finds([m for m in log if (m["did"], m.get("seq")) != ("ok", 2)], "the end of p-1-2")

    def test_a_death_without_a_reason_is_found(self):
        self.assert_finds([{**m, "why": ""} if m.get("why") else m for m in good()], "no reason")

    def test_a_number_used_twice_is_found(self):
        log = good()
        log[-1] = event("g", 4, "load.said", "p-1-9")
        self.assert_finds(log, "number: 4 was used twice")

    def test_a_hole_in_what_one_follower_got_is_found(self):
        self.assert_finds([m for m in good() if (m["who"], m.get("seq")) != ("g", 2)], "g did not get event 2")

    def test_a_follower_that_steps_back_to_what_it_never_got_is_found(self):
        log = good()
        log[-4], log[-3] = log[-3], log[-4]
        self.assert_finds(log, "first after")

    def test_events_of_a_producer_out_of_order_are_found(self):
        swap = {1: 3, 3: 1}
        log = [{**m, "seq": swap.get(m["seq"], m["seq"])} if m["did"] == "event" else m for m in good()]
        log = [m for m in log if m["did"] != "event"] + sorted((m for m in log if m["did"] == "event"), key=lambda m: m["seq"])
        self.assert_finds(log, "decided p-1-1 before p-1-3")

    def test_a_follower_that_was_told_lost_is_found(self):
        self.assert_finds(good() + [line("g", "lost", seq=3)], "are gone")


if __name__ == "__main__":
    unittest.main()
