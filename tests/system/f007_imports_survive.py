"""f007: an import goes on where it stopped when whoever works on it is killed, and ends when nobody wants it any more; what an
account may have is kept to. Nothing is left in between. With KINOBUS_LONG, more real films."""
import hashlib
import json
import os
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "media")]
import make  # noqa: E402  (the folders must be on the path first)
from origin import Origin  # noqa: E402
from patience import until  # noqa: E402
from stage import Stage, media, persist  # noqa: E402

SETTINGS = {"KINOBUS_FETCHER_ALLOW_NETWORKS": "127.0.0.0/8", "KINOBUS_CATALOG_IMPORTS_A_DAY": "12", "KINOBUS_FETCHER_IMPORT_TRIES": "2",
            "KINOBUS_FETCHER_IMPORT_SLOW_BYTES": "0", "KINOBUS_CATALOG_TICK_MS": "500"}
FILMS = ("mpeg2_1080p24_mp2_2.5s.ts", "bbb_720p24_60s.mp4", "bbb_486p24_30s_moov_at_end.mp4", "sintel_2audio_3subs_30s.mkv",
         "bbb_720p24_vp8_30s.webm", "flac_with_cover.flac", "seattle_park_msmpeg4v2_17s.avi")
LONG = bool(os.environ.get("KINOBUS_LONG"))


def read(path):
    with open(path, "rb") as f:
        return f.read()


