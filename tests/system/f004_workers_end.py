"""f004: workers are killed, and one hangs, while they encode a film: each costs one run and no more, the film becomes ready, and
what came of it is what comes of it undisturbed."""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import until  # noqa: E402  (the folder must be on the path first)
from stage import Stage  # noqa: E402

RUN = "transcode.encode_run"


def workers(parent):
    """The process ids of the workers at work for a transcode process."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                name, rest = f.read().split(") ")
        except (OSError, ValueError):
            continue
        state, ppid = rest.split()[:2]
        if "kinobus-worker" in name and int(ppid) == parent and state != "Z":
            found.append(int(pid))
    return found


class WorkersEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.api = cls.stage.login()
        cls.film = os.path.join(cls.stage.state, "film.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=16", "-f", "lavfi", "-i",
                        "sine=frequency=330:duration=16", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", cls.film], check=True)
        tail = cls.stage.tail()
        cls.undisturbed = cls.stage.outputs(cls.upload(tail))

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    @classmethod
    def upload(cls, tail, disturb=None):
        """Uploads the film, and waits until it is ready; meanwhile `disturb` does what it does."""
        video = cls.api.upload(cls.film, title="Film")
        if disturb:
            disturb(tail)
        tail.expect("catalog.video_ready", video_id=video)
        return video

    def disturb(self, tail, how):
        """Does it to workers, until a run was handed back: one that had nothing left to do but end costs none. self.victims: to
        how many, as runs of others end meanwhile."""
        self.victims = victims = set()

        def met():
            for pid in workers(self.stage.pids()["transcode-1"]):
                if pid in victims:
                    continue
                victims.add(pid)
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    continue
                if tail.wait(lambda m: m.get("kind") in ("nack", "ack") and m.get("name") == RUN, "the end of a run")["kind"] == "nack":
                    return True
            return False

        until("a worker was met in the middle of a run", met)

    def check(self, tail, video):
        tail.drain()
        deliveries, nacks = {}, 0
        for m in tail.seen:
            body = m.get("body") or {}
            if m.get("name") == RUN and m.get("kind") == "job" and body.get("video_id") == video:
                deliveries[body["run"]] = deliveries.get(body["run"], 0) + 1
            nacks += m.get("name") == RUN and m.get("kind") == "nack"
        self.assertIn(nacks, range(1, len(self.victims) + 1))
        self.assertEqual(sum(deliveries.values()), len(deliveries) + nacks, deliveries)     # one run of each, once more
        self.assertFalse(self.api.get(f"/api/v1/videos/{video}").get("damaged"))
        self.assertGreater(len(self.undisturbed), 10)
        self.assertEqual(self.stage.outputs(video), self.undisturbed)

    def test_one_that_is_killed_costs_its_run(self):
        tail = self.stage.tail()
        self.check(tail, self.upload(tail, lambda t: self.disturb(t, signal.SIGKILL)))

    def test_one_that_hangs_is_ended_and_costs_its_run(self):
        tail = self.stage.tail()
        video = self.upload(tail, lambda t: self.disturb(t, signal.SIGSTOP))
        self.check(tail, video)
        log = os.path.join(self.stage.state, "log", "transcode-1.log")
        with open(log, encoding="utf-8") as f:
            self.assertRegex(f.read(), r"nothing was decoded for \d+ ms")


if __name__ == "__main__":
    unittest.main()
