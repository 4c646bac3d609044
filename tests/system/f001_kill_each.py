"""f001: each process is killed in turn, at moments chosen from the bus; every video becomes ready with no help, and the same
comes of the same film each time.

An independent checker (tests/fault/check.py) reads the log of the bus and of what the client was told.
"""
import json
import os
import random
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "fault")]
from check import check  # noqa: E402  (the folders must be on the path first)
from patience import until  # noqa: E402
from stage import CLIP, Stage, persist  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
MOMENTS = {  # when to kill whom: at a message of this kind and name
    "broker": ("put", "transcode.encode_run"),
    "catalog": ("ack", "transcode.encode_run"),
    "transcode": ("job", "transcode.encode_run"),
    "auth": ("job", "transcode.probe"),
    "playback": ("append", "catalog.video_playable"),
    "index": ("append", "catalog.video_created"),
    "notify": ("append", "catalog.video_playable"),
    "front": ("put", "transcode.probe"),
    "supervisor": ("job", "transcode.encode_run"),
}


class Story:
    """Uploads films one after the other while processes are killed, and remembers what it was told."""

    def __init__(self, stage):
        self.stage, self.journal, self.draft = stage, [], None

    def upload(self, title):
        alice = persist("login", self.stage.login)
        created = persist("create", lambda: alice.post("/api/v1/videos", {"title": title, "visibility": "public"}))
        video = created["id"]
        self.journal.append({"kind": "client", "did": "create", "video": video, "status": 201})
        persist("upload", lambda: alice.upload(CLIP, video_id=video, piece=32768))
        self.journal.append({"kind": "client", "did": "upload", "video": video, "status": 204})
        return video

    def listening(self, tail, title):
        """Returns when the tail has a broker again, and all that it had to say before has been read."""
        alice = persist("login", self.stage.login)
        self.draft = self.draft or persist("create", lambda: alice.post("/api/v1/videos", {"title": "Draft"}))["id"]

        def told():
            persist("rename", lambda: alice.want("PATCH", f"/api/v1/videos/{self.draft}", {"title": title}))
            return tail.next(lambda m: m.get("name") == "catalog.update_video" and title in str(m.get("body")), 0.1)

        until("the tail is back", told)

    def wait_final(self, video):
        alice = persist("login", self.stage.login)
        return until(f"{video} is ready", lambda: persist("look", lambda: alice.get(f"/api/v1/videos/{video}"))["state"],
                     lambda state: state in ("ready", "failed"))


class KillEach(unittest.TestCase):
    def test_videos_become_ready_whoever_is_killed(self):
        seed = int(os.environ.get("KINOBUS_SEED", random.randrange(1 << 30)))
        victims = list(MOMENTS) * (3 if LONG else 1)
        random.Random(seed).shuffle(victims)
        print(f"seed {seed}: {' '.join(victims)}", file=sys.stderr)
        with Stage() as p, ThreadPoolExecutor(1) as killer:
            story, tail, made = Story(p), p.tail(), None
            for round_, victim in enumerate(victims):
                kind, name = MOMENTS[victim]
                story.listening(tail, f"Round {round_}")      # the moment is one of this film, not what is left of the one before
                killed = killer.submit(self.kill, p, tail, victim, kind, name)
                video = story.upload(f"Film {round_}, {victim} killed")
                killed.result()
                state = story.wait_final(video)
                self.assertEqual(state, "ready", f"{victim} was killed at {kind} {name} (seed {seed})")
                story.journal.append({"kind": "client", "did": "saw", "video": video, "state": state})
                made = made or p.outputs(video)
                self.assertEqual(p.outputs(video), made, f"{victim} was killed at {kind} {name} (seed {seed})")
            log = p.heard(tail) + [json.dumps(m) for m in story.journal]
        self.assertEqual(check(log), [], f"seed {seed}")
        self.assertGreater(len(log), 10 * len(victims))

    def kill(self, p, tail, victim, kind, name):
        tail.wait(lambda m: m.get("kind") == kind and m.get("name") == name, f"{kind} {name}")
        if victim == "supervisor":
            p.supervisor.kill()
            p.supervisor.wait()
            p.start()       # as systemd would
        else:
            p.kill(victim)


if __name__ == "__main__":
    unittest.main()
