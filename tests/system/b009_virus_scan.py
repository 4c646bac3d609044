"""b009: originals go through a real clamd, from wherever they came: what it finds nothing in is told so, as a whole or in part; what
it finds something in nobody gets, whoever has its addresses already. A clamd that is away is asked again."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from clamd import EICAR, SIGNATURE, Clamd, with_box  # noqa: E402  (the folder must be on the path first)
from patience import until  # noqa: E402
from stage import CLIP, Api, Stage, persist  # noqa: E402

MIB = 1 << 20


class VirusScan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.clamd = Clamd(stream_bytes=MIB).__enter__()
        cls.stage = Stage().__enter__()
        cls.stage.cli("config", "catalog", "clamd", cls.clamd.place)        # no process is started anew for it
        until("the catalog has heard so", lambda: cls.stage.cli("config", "catalog", "clamd").stdout, lambda shown: cls.clamd.place in shown)
        cls.api, cls.anyone = cls.stage.login(), Api(cls.stage.url)
        with open(CLIP, "rb") as f:
            cls.clip = f.read()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)
        cls.clamd.__exit__()

    def setUp(self):
        self.scans, self.tail = self.stage.tail("fetcher.*"), self.stage.tail("catalog.*")
        if not self.clamd.process:
            self.clamd.start()

    def tearDown(self):
        for tail in (self.scans, self.tail):
            self.stage.tails.remove(tail)
            tail.close()

    def upload(self, data, title):
        path = os.path.join(self.stage.state, "upload.mp4")
        with open(path, "wb") as f:
            f.write(data)
        return self.api.upload(path, title=title, visibility="public")

    def scanned(self, video):
        return self.scans.expect("fetcher.original_scanned", video_id=video)["body"]

    def why(self, video):
        parts = self.api.get(f"/api/v1/videos/{video}/why")["parts"]
        return next((part["state"], part["detail"]) for part in parts if part["what"] == "virus scan")

    def told(self, video, word):
        """The catalog has heard of it."""
        until(f"{video} is {word}", lambda: self.api.get(f"/api/v1/videos/{video}")["virus"], lambda told: told == word)

    def test_a_clean_film_is_found_clean_and_published(self):
        video = self.upload(self.clip, "Clean")
        self.assertEqual(self.scanned(video)["outcome"], "clean")
        self.assertEqual(self.why_when(video, "clean"), f"clamd found nothing in its {len(self.clip)} bytes")
        self.tail.expect("catalog.video_ready", video_id=video)
        self.assertNotIn("virus", self.anyone.get(f"/api/v1/videos/{video}"))

    def why_when(self, video, word):
        self.told(video, word)
        state, detail = self.why(video)
        self.assertEqual(state, word)
        return detail

    def test_of_a_larger_one_than_it_takes_a_part_is_found_clean(self):
        video = self.upload(with_box(self.clip, bytes(3 * MIB) + EICAR), "Large")
        self.assertEqual(self.scanned(video)["outcome"], "partial")
        detail = self.why_when(video, "partial")
        self.assertIn("nothing was found, but clamd looked at the first", detail)
        self.assertIn("StreamMaxLength", detail)

    def test_one_that_it_was_away_for_is_scanned_later_and_nobody_gets_it_any_more(self):
        self.clamd.stop()
        video = self.upload(with_box(self.clip, EICAR), "Infected")
        self.tail.expect("catalog.video_ready", video_id=video)
        playlist = self.anyone.post(f"/api/v1/videos/{video}/playback")["hls_url"]
        self.assertEqual(self.anyone.send("GET", playlist).status, 200)     # playing is not held up
        own = self.api.post(f"/api/v1/videos/{video}/playback")["hls_url"]
        self.assertEqual(self.why(video)[0], "waiting")
        until("it is said that clamd is away", lambda: self.api.get(f"/api/v1/videos/{video}/why")["jobs"],
              lambda jobs: any("takes no connection" in job.get("detail", "") for job in jobs if job["queue"] == "fetcher.scan_original"))
        self.clamd.start()
        done = self.scanned(video)
        self.assertEqual((done["outcome"], done["found"].startswith(SIGNATURE)), ("infected", True))
        self.tail.expect("catalog.video_failed", video_id=video)
        for url in (playlist, own):
            until("the address is taken back", lambda url=url: self.anyone.send("GET", url), lambda answer: answer.status != 200)
        self.assertEqual(self.anyone.send("GET", f"/api/v1/videos/{video}").status, 404)
        refused = self.api.send("POST", f"/api/v1/videos/{video}/playback", {})
        found = self.api.get(f"/api/v1/videos/{video}")
        self.assertEqual((found["state"], found["virus"], found["release"]), ("failed", "infected", "draft"))
        self.assertEqual((refused.status, refused.json["detail"]), (409, found["reason"]))
        for words in (found["reason"], self.why(video)[1], self.stage.cli("why", video).stdout):
            self.assertIn("clamd", words)
            self.assertIn(SIGNATURE, words)
        until("its owner is told", lambda: self.api.get("/api/v1/notifications")["items"],
              lambda notes: any(SIGNATURE in note["body"] for note in notes if note.get("video_id") == video))
        self.again(video)

    def again(self, video):
        """A database that knows better acquits it."""
        self.clamd.stop()
        self.clamd.write("db/eicar.ndb", f"{SIGNATURE}:0:*:{b'something else'.hex()}\n")
        self.clamd.start()
        self.assertEqual(self.api.post(f"/api/v1/videos/{video}/retry")["state"], "failed")
        self.assertEqual(self.scanned(video)["outcome"], "clean")
        self.tail.expect("catalog.video_ready", video_id=video)
        address = persist("it is published again", lambda: self.anyone.post(f"/api/v1/videos/{video}/playback"), again=(404, 409))["hls_url"]
        persist("it is served again", lambda: self.anyone.want("GET", address), again=(403, 404, 410))


if __name__ == "__main__":
    unittest.main()
