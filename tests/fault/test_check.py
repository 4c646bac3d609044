"""The checker finds planted bugs: a good log, and the same log spoilt in each of the ways it must notice."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check import check  # noqa: E402  (the folder must be on the path first)

V = "video_01h455vb4pex5vsknk084sn02q"


def good():
    """One video with one run: put, taken, done, told, delivered to two followers, one of them twice."""
    done = {"video_id": V, "version": 1, "run": 1}
    return [
        {"kind": "client", "did": "create", "video": V, "status": 201},
        {"kind": "append", "name": "catalog.video_created", "seq": 1, "key": "k", "outcome": "ok", "body": {"video_id": V}},
        {"kind": "put", "name": "transcode.encode_run", "seq": 9, "job": "job_a", "outcome": "ok", "body": {}},
        {"kind": "job", "name": "transcode.encode_run", "seq": 9, "job": "job_a", "outcome": "ok"},
        {"kind": "client", "did": "upload", "video": V, "status": 204},
        {"kind": "ack", "name": "transcode.encode_run", "seq": 9, "job": "job_a", "outcome": "ok", "body": done},
        {"kind": "event", "name": "transcode.run_done", "to": "catalog", "seq": 4, "key": "k", "job": "job_a",
         "outcome": "ok", "body": done},
        {"kind": "append", "name": "catalog.video_ready", "seq": 2, "key": "k", "outcome": "ok", "body": {"video_id": V}},
        {"kind": "event", "name": "catalog.video_created", "to": "index", "seq": 1, "key": "k", "outcome": "ok",
         "body": {"video_id": V}},
        {"kind": "event", "name": "catalog.video_ready", "to": "index", "seq": 2, "key": "k", "outcome": "ok",
         "body": {"video_id": V}},
        {"kind": "event", "name": "catalog.video_created", "to": "index", "seq": 1, "key": "k", "outcome": "ok",
         "body": {"video_id": V}},
        {"kind": "client", "did": "saw", "video": V, "state": "ready"},
    ]


class Checker(unittest.TestCase):
    def found(self, log):
        return check([json.dumps(line) for line in log])

    def assert_finds(self, log, word):
        findings = self.found(log)
        self.assertTrue(any(word in f for f in findings), findings)

    def test_a_good_log_has_no_findings(self):
        self.assertEqual(self.found(good()), [])

    def test_a_lost_job_is_found(self):
        log = [m for m in good() if m["kind"] != "ack" and m.get("name") != "transcode.run_done"]
        self.assert_finds(log, "never ended")

    def test_an_acknowledgement_that_the_tap_missed_is_made_up_for_by_its_event(self):
        self.assertEqual(self.found([m for m in good() if m["kind"] != "ack"]), [])

    def test_a_job_that_ended_twice_is_found(self):
        log = good()
        log.insert(8, {**log[6], "seq": 5})
        self.assert_finds(log, "job_a ended at")

    def test_a_job_both_done_and_dead_is_found(self):
        self.assert_finds(good() + [{"kind": "dead", "name": "transcode.encode_run", "job": "job_a", "outcome": "ERR_X"}],
                          "both done and dead")

    def test_an_event_said_twice_is_found(self):
        log = good()
        log.append({**log[7], "seq": 3})
        self.assert_finds(log, "catalog.video_ready of")

    def test_events_of_a_key_out_of_order_are_found(self):
        log = good()
        log[8], log[9] = log[9], log[8]
        self.assert_finds(log[:10] + log[11:], "first after")

    def test_a_video_in_limbo_is_found(self):
        log = good()
        log[-1]["state"] = "processing"
        self.assert_finds(log, "limbo")

    def test_a_video_that_is_gone_is_found(self):
        self.assert_finds(good()[:-1], "was not found")


if __name__ == "__main__":
    unittest.main()
