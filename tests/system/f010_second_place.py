"""f010: a platform whose films come to lie in an S3 store: they are copied there when they are complete, the local copies go, and
players notice nothing; also not when processes die, and as far as that goes not when the store does.
"""
import hashlib
import json
import os
import re
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from clamd import Clamd  # noqa: E402  (the folder must be on the path first)
from patience import until  # noqa: E402
from s3_store import S3Store  # noqa: E402
from stage import CLIP, Api, Stage, media, persist  # noqa: E402

FOREIGN = os.environ.get("KINOBUS_TEST_S3")
FILM = media("flower_540p30_5s.mp4")


class Placed(Stage):
    """A stage with a second place; local copies go at once, or never."""

    def __init__(self, store, keep_h=0, env=None):
        self.store = store
        super().__init__(env={"KINOBUS_CATALOG_FAR": store.uri, "KINOBUS_CATALOG_KEEP_LOCAL_H": str(keep_h), "KINOBUS_CATALOG_FAR_CONNECT_MS": "1000",
                              "KINOBUS_CATALOG_FAR_PATIENCE_S": "0", "KINOBUS_CATALOG_TICK_MS": "500", **(env or {})})

    def where(self, api, video):
        """What `why` says of its copies: a word and a sentence."""
        parts = persist("why", lambda: api.get(f"/api/v1/videos/{video}/why"))["parts"]
        return next((part["state"], part.get("detail", "")) for part in parts if part["what"] == "copies")

    def wait_where(self, api, video, word):
        until(f"{video} lies {word}", lambda: self.where(api, video), lambda where: where[0] == word)

    def large(self, video):
        """What of it lies here and would go: originals and segments."""
        found = []
        for top in ("raw", "media"):
            for at, _, names in os.walk(os.path.join(self.state, "blobs", top, video)):
                found += [os.path.join(at, name) for name in names if (top == "raw" and not name.startswith(".")) or name.endswith(".m4s")]
        return found

    def film(self, path=CLIP, title="A film"):
        tail, api = self.tail("catalog.*"), self.login()
        video = api.upload(path, title=title, visibility="public")
        tail.expect("catalog.video_ready", video_id=video)
        return api, video

    def every_byte(self, api, video):
        """All that a player of any kind would fetch, by name."""
        base, got, todo = self.address(video), {}, ["master.m3u8", "manifest.mpd", "img/storyboard.vtt"]
        while todo:
            name = todo.pop()
            if name in got:
                continue
            answer = api.send("GET", f"{base}/{name}")
            if answer.status != 200:
                raise AssertionError(f"{name}: {answer.status} {answer.body[:200]}")
            got[name] = answer.body
            if name.endswith((".m3u8", ".vtt")):
                folder = os.path.dirname(name)
                leaves = re.findall(r'URI="([^"]+)"', answer.body.decode()) + \
                    [line.split("#")[0] for line in answer.body.decode().splitlines() if re.fullmatch(r"[a-z0-9/._-]+\.(m3u8|m4s|mp4|jpg|vtt)(#.*)?", line)]
                todo += [os.path.normpath(os.path.join(folder, leaf)) for leaf in leaves]
        return got


