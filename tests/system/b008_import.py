"""b008: a film is imported from a URL, whatever kind of server has it: byte for byte, watchable before its last byte, and with a
reason that a person can act on where it cannot be. No URL leads into the networks that the platform stands in."""
import hashlib
import json
import os
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "media")]
import make  # noqa: E402  (the folders must be on the path first)
from origin import Authority, Origin  # noqa: E402
from patience import until  # noqa: E402
from stage import CLIP, Stage  # noqa: E402

SETTINGS = {"KINOBUS_FETCHER_ALLOW_NETWORKS": "127.0.0.1", "KINOBUS_CATALOG_IMPORTS_A_DAY": "1000",
            "KINOBUS_CATALOG_IMPORTS_AT_ONCE": "16", "KINOBUS_FETCHER_IMPORTS": "16", "KINOBUS_FETCHER_IMPORT_TRIES": "3", "KINOBUS_FETCHER_IMPORT_SLOW_BYTES": "0", "KINOBUS_CATALOG_TICK_MS": "500",
            "KINOBUS_CATALOG_IMPORT_BYTES": "20000000"}


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.authority = Authority(cls.folder.name)
        cls.stage = Stage(env={**SETTINGS, "KINOBUS_FETCHER_CA_FILE": cls.authority.file}).__enter__()
        cls.origin = Origin().__enter__()
        cls.tail, cls.api = cls.stage.tail("catalog.*", "fetcher.*"), cls.stage.login()
        make.clip(os.path.join(cls.stage.state, "film.mp4"), 40, more=("-movflags", "+faststart"))
        cls.film, cls.clip = read(os.path.join(cls.stage.state, "film.mp4")), read(CLIP)

    @classmethod
    def tearDownClass(cls):
        cls.origin.__exit__()
        cls.stage.__exit__(None, None, None)
        cls.folder.cleanup()

    def ask(self, url, **more):
        return self.api.post("/api/v1/videos/import", {"url": url, **more})["id"]

    def comes(self, video, data):
        """All of it is fetched, and is what it was."""
        done = self.tail.expect("fetcher.import_done", video_id=video)["body"]
        self.assertEqual((done["outcome"], done.get("reason", "")), ("stored", ""))
        folder = os.path.join(self.stage.state, "blobs", "raw", video)
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
        self.assertEqual(len(names), 1)
        self.assertEqual(hashlib.sha256(read(os.path.join(folder, names[0]))).hexdigest(), hashlib.sha256(data).hexdigest())

    def fail(self, *rows):
        """All of these (URL, words of the reason) fail, each with its own; the ids of their videos."""
        videos = [self.ask(url) for url, _ in rows]
        for (url, words), video in zip(rows, videos):
            found = until(f"{url} fails", lambda video=video: self.api.get(f"/api/v1/videos/{video}"), lambda found: found["state"] == "failed")
            self.assertIn(words, found["reason"], url)
        return videos

    # ---- what works

    def test_a_film_is_watchable_before_its_last_byte_and_stored_byte_for_byte(self):
        rest = threading.Event()
        url = self.origin.add("Big%20Buck.mp4", self.film, gate=(len(self.film) * 2 // 3, rest))
        video = self.ask(url, visibility="public")
        self.tail.expect("catalog.video_playable", video_id=video)
        going = self.api.get(f"/api/v1/videos/{video}")
        self.assertEqual((going["title"], going["state"], going["declared_bytes"]), ("Big Buck", "playable", len(self.film)))
        self.assertLess(going["uploaded_bytes"], len(self.film))
        why = self.api.get(f"/api/v1/videos/{video}/why")
        part = next(p for p in why["parts"] if p["what"] == "import")
        self.assertEqual((part["state"], part["detail"], part["who"]), ("running", f"from 127.0.0.1:{self.origin.port}", "fetcher"))
        rest.set()
        self.comes(video, self.film)
        self.tail.expect("catalog.video_ready", video_id=video)

    def test_a_broken_connection_goes_on_where_it_stopped(self):
        for name, how in {"etag.mp4": {}, "dated.mp4": {"etag": None, "modified": "Sat, 21 Nov 2026 10:00:00 GMT"},
                          "no-length.mp4": {"told": "chunked"}}.items():
            with self.subTest(name):
                video = self.ask(self.origin.add(name, self.film, cut=len(self.film) // 4 + 1, **how))
                self.comes(video, self.film)
                asked = self.origin.asked(name)
                self.assertGreaterEqual(len(asked), 4)
                self.assertTrue(asked[0] is None and all(asked[1:]), asked)

    def test_a_server_without_ranges_is_read_again_and_gone_on_with_from_where_it_stopped(self):
        cuts = self.origin.files
        for name, how in {"no-ranges.mp4": {"ranges": False}, "nothing-told.mp4": {"etag": None, "told": "chunked"}}.items():
            with self.subTest(name):
                url = self.origin.add(name, self.film, cut=len(self.film) // 2, **how)
                video = self.ask(url)
                self.origin.wait(name, 2)
                cuts["/" + name].cut = None
                self.comes(video, self.film)
                self.assertEqual(self.api.get(f"/api/v1/videos/{video}")["version"], 1)

    def test_a_file_that_changes_midway_is_begun_anew(self):
        rest = threading.Event()
        url = self.origin.add("changes.mp4", self.film, gate=(len(self.film) // 2, rest), cut=len(self.film) // 2 + 1)
        video = self.ask(url)
        self.tail.expect("catalog.video_playable", video_id=video)
        self.origin.add("changes.mp4", self.clip, etag='"two"')
        rest.set()
        self.comes(video, self.clip)

    def test_redirects_are_followed_and_the_file_is_called_what_its_server_says(self):
        self.origin.add("2.mp4", self.clip, headers=[("Content-Disposition", "attachment; filename=\"a.mp4\"; filename*=UTF-8''caf%C3%A9.mp4")])
        self.origin.add("1", redirect="/2.mp4")
        video = self.ask(self.origin.add("0", redirect=self.origin.url("1")))
        self.comes(video, self.clip)
        self.assertEqual(self.api.get(f"/api/v1/videos/{video}")["title"], "café")

    def test_a_server_proves_by_its_certificate_that_it_is_the_one(self):
        with tempfile.TemporaryDirectory() as folder:
            nobody = Authority(folder)          # whom the platform does not believe
            with Origin(tls=self.authority.vouch("127.0.0.1")) as ours, Origin(tls=self.authority.vouch("127.0.0.2")) as other, \
                    Origin(tls=nobody.vouch("127.0.0.1")) as made_up:
                url = ours.add("clip.mp4", self.clip, cut=len(self.clip) // 2)
                self.comes(self.ask(url), self.clip)
                self.assertGreater(len(ours.asked("clip.mp4")), 1)
                self.comes(self.ask(self.origin.add("to-tls", redirect=ours.url("clip.mp4"))), self.clip)
                self.fail((other.add("clip.mp4", self.clip), "certificate does not prove"), (made_up.add("clip.mp4", self.clip), "certificate does not prove"),
                          (self.origin.add("to-nobody", redirect=made_up.url("clip.mp4")), "certificate does not prove"))
                self.assertEqual((other.heard, made_up.heard), ([], []))

    def test_the_operator_asks_for_somebody(self):
        ask = {"url": self.origin.add("op.mp4", self.clip), "owner_id": self.api.get("/api/v1/users/me")["id"]}
        video = json.loads(self.stage.cli("call", "catalog.import_video", json.dumps(ask)).stdout)["id"]
        self.comes(video, self.clip)
        self.assertEqual(self.api.get(f"/api/v1/videos/{video}")["owner_id"], ask["owner_id"])

    def test_a_title_that_was_given_stays(self):
        video = self.ask(self.origin.add("x.mp4", self.clip), title="Mine")
        self.comes(video, self.clip)
        self.assertEqual(self.api.get(f"/api/v1/videos/{video}")["title"], "Mine")

    # ---- what does not

    def test_what_the_server_refuses_is_told(self):
        self.fail((self.origin.url("absent.mp4"), "The server answered 404"),
                  (self.origin.add("secret.mp4", status=403), "The server answered 403"),
                  (self.origin.add("sick.mp4", status=503), "The server answered 503"),
                  (self.origin.add("page", b"<html>", headers=[("Content-Type", "text/html; charset=utf-8")]), "that of a page"),
                  (self.origin.add("packed.mp4", self.clip, headers=[("Content-Encoding", "gzip")]), "encoded"),
                  (self.origin.add("none.mp4", b""), "empty"),
                  (self.origin.add("round", redirect="/round"), "too often"),
                  (self.origin.add("out", redirect="ftp://127.0.0.1/x"), "neither http:// nor https://"))

    def test_a_server_that_is_not_there_is_given_up(self):
        self.fail(("http://127.0.0.1:1/x.mp4", "takes no connection"), ("http://nobody.invalid/x.mp4", "its name has no address"))

    def test_what_breaks_off_at_the_same_byte_again_and_again_is_given_up(self):
        self.fail((self.origin.add("stuck.mp4", self.clip, cut=5000, ranges=False), "It stands at byte 5000"),
                  (self.origin.add("longer.mp4", self.clip, told=len(self.clip) + 10, ranges=False), f"It stands at byte {len(self.clip)}"))

    def test_what_is_too_large_is_refused_before_and_while_it_comes(self):
        self.fail((self.origin.add("large.mp4", self.clip, told=200_000_000), "it has 200000000 bytes, and 20000000 are allowed"),
                  (self.origin.add("endless.mp4", self.film, told="chunked", endless=True), "too large: it has more than 20000000 bytes"))

    def test_what_is_no_film_ends_its_transfer(self):
        more = threading.Event()
        [video] = self.fail((self.origin.add("noise.bin", b"No film, but text.\n" * 700_000, gate=(13_000_000, more)), ""))
        why = self.api.get(f"/api/v1/videos/{video}/why")
        self.assertEqual(next(p for p in why["parts"] if p["what"] == "import")["state"], "failed")
        more.set()
        self.assertEqual(self.api.get(f"/api/v1/videos/{video}")["uploaded_bytes"], 0)

    def test_urls_that_are_none_are_refused_at_once(self):
        for url in ("ftp://example.org/x", "file:///etc/passwd", "http://", "http://me:secret@example.org/x", "http://example.org/a b",
                    "http://:80/x", "http://example.org\\@10.0.0.1/"):
            answer = self.api.send("POST", "/api/v1/videos/import", {"url": url})
            self.assertEqual((answer.status, answer.json["errors"][0]["field"]), (400, "url"), url)

    def test_no_url_leads_to_what_is_not_public(self):
        words, heard = "The address leads to no public server", self.origin.heard
        before = len(heard)
        hosts = ("127.0.0.2", "2130706434", "0x7f000002", "0177.0.0.2", "127.2", "[::1]", "[::ffff:127.0.0.2]", "[::]", "0.0.0.0",
                 "10.1.2.3", "169.254.169.254", "[fe80::1%25lo]", "[fd00::1]", "[64:ff9b::7f00:2]")
        self.fail(*((self.origin.url("inside.mp4", host), words) for host in hosts))
        self.assertEqual(len(heard), before)
        self.fail((self.origin.add("inward", redirect=self.origin.url("inside.mp4", "127.0.0.2")), words))
        self.assertEqual(self.origin.asked("inside.mp4"), [])

    def test_a_url_is_shown_nowhere(self):
        video = self.ask(self.origin.add("t.mp4", self.clip) + "?key=TOPSECRET")
        self.comes(video, self.clip)
        logs = os.path.join(self.stage.state, "log")
        said = [self.stage.cli("call", "catalog.why", json.dumps({"id": video})).stdout, *self.stage.heard(self.tail)]
        said += [read(os.path.join(logs, name)).decode(errors="replace") for name in os.listdir(logs)]
        self.assertFalse([text for text in said if "TOPSECRET" in text])


if __name__ == "__main__":
    unittest.main()