class ImportsSurvive(unittest.TestCase):
    def setUp(self):
        self.stage, self.origin = Stage(env={**SETTINGS, **self.more()}).__enter__(), Origin().__enter__()
        self.addCleanup(self.stage.__exit__, None, None, None)
        self.addCleanup(self.origin.__exit__)
        self.tail, self.api = self.stage.tail("catalog.*", "fetcher.*"), self.stage.login()
        path = os.path.join(self.stage.state, "film.mp4")
        make.clip(path, 20, more=("-movflags", "+faststart"))
        self.film = read(path)

    def more(self):
        return {"KINOBUS_FETCHER_IMPORT_SLOW_BYTES": "10000", "KINOBUS_FETCHER_IMPORT_SLOW_S": "1"} if "slow" in self.id() else {}

    def ask(self, url):
        return self.api.post("/api/v1/videos/import", {"url": url})["id"]

    def video(self, video):
        return persist("reading a video", lambda: self.api.get(f"/api/v1/videos/{video}"))

    def has(self, video, n):
        until(f"{n} bytes of {video}", lambda: self.video(video).get("uploaded_bytes", 0) >= n)

    def held(self, name, share=0.5, **how):
        """A file that stops in its middle, and what lets it go on."""
        rest = threading.Event()
        return self.origin.add(name, self.film, gate=(int(len(self.film) * share), rest), **how), rest

    def is_stored(self, video, data):
        until(f"all of {video}", lambda: self.video(video)["upload"] == "complete")
        folder = os.path.join(self.stage.state, "blobs", "raw", video)
        until("the file is sealed", lambda: [n for n in os.listdir(folder) if not n.startswith(".")])
        [name] = [n for n in os.listdir(folder) if not n.startswith(".")]
        self.assertEqual(hashlib.sha256(read(os.path.join(folder, name))).hexdigest(), hashlib.sha256(data).hexdigest())

    def state(self, video):
        parts = persist("why", lambda: self.api.get(f"/api/v1/videos/{video}/why"))["parts"]
        return next(p["state"] for p in parts if p["what"] == "import")

    def test_it_goes_on_after_a_kill_of_anybody(self):
        for who in ("fetcher", "catalog", "broker"):
            with self.subTest(who):
                name = f"{who}.mp4"
                url, rest = self.held(name)
                video = self.ask(url)
                half = len(self.film) // 2
                self.has(video, half)
                self.stage.kill(who)
                if who == "fetcher":
                    self.origin.wait(name, 2)
                    self.assertEqual(self.origin.asked(name)[1], f"bytes={half}-")
                rest.set()
                self.is_stored(video, self.film)
                until("the import is done", lambda v=video: self.state(v) == "done")
                self.tail = self.stage.tail("catalog.*", "fetcher.*")

    def test_a_deleted_video_ends_its_transfer_and_one_from_the_trash_goes_on(self):
        url, rest = self.held("trash.mp4")
        video = self.ask(url)
        self.has(video, len(self.film) // 2)
        self.api.want("DELETE", f"/api/v1/videos/{video}")
        self.assertEqual(self.state(video), "stopped")
        self.tail.expect("fetcher.import_done", video_id=video, outcome="gone")
        self.api.want("PATCH", f"/api/v1/videos/{video}", {"restore": True})
        self.origin.wait("trash.mp4", 2)
        rest.set()
        self.is_stored(video, self.film)

        url, rest = self.held("gone.mp4")
        gone = self.ask(url)
        self.has(gone, len(self.film) // 2)
        self.api.want("DELETE", f"/api/v1/videos/{gone}?now=true")
        folder = os.path.join(self.stage.state, "blobs", "raw", gone)
        until("its bytes are deleted", lambda: not os.path.exists(folder))
        until("nobody works on it", lambda: not [q for q in self.queues() if q["leased"] + q["ready"] + q.get("held", 0)])

    def queues(self):
        shown = json.loads(self.stage.cli("queue", "ls", "--json").stdout or "[]")
        return [q for q in shown if q["name"] == "fetcher.import"]

    def test_an_account_has_one_at_a_time_and_so_many_a_day(self):
        first, rest = self.held("first.mp4")
        one, two = self.ask(first), self.ask(self.origin.add("second.mp4", self.film))
        self.has(one, len(self.film) // 2)
        self.assertEqual((self.state(one), self.state(two)), ("running", "waiting"))
        self.assertEqual(self.origin.asked("second.mp4"), [])
        why = self.api.get(f"/api/v1/videos/{two}/why")
        self.assertIn("as soon as another import of the same account has ended", why["sentence"])
        rest.set()
        self.is_stored(one, self.film)
        self.is_stored(two, self.film)
        for _ in range(10):
            self.ask(self.origin.url("absent"))
        answer = self.api.send("POST", "/api/v1/videos/import", {"url": first})
        self.assertEqual(answer.status, 429)
        self.assertIn("of 12 imports a day all are used", answer.json["detail"])

    def test_there_must_be_room_for_it(self):
        self.stage.cli("config", "catalog", "quota_bytes", str(len(self.film) + 1000))
        self.is_stored(self.ask(self.origin.add("fits.mp4", self.film)), self.film)
        for told, words in (("length", f"it has {len(self.film)} bytes or more"), ("chunked", "Your quota has no room for the file")):
            video = self.ask(self.origin.add(f"{told}.mp4", self.film, told=told))
            until("it fails", lambda v=video: self.video(v)["state"] == "failed")
            self.assertIn("Your quota has no room", self.video(video)["reason"])
            self.assertIn(words, self.video(video)["reason"])
        self.stage.cli("config", "catalog", "quota_bytes", "0")
        self.stage.cli("config", "catalog", "reserve_bytes", str(1 << 62))
        answer = self.api.send("POST", "/api/v1/videos/import", {"url": self.origin.url("fits.mp4")})
        self.assertEqual(answer.status, 507)

    def test_what_failed_is_tried_again(self):
        video = self.ask(self.origin.add("later.mp4", status=404))
        until("it fails", lambda: self.video(video)["state"] == "failed")
        self.origin.add("later.mp4", self.film)
        self.api.post(f"/api/v1/videos/{video}/retry")
        self.is_stored(video, self.film)
        self.tail.expect("catalog.video_ready", video_id=video)
        self.assertFalse(self.video(video).get("reason"))

    def test_a_server_that_is_too_slow_is_given_up(self):
        never = threading.Event()
        video = self.ask(self.origin.add("slow.mp4", self.film, drip=(100, never)))
        until("it fails", lambda: self.video(video)["state"] == "failed")
        self.assertIn("sends too slowly", self.video(video)["reason"])

    def test_real_films_over_a_line_that_breaks(self):
        for name in FILMS if LONG else FILMS[:1]:
            with self.subTest(name):
                data = read(media(name))
                video = self.ask(self.origin.add(name, data, cut=len(data) // 7 + 1))
                self.is_stored(video, data)
                self.tail.expect("catalog.video_ready", video_id=video)


if __name__ == "__main__":
    unittest.main()