class SecondPlace(unittest.TestCase):
    def setUp(self):
        self.store = S3Store()
        self.addCleanup(self.store.end)

    def keys(self, video):
        return sorted(key for key in self.store.objects if video in key)

    def test_a_film_moves_there_plays_from_there_and_leaves_nothing_there(self):
        with Clamd(stream_bytes=32 << 20) as clamd, Placed(self.store, keep_h=1, env={"KINOBUS_CATALOG_CLAMD": clamd.start().place}) as p:
            api, video = p.film()
            p.wait_where(api, video, "both")
            before, here = p.every_byte(api, video), p.outputs(video)
            self.assertTrue(p.large(video))
            self.assertTrue(any("/raw/" in key for key in self.keys(video)))
            p.cli("config", "catalog", "keep_local_h", "0")
            api.send("PATCH", f"/api/v1/videos/{video}", json.dumps({"title": "Another title"}).encode(), {"Content-Type": "application/json"})
            p.wait_where(api, video, "far")
            self.assertEqual(p.large(video), [])
            asked = len(self.store.asked)
            self.assertEqual(p.every_byte(api, video), before)
            self.assertTrue(any(verb == "GET" and path.endswith(".m4s") for verb, path, _ in self.store.asked[asked:]))
            self.assertTrue(here)

            base = p.address(video)                      # in pieces, as players ask too
            name = next(name for name in before if name.endswith(".m4s"))
            size = len(before[name])
            for first, last in ((0, 0), (1, size // 2), (size - 1, size + 5)):
                answer = api.send("GET", f"{base}/{name}", None, {"Range": f"bytes={first}-{last}"})
                self.assertEqual((answer.status, answer.body), (206, before[name][first:last + 1]), (first, last))
            self.assertEqual(api.send("GET", f"{base}/{name}", None, {"Range": f"bytes={size}-"}).status, 416)

            files = api.get(f"/api/v1/videos/{video}/downloads")["items"]
            self.assertTrue(files)
            self.assertGreater(len(api.send("GET", files[0]["url"]).body), sum(len(before[name]) for name in before if "-360/" in name and name.endswith(".m4s")) / 2)

            poster = api.get(f"/api/v1/videos/{video}").get("poster", 0)     # made of the original, which lies there alone
            api.post(f"/api/v1/videos/{video}/poster", {"at_ms": 500})
            until("another poster", lambda: api.get(f"/api/v1/videos/{video}").get("poster", 0) != poster)
            p.wait_where(api, video, "far")

            p.stop()                                     # and another place is named before the one that has it
            p.env["KINOBUS_CATALOG_FAR"] = self.store.uri.replace("/films?", "/moved?") + " " + self.store.uri
            p.start()
            p.wait_ready()
            api = p.login()
            self.assertEqual({k: v for k, v in p.every_byte(api, video).items() if k.endswith(".m4s")},
                             {k: v for k, v in before.items() if k.endswith(".m4s")})
            until("all of it moved", lambda: self.keys(video) and all(key.startswith("moved/") for key in self.keys(video)))
            p.wait_where(api, video, "far")
            self.assertEqual({k: v for k, v in p.every_byte(api, video).items() if k.endswith(".m4s")},
                             {k: v for k, v in before.items() if k.endswith(".m4s")})
            api.send("DELETE", f"/api/v1/videos/{video}?now=true")
            until("nothing of it lies there", lambda: not self.keys(video))
            self.assertEqual(self.store.uploads, {})
            self.straight(p, api)

    def put(self, url, data):
        """As a client does that knows nothing but the URL."""
        parts = urllib.parse.urlsplit(url)
        return Api(url).send("PUT", f"{parts.path}?{parts.query}", data)

    def straight(self, p, api):
        """Its parts are put into the store by the client; no byte of the original ever lies here."""
        with open(CLIP, "rb") as f:
            data = f.read()
        part = 5 << 20
        data += (2 * part).to_bytes(4, "big") + b"free" + bytes(2 * part - 8)
        began = api.send("POST", "/api/v1/direct-uploads", {"length": len(data), "filename": "Straight.mp4", "part_size": part, "visibility": "public"})
        self.assertEqual(began.status, 201, began.body)
        where, upload = began.headers["Location"], began.json
        self.assertEqual(where, f"/api/v1/direct-uploads/{upload['id']}")
        self.assertEqual(upload["parts"], 3)
        tail, video, etags = p.tail("catalog.*"), upload["video_id"], {}

        def urls(*numbers):
            return {item["number"]: item["url"] for item in api.post(f"{where}/parts", {"numbers": numbers})["items"]}

        def send(number, url):
            answer = self.put(url, data[(number - 1) * part:number * part])
            self.assertEqual(answer.status, 200, answer.body)
            etags[number] = answer.headers["ETag"]

        self.assertEqual(self.put(urls(2)[2], b"short").status, 403)
        send(2, urls(2)[2])
        there = api.get(where)["there"]                      # whoever goes on asks what is there
        self.assertEqual([(item["number"], item["size"]) for item in there], [(2, part)])
        missing = sorted({1, 2, 3} - {item["number"] for item in there})
        for number, url in urls(*missing).items():
            send(number, url)
        refused = api.send("PATCH", f"/api/v1/uploads/{upload['id']}", b"x", {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
        self.assertEqual(refused.status, 409)
        refused = api.send("POST", f"{where}/complete", {"parts": [{"number": n, "etag": etags[1]} for n in (1, 2, 3)]})
        self.assertEqual(refused.status, 460)
        self.assertIn("is there as", refused.json["detail"])
        done = api.post(f"{where}/complete", {"parts": [{"number": n, "etag": etags[n]} for n in sorted(etags)]})
        self.assertEqual((done["id"], done["upload"], done["uploaded_bytes"]), (video, "complete", len(data)))
        tail.expect("catalog.video_playable", video_id=video)
        tail.expect("catalog.video_ready", video_id=video)
        until("a virus scanner was sent it from where it lies", lambda: api.get(f"/api/v1/videos/{video}")["virus"] == "clean")
        self.assertFalse(os.path.exists(os.path.join(p.state, "blobs", "raw", video)))
        p.wait_where(api, video, "far")
        self.assertTrue(any(name.endswith(".m4s") for name in p.every_byte(api, video)))
        for text in (p.logs(100000), json.dumps(api.get(f"/api/v1/videos/{video}/why"))):
            self.assertNotIn("X-Amz-Signature", text)

        given_up = api.post("/api/v1/direct-uploads", {"length": 10000 * part, "part_size": part})
        self.put(api.post(f"/api/v1/direct-uploads/{given_up['id']}/parts", {"numbers": [10000]})["items"][0]["url"], bytes(part))
        refused = api.send("POST", f"/api/v1/direct-uploads/{given_up['id']}/complete", {"parts": [{"number": n, "etag": "0" * 32} for n in range(1, 10001)]})
        self.assertEqual((refused.status, refused.json["detail"]), (460, f"part 10000 is there as {hashlib.md5(bytes(part)).hexdigest()}, and {'0' * 32} was told: put it again"))
        self.assertEqual(len(self.store.uploads), 1)
        self.assertEqual(api.send("DELETE", f"/api/v1/direct-uploads/{given_up['id']}").status, 204)
        for gone in (video, given_up["video_id"]):
            api.send("DELETE", f"/api/v1/videos/{gone}?now=true")
        until("nothing lies there", lambda: not self.store.objects and not self.store.uploads)

    def test_wherever_the_catalog_dies_all_is_copied_and_nothing_is_lost(self):
        with Placed(self.store, keep_h=1) as p:
            api, video = p.film(CLIP)
            p.wait_where(api, video, "both")
            whole = p.every_byte(api, video)
            api.send("DELETE", f"/api/v1/videos/{video}?now=true")
            until("nothing of it lies there", lambda: not self.keys(video))
            for after in (1, 8, 20):                    # so many objects were put, of some thirty
                with self.store.lock:
                    puts = sum(verb == "PUT" for verb, _, _ in self.store.asked)
                tail = p.tail("catalog.*")
                video = api.upload(CLIP, title=f"Killed after {after}", visibility="public")
                until(f"{after} objects were put", lambda: sum(verb == "PUT" for verb, _, _ in self.store.asked) >= puts + after)
                p.kill("catalog")
                p.wait_ready()
                api = p.login()
                until("it is ready", lambda: persist("a look", lambda: api.get(f"/api/v1/videos/{video}"))["state"] == "ready")
                p.wait_where(api, video, "both")
                self.assertEqual({k: len(v) for k, v in p.every_byte(api, video).items() if k.endswith(".m4s")},
                                 {k: len(v) for k, v in whole.items() if k.endswith(".m4s")})
                p.tails.remove(tail)
                tail.close()
            p.cli("config", "catalog", "keep_local_h", "0")
            api.send("PATCH", f"/api/v1/videos/{video}", json.dumps({"title": "Let go"}).encode(), {"Content-Type": "application/json"})
            until("its local copies go", lambda: len(p.large(video)) < 3 or p.where(api, video)[0] == "far")
            p.kill("catalog")
            p.wait_ready()
            api = p.login()
            p.wait_where(api, video, "far")
            self.assertEqual(len(p.every_byte(api, video)), len(whole))

    def test_while_nobody_answers_there_what_lies_here_plays_and_all_is_made_good_later(self):
        with Placed(self.store) as p:
            api, first = p.film()
            p.wait_where(api, first, "far")
            before = p.every_byte(api, first)
            self.store.stop()
            api, second = p.film(FILM, "Made while it is away")
            made = p.every_byte(api, second)
            until("it is said that copying failed", lambda: "failed" in p.where(api, second)[1])
            name = next(name for name in before if name.endswith(".m4s"))
            answer = api.send("GET", f"{p.address(first)}/{name}")
            self.assertEqual(answer.status, 503)
            self.assertIn("does not answer", answer.body.decode())
            api.send("DELETE", f"/api/v1/videos/{first}?now=true")
            self.store.start()
            p.wait_where(api, second, "far")
            until("what was deleted meanwhile is deleted there", lambda: not self.keys(first))
            name = next(name for name in made if name.endswith(".m4s"))
            until("the front, too, asks there again", lambda: api.send("GET", f"{p.address(second)}/{name}").status == 200)
            self.assertEqual(p.every_byte(api, second), made)

    def test_wrong_credentials_are_said_and_right_ones_are_read_without_a_restart(self):
        self.store.write_credentials("wrong")
        with Placed(self.store) as p:
            api, video = p.film()
            until("the log says why", lambda: "SignatureDoesNotMatch" in p.logs(200))
            self.assertTrue(p.every_byte(api, video))
            self.assertEqual(p.where(api, video)[0], "near")
            self.store.write_credentials(self.store.keys["KINOBUSTEST"])
            p.wait_where(api, video, "far")
            self.assertTrue(p.every_byte(api, video))
            self.assertNotIn(self.store.keys["KINOBUSTEST"], p.logs(100000))


class Elsewhere(unittest.TestCase):
    """The whole way in a store that somebody else runs."""

    def test_a_film_moves_there_plays_from_there_and_is_deleted(self):
        class Store:
            uri = FOREIGN

        with Placed(Store) as p:
            api, video = p.film()
            p.wait_where(api, video, "far")
            self.assertEqual(p.large(video), [])
            self.assertGreater(sum(name.endswith(".m4s") for name in p.every_byte(api, video)), 2)
            api.send("DELETE", f"/api/v1/videos/{video}?now=true")
            until("it is deleted", lambda: api.send("GET", f"/api/v1/videos/{video}/why").status == 404)


def load_tests(loader, tests, pattern):
    return loader.loadTestsFromTestCase(Elsewhere if FOREIGN else SecondPlace)


if __name__ == "__main__":
    unittest.main()
