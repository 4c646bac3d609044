"""b003: what is created is found by its owner, changes and deletions follow, and a rebuild or a kill of the index loses
nothing."""
import json
import os
import subprocess
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import until  # noqa: E402  (the folder must be on the path first)
from stage import Stage  # noqa: E402
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

    def finds(self, api, q, *wanted):
        """These titles and no others, once the events have brought them."""
        until(f"{q} finds {wanted}", lambda: self.titles(api, q), lambda found: found == sorted(wanted))

    def test_an_owner_finds_his_own_and_what_he_makes_of_it(self):
        alice, bob = self.person("alice"), self.person("bob")
        video = alice.post("/api/v1/videos", {"title": "Running to the Café", "tags": ["zeppelin"]})
        for q in ("cafe", "runs", "zepp", "café running"):
            self.finds(alice, q, "Running to the Café")
        self.assertEqual(self.titles(bob, "cafe"), [])
        self.assertEqual(self.titles(Api(self.stage.url), "cafe"), [])
        alice.want("PATCH", f"/api/v1/videos/{video['id']}", {"title": "Walking home"})
        self.finds(alice, "walk", "Walking home")
        self.assertEqual(self.titles(alice, "cafe"), [])
        alice.want("DELETE", f"/api/v1/videos/{video['id']}")
        self.finds(alice, "walk")

    def test_pages_hold_each_video_once(self):
        carol = self.person("carol")
        for n in range(5):
            carol.post("/api/v1/videos", {"title": f"Mountain number {n}"})
        until("all are found", lambda: self.find(carol, "mountain").get("total"), lambda total: total == 5)
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
        self.finds(dora, "lighthouse", "Lighthouse at night")
        generation = json.loads(self.stage.cli("call", "index.rebuild").stdout)["generation"]
        self.stage.kill("index")
        dora.post("/api/v1/videos", {"title": "Lighthouse by day"})
        until("the index is rebuilt", lambda: json.loads(self.stage.cli("call", "index.index_status").stdout),
              lambda status: status["generation"] == generation and not status.get("rebuilding"),
              despite=(subprocess.CalledProcessError, ValueError), tell=self.stage.logs)      # while it is being started again
        self.finds(dora, "lighthouse", "Lighthouse at night", "Lighthouse by day")

    def test_a_video_without_media_cannot_be_watched_yet(self):
        erin = self.person("erin")
        video = erin.post("/api/v1/videos", {"title": "Nothing yet"})
        answer = erin.send("POST", f"/api/v1/videos/{video['id']}/playback", {})
        self.assertEqual(answer.status, 409, answer.body)
        other = self.person("frank").send("POST", f"/api/v1/videos/{video['id']}/playback", {})
        self.assertEqual(other.status, 404, other.body)


if __name__ == "__main__":
    unittest.main()
