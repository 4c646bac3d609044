"""What players fetch and what pages are told: media by a right in the path, and server-sent events."""
import gzip
import http.client
import json
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE, until  # noqa: E402  (the folder must be on the path first)
from stage import CLIP, Api, Stage  # noqa: E402

PASSWORD = "correct horse battery"
EDGE = "a secret of the proxy and the front"


class Listener:
    """GET /api/v1/events of somebody, message by message."""

    def __init__(self, api, **headers):
        self.connection, self.heard = http.client.HTTPConnection(api.host, api.port, timeout=PATIENCE), []
        self.connection.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + (api.token or ""), **headers})
        self.answer = self.connection.getresponse()

    def next(self):
        """(event, data) of the next message; heartbeats and the greeting are passed over. self.heard: all, with their ids."""
        event, data, end = None, None, time.monotonic() + PATIENCE
        while True:
            line = self.answer.readline().decode()
            if not line:
                raise AssertionError("the stream ended")
            if line.startswith("event: "):
                event = line[7:].strip()
            elif line.startswith("id: "):
                self.last = line[4:].strip()
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif line == "\n" and event:
                self.heard.append((self.last, event, data))
                return event, data
            elif time.monotonic() > end:
                raise AssertionError("there are heartbeats alone")

    def expect(self, event, wanted):
        while True:
            got, data = self.next()
            if got == event and wanted(data):
                return data

    def close(self):
        self.answer.close()     # the connection itself lives as long as its answer
        self.connection.close()


class Media(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.alice, cls.anyone = cls.stage.login(), Api(cls.stage.url)
        cls.video = cls.stage.clip(by=cls.alice)
        cls.playing = cls.anyone.post(f"/api/v1/videos/{cls.video}/playback")
        cls.base = cls.playing["hls_url"].rsplit("/", 1)[0]

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def fetch(self, url, method="GET", **headers):
        return self.anyone.send(method, url, None, {k.replace("_", "-"): v for k, v in headers.items()})

    def lines(self, url):
        return [line for line in self.fetch(url).body.decode().splitlines() if line and line[0] != "#"]

    def segment(self):
        leaf = self.lines(self.playing["hls_url"])[0]
        return f"{self.base}/{leaf.rsplit('/', 1)[0]}/{self.lines(f'{self.base}/{leaf}')[0]}"

    def test_a_segment_is_immutable_and_comes_in_ranges(self):
        url = self.segment()
        answer = self.fetch(url)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "video/iso.segment"))
        self.assertRegex(answer.headers["Cache-Control"], r"^public, max-age=\d+, immutable$")
        self.assertLessEqual(int(answer.headers["Cache-Control"].split("=")[1].split(",")[0]), 7 * 3600)
        self.assertEqual(self.fetch(url, If_None_Match=answer.headers["ETag"]).status, 304)
        part = self.fetch(url, Range="bytes=10-19")
        self.assertEqual((part.status, part.body), (206, answer.body[10:20]))
        self.assertEqual(self.fetch(url, Range=f"bytes={len(answer.body)}-").status, 416)
        head = self.fetch(url, "HEAD")
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, str(len(answer.body)), b""))

    def test_media_is_safe_to_embed_and_to_nothing_else(self):
        answer = self.fetch(self.playing["poster_url"])
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "image/jpeg"))
        self.assertEqual(answer.headers["Content-Security-Policy"], "sandbox; default-src 'none'")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Cross-Origin-Resource-Policy"], "cross-origin")

    def test_a_playlist_is_compressed_for_who_takes_it(self):
        plain = self.fetch(self.playing["hls_url"])
        self.assertEqual(plain.headers["Content-Type"], "application/vnd.apple.mpegurl")
        answer = self.fetch(self.playing["hls_url"], Accept_Encoding="gzip")
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(answer.body), plain.body)
        self.assertNotEqual(answer.headers["ETag"], plain.headers["ETag"])

    def test_the_right_is_for_one_video_and_no_character_of_it_may_change(self):
        url = self.playing["hls_url"]
        token = url.split("/")[2]
        for i, c in enumerate(token):
            changed = token[:i] + ("B" if c != "B" else "C") + token[i + 1:]
            self.assertEqual(self.fetch(url.replace(token, changed)).status, 403, changed)
        other = self.alice.post("/api/v1/videos", {"title": "Other"})["id"]
        self.assertEqual(self.fetch(url.replace(self.video, other)).status, 403)
        self.assertEqual(self.fetch(url.replace("/1/", "/2/")).status, 403)
        self.assertEqual(self.fetch(url.replace(token, token + "A")).status, 403)

    def test_nothing_but_the_videos_own_files_can_be_fetched(self):
        for name in ("nothing.m4s", "../../../raw", "%2e%2e/1/master.m3u8", ".hidden", "v", "", "MASTER.m3u8", "a" * 600):
            with self.subTest(name):
                answer = self.fetch(f"{self.base}/{name}")
                self.assertIn(answer.status, (400, 404))
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")

    def test_a_player_may_begin_with_the_id_alone(self):
        answer = self.fetch(f"/api/v1/videos/stream/{self.video}")
        self.assertEqual(answer.status, 302)
        self.assertTrue(self.fetch(answer.headers["Location"]).body.startswith(b"#EXTM3U"))
        self.assertEqual(self.fetch("/api/v1/videos/stream/video_01h455vb4pex5vsknk084sn02q").status, 404)
        self.assertEqual(self.fetch("/api/v1/videos/stream/x").status, 404)

    def until_status(self, url, status):
        until(f"it becomes {status}", lambda: self.fetch(url), lambda answer: answer.status == status)

    def test_what_turns_private_is_taken_back_from_who_has_its_address(self):
        change = lambda **what: self.alice.want("PATCH", f"/api/v1/videos/{self.video}", what)
        url = self.playing["hls_url"]
        change(visibility="private")
        self.until_status(url, 403)
        own = self.alice.post(f"/api/v1/videos/{self.video}/playback")["hls_url"]
        self.assertEqual(self.fetch(own).status, 200, "its owner watches it still")
        self.stage.kill("front")        # the next one hears it too
        self.stage.wait_ready()
        self.until_status(url, 403)
        change(visibility="public")
        self.until_status(url, 200)
        self.alice.want("DELETE", f"/api/v1/videos/{self.video}")
        self.until_status(url, 403)
        self.until_status(own, 403)
        change(restore=True)
        self.until_status(url, 200)

    def test_media_plays_on_without_anybody_else_on_the_bus(self):
        with Stage() as p:
            url = p.address(p.clip()) + "/master.m3u8"
            for name in ("playback", "catalog", "auth", "broker"):
                p.kill(name)
            self.assertEqual(Api(p.url).send("GET", url).status, 200)


