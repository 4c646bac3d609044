"""What an operator sees and steers: settings, queues, reasons, the registry, and a supervisor that was killed."""
import json
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from stage import CLIP, Stage  # noqa: E402  (the folder must be on the path first)


class Operator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def asked(self, *words, code=0):
        done = self.stage.cli(*words, "--json", check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def setting(self, *words):
        return {(row["actor"], row["name"]): row for row in self.asked("config", *words)}

    def test_a_setting_changes_at_run_time_and_goes_back(self):
        self.assertEqual(self.setting("catalog", "slots")["catalog", "slots"]["source"], "built-in")
        self.asked("config", "catalog", "slots", "99")
        row = self.setting("catalog", "slots")["catalog", "slots"]
        self.assertEqual((row["value"], row["source"]), ("99", "bus"))
        self.asked("config", "catalog", "slots", "--unset")
        self.assertEqual(self.setting("catalog", "slots")["catalog", "slots"]["source"], "built-in")

    def test_a_value_that_is_not_valid_is_refused_and_what_was_there_stays(self):
        self.asked("config", "index", "slots", "98")
        self.assertIn("did not take it", self.asked("config", "index", "slots", "lots", code=1))
        self.assertEqual(self.setting("index", "slots")["index", "slots"]["value"], "98")
        self.asked("config", "index", "slots", "--unset")

    def test_a_setting_that_does_not_exist_is_a_wrong_word(self):
        self.assertIn("no setting", self.asked("config", "catalog", "colour", code=2))

    def test_every_actor_stands_in_the_registry_with_what_it_serves(self):
        peers = {row["role"]: row for row in self.asked("call", "$sys.peers")}
        self.assertLessEqual({"auth", "catalog", "front", "index", "playback", "transcode"}, set(peers))
        self.assertEqual(peers["catalog"]["offers"], 1)
        self.assertEqual(peers["transcode"]["takes"], 2)
        self.assertEqual(peers["catalog"]["pid"], self.stage.pids()["catalog-1"])

    def test_why_names_the_jobs_of_a_video(self):
        tail = self.stage.tail()
        video = self.stage.login().upload(CLIP, title="Why", visibility="private")
        tail.expect("catalog.video_ready", video_id=video, within=120)
        why = self.asked("why", video)
        self.assertEqual(why["state"], "ready")
        self.assertEqual(why["jobs"], [])           # nothing is left of them
        queues = {row["name"]: row for row in self.asked("queue")}
        self.assertEqual(queues["transcode.encode_run"]["dead"], 0)
        self.assertGreater(queues["transcode.encode_run"]["acks"], 0)

    def test_a_platform_outlives_its_supervisor_and_the_next_one_adopts_it(self):
        before = self.stage.pids()
        self.stage.supervisor.send_signal(signal.SIGKILL)
        self.stage.supervisor.wait()
        self.assertEqual(self.stage.pids(), before)
        self.stage.start()
        self.stage.wait_ready()
        self.assertEqual(self.stage.pids(), before)
        self.stage.kill("index")                     # what is adopted is watched, too
        for _ in range(200):
            if self.stage.pids().get("index-1", before["index-1"]) != before["index-1"]:
                break
            self.stage.cli("status", check=False)
        self.assertNotEqual(self.stage.pids().get("index-1", before["index-1"]), before["index-1"])
        self.stage.wait_ready()


if __name__ == "__main__":
    unittest.main()
