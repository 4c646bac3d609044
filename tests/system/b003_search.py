"""b003: what is created is found by its owner, changes and deletions follow, and a rebuild or a kill of the index loses
nothing."""
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from stage import Stage  # noqa: E402  (the folder must be on the path first)
from api import Api  # noqa: E402


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.stage.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def person(self, name):
        email = f"{name}@example.org"
        Api(self.stage.url).post("/api/v1/auth/register", {"email": email, "password": "correct horse", "name": name})
        return Api(self.stage.url).login(email, "correct horse")

    @staticmethod
    def find(api, q, cursor=""):
        words = {"q": q, "limit": "2", **({"cursor": cursor} if cursor else {})}
        return api.get("/api/v1/search?" + urllib.parse.urlencode(words))

    def titles(self, api, q):
        return sorted(hit["title"] for hit in self.find(api, q)["items"])

    def until(self, api, q, wanted, within=15):
        """Waits for what the events bring; the last answer is compared."""
        end = time.monotonic() + within
        while (found := self.titles(api, q)) != wanted and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(found, wanted)

    def test_an_owner_finds_his_own_and_what_he_makes_of_it(self):
        alice, bob = self.person("alice"), self.person("bob")
        video = alice.post("/api/v1/videos", {"title": "Running to the Café", "tags": ["zeppelin"]})
        for q in ("cafe", "runs", "zepp", "café running"):
            self.until(alice, q, ["Running to the Café"])
        self.assertEqual(self.titles(bob, "cafe"), [])
        self.assertEqual(self.titles(Api(self.stage.url), "cafe"), [])
        alice.want("PATCH", f"/api/v1/videos/{video['id']}", {"title": "Walking home"})
        self.until(alice, "walk", ["Walking home"])
        self.assertEqual(self.titles(alice, "cafe"), [])
        alice.want("DELETE", f"/api/v1/videos/{video['id']}")
        self.until(alice, "walk", [])

    def test_pages_hold_each_video_once(self):
        carol = self.person("carol")
        for n in range(5):
            carol.post("/api/v1/videos", {"title": f"Mountain number {n}"})
        end = time.monotonic() + 15
        while self.find(carol, "mountain")["total"] < 5 and time.monotonic() < end:
            time.sleep(0.02)
        seen, cursor = [], ""
        while True:
            page = self.find(carol, "mountain", cursor)
            seen += [hit["title"] for hit in page["items"]]
            cursor = page.get("next", "")
            if not cursor:
                break
        self.assertEqual(sorted(seen), [f"Mountain number {n}" for n in range(5)])

    def test_a_rebuild_and_a_kill_lose_nothing(self):
        dora = self.person("dora")
        dora.post("/api/v1/videos", {"title": "Lighthouse at night"})
        self.until(dora, "lighthouse", ["Lighthouse at night"])
        generation = json.loads(self.stage.cli("call", "index.rebuild").stdout)["generation"]
        self.stage.kill("index")
        dora.post("/api/v1/videos", {"title": "Lighthouse by day"})
        end = time.monotonic() + 30
        while True:
            try:
                status = json.loads(self.stage.cli("call", "index.index_status").stdout)
                if status["generation"] == generation and not status.get("rebuilding"):
                    break
            except (subprocess.CalledProcessError, ValueError):   # it is being started again
                pass
            self.assertLess(time.monotonic(), end, self.stage.logs())
            time.sleep(0.1)
        self.until(dora, "lighthouse", ["Lighthouse at night", "Lighthouse by day"])

    def test_a_video_without_media_cannot_be_watched_yet(self):
        erin = self.person("erin")
        video = erin.post("/api/v1/videos", {"title": "Nothing yet"})
        answer = erin.send("POST", f"/api/v1/videos/{video['id']}/playback", {})
        self.assertEqual(answer.status, 409, answer.body)
        other = self.person("frank").send("POST", f"/api/v1/videos/{video['id']}/playback", {})
        self.assertEqual(other.status, 404, other.body)


if __name__ == "__main__":
    unittest.main()