class Shares(unittest.TestCase):
    def test_one_address_is_sent_so_many_files_at_a_time(self):
        with Stage(env={"KINOBUS_FRONT_MEDIA_PER_CLIENT": "2", "KINOBUS_FRONT_TRUST_LOOPBACK": "false"}) as p:
            right = p.address(p.clip())
            with open(os.path.join(p.folder(right), "long.m4s"), "wb") as f:
                f.truncate(64 << 20)        # more than sockets hold

            def fetch():
                s = socket.create_connection(("127.0.0.1", p.port), timeout=PATIENCE)
                s.sendall(f"GET {right}/long.m4s HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                self.assertIn(b"200 OK", s.recv(100))
                return s

            first, second = fetch(), fetch()
            answer = Api(p.url).send("GET", f"{right}/master.m3u8")
            self.assertEqual((answer.status, answer.json["code"], answer.headers["Retry-After"]), (429, "rate_limited", "1"))
            first.close()
            until("its place is free", lambda: Api(p.url).send("GET", f"{right}/master.m3u8"), lambda answer: answer.status == 200)
            second.close()

    def test_an_address_and_an_account_are_sent_so_many_bytes_a_minute(self):
        with Stage(env={"KINOBUS_FRONT_MEDIA_MIB_PER_CLIENT": "8", "KINOBUS_FRONT_MEDIA_MIB_PER_ACCOUNT": "2",
                        "KINOBUS_FRONT_TRUST_LOOPBACK": "false", "KINOBUS_FRONT_EDGE_SECRET": EDGE}) as p:
            alice = p.login()
            right = p.address(p.clip(by=alice))
            with open(os.path.join(p.folder(right), "long.m4s"), "wb") as f:
                f.truncate(12 << 20)

            def fetch(api, name):
                answer = api.send("GET", f"{right}/{name}")
                if answer.status == 429:
                    self.assertEqual((answer.json["code"], answer.json["refused_by"]), ("rate_limited", "front"))
                    return answer.status, answer.json["detail"].split(" has ")[0], int(answer.headers["Retry-After"])
                return answer.status, len(answer.body) > 0, 0

            anyone = Api(p.url)
            self.assertEqual(fetch(alice, "long.m4s"), (200, True, 0))      # three times her bucket: it was not known before
            status, whose, wait = fetch(alice, "master.m3u8")
            self.assertEqual((status, whose), (429, "Your account"))
            self.assertTrue(200 < wait <= 241, wait)      # 8 MiB at 2 a minute
            self.assertEqual(fetch(anyone, "master.m3u8")[0], 200, "the address has some left")
            self.assertEqual(fetch(anyone, "long.m4s")[0], 200)
            status, whose, wait = fetch(anyone, "master.m3u8")
            self.assertEqual((status, whose), (429, "Your address"))
            self.assertTrue(30 < wait <= 61, wait)        # 8 MiB at 8 a minute
            self.assertEqual(anyone.send("GET", "/api/v1/videos").status, 200, "media alone is counted")

            def by_proxy(address, **headers):
                answer = anyone.send("GET", f"{right}/long.m4s", None, {"X-Edge": EDGE, "X-Forwarded-For": address,
                                                                        "X-Sendfile-Type": "X-Accel-Redirect", **headers})
                return answer.status, bool(answer.headers["X-Accel-Redirect"])

            for _ in range(5):
                self.assertEqual(by_proxy("192.0.2.7", Range="bytes=0-1048575"), (200, True), "five of the sixteen that it has")
            self.assertEqual(by_proxy("192.0.2.8"), (200, True))
            self.assertEqual(by_proxy("192.0.2.8"), (200, True))
            self.assertEqual(by_proxy("192.0.2.8"), (429, False), "what the proxy sends counts")


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.alice = cls.stage.login()
        Api(cls.stage.url).post("/api/v1/auth/register", {"email": "bob@example.org", "password": PASSWORD, "name": "Bob"})
        cls.bob = Api(cls.stage.url).login("bob@example.org", PASSWORD)

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def test_an_owner_sees_a_film_grow_and_hears_that_it_is_ready(self):
        alice, bob = Listener(self.alice, **{"Last-Event-ID": "7"}), Listener(self.bob)
        self.assertEqual(alice.answer.status, 200)
        self.assertTrue(alice.answer.headers["Content-Type"].startswith("text/event-stream"))
        self.assertEqual(alice.answer.headers["Cache-Control"], "no-store")
        hers = self.alice.upload(CLIP, title="Hers", visibility="public")
        his = self.bob.upload(CLIP, title="His", visibility="public")
        seen = alice.expect("video_progress", lambda d: d["video_id"] == hers and d["state"] == "ready")
        self.assertEqual(seen["runs_done"], seen["runs_total"])
        told = alice.expect("notification", lambda d: d["kind"] == "video_ready")
        self.assertEqual(told["video_id"], hers)
        others = []
        bob.expect("notification", lambda d: others.append(d["video_id"]) or d["video_id"] == his)
        self.assertNotIn(hers, others, "somebody else's notification")
        alice.close()
        bob.close()

    def listeners(self):
        text = self.bob.send("GET", "/metrics").body.decode()
        return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("kinobus_listeners{"))

    def wait_for_listeners(self, n):
        until(f"{n} listen", self.listeners, lambda listeners: listeners == n)

    def test_a_page_that_was_closed_gives_its_place_back(self):
        self.wait_for_listeners(0)
        page = Listener(self.bob)
        self.wait_for_listeners(1)
        page.close()
        self.wait_for_listeners(0)

    def when_it_is_back(self, ask):
        def listen():
            listener = ask()
            if listener.answer.status == 200:
                return listener
            self.assertEqual(listener.answer.status, 503, "it listens before it knows who people are")
            listener.close()
            return None

        return until("the front is back", listen, despite=(ConnectionError, http.client.HTTPException))

    def test_a_page_that_comes_back_is_told_what_it_missed(self):
        page, other = Listener(self.bob), Listener(self.bob)
        video = self.bob.upload(CLIP, title="First", visibility="public")
        page.expect("notification", lambda d: d["video_id"] == video)
        page.close()
        missed = self.bob.upload(CLIP, title="Missed", visibility="public")
        other.expect("notification", lambda d: d["video_id"] == missed)
        again = Listener(self.bob, **{"Last-Event-ID": page.last})
        again.expect("notification", lambda d: d["video_id"] == missed)
        seen = [message for message, _, _ in other.heard].index(page.last)
        self.assertEqual(again.heard, other.heard[seen + 1:], "what came since follows first, all of it and in order")
        self.assertGreater(len(again.heard), 1)
        for listener in (other, again):
            listener.close()

    def test_who_comes_from_before_a_restart_is_told_that_something_is_lost(self):
        with Stage() as p:
            alice = p.login()
            page = Listener(alice)
            alice.upload(CLIP, title="Seen", visibility="public")
            page.next()
            page.close()
            p.kill("front")
            again = self.when_it_is_back(lambda: Listener(alice, **{"Last-Event-ID": page.last}))
            self.assertEqual(again.next(), ("lost", {}))
            again.close()

    def test_five_pages_listen_and_a_sixth_does_not(self):
        self.wait_for_listeners(0)
        pages = [Listener(self.bob) for _ in range(5)]
        self.assertEqual([p.answer.status for p in pages], [200] * 5)
        sixth = Listener(self.bob)
        self.assertEqual((sixth.answer.status, json.loads(sixth.answer.read())["code"]), (429, "rate_limited"))
        for page in pages + [sixth]:
            page.close()

    def test_nobody_listens_without_saying_who_he_is(self):
        self.assertEqual(Listener(Api(self.stage.url)).answer.status, 401)

    def test_pages_are_sent_home_when_the_front_stops(self):
        with Stage() as p:
            page = Listener(p.login())
            self.assertEqual(page.answer.status, 200)
            p.stop()
            self.assertIn(b"retry:", page.answer.read())
            page.close()


if __name__ == "__main__":
    unittest.main()
