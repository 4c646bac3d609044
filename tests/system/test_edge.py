"""The edge, as `kinobus up --edge` runs it and as site.conf describes it: media rights are checked in nginx, uploads flow through it
unbuffered, fronts come and go behind it, and a host that sees no blobs serves from its cache."""
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"), os.path.dirname(os.path.abspath(__file__))]
from patience import PATIENCE, until  # noqa: E402  (the folders must be on the path first)
from stage import BIN, CLIP, Api, free_port  # noqa: E402
from edge import EdgeStage, Site  # noqa: E402
import test_front_http  # noqa: E402
import test_front_ranges  # noqa: E402

BYTES = "application/offset+octet-stream"


def read_all(s):
    parts = []
    while True:
        try:
            part = s.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def film(stage):
    """(its id, its folder's address) of a film that everybody may watch."""
    video = stage.clip()
    return video, stage.address(video)


class Edge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = EdgeStage(env={"KINOBUS_FRONT_UPLOADS": "2", "KINOBUS_FRONT_CORS_ORIGINS": "https://app.example"}).__enter__()
        cls.video, cls.base = film(cls.stage)
        cls.folder = os.path.join(cls.stage.state, "blobs", "media", *cls.base.split("/")[3:])

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def fetch(self, path, method="GET", **headers):
        return self.stage.edge().send(method, path, None, {k.replace("_", "-"): v for k, v in headers.items()})

    def test_it_is_one_of_the_platforms_processes(self):
        self.assertIn("edge-1", self.stage.cli("status").stdout)
        self.assertIn(f"open:     {self.stage.edge_url}/", self.stage.logs(lines=60))
        self.assertNotIn(self.stage.secret(), self.stage.cli("config", "front").stdout)
        self.assertEqual(os.stat(os.path.join(self.stage.state, "edge", "key.conf")).st_mode & 0o777, 0o600)

    def test_tls_is_of_this_decade_and_speaks_http_2(self):
        for version, wanted in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with self.stage.connect(minimum_version=version, maximum_version=version) as s:
                self.assertEqual(s.version(), wanted)
        old = subprocess.run(["curl", "-s", "--cacert", self.stage.ca, "--tls-max", "1.1", self.stage.edge_url], check=False, capture_output=True)
        self.assertEqual(old.returncode, 35)
        said = subprocess.run(["curl", "-s", "-o", "/dev/null", "--cacert", self.stage.ca, "--http2", "-w", "%{http_version} %{http_code}",
                               f"{self.stage.edge_url}{self.base}/master.m3u8"], check=True, capture_output=True, text=True).stdout
        self.assertEqual(said, "2 200")

    def test_a_film_is_played_and_the_front_does_not_send_it(self):
        before = self.stage.asked()
        sent = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if name.startswith(("event", "preview")):      # they are replaced while a film grows: the front's
                    continue
                with open(os.path.join(folder, name), "rb") as f:
                    lies = f.read()
                answer = self.fetch(f"{self.base}/{os.path.relpath(os.path.join(folder, name), self.folder)}")
                self.assertEqual((answer.status, answer.body == lies), (200, True), name)
                self.assertRegex(answer.headers["Cache-Control"], r"^public, max-age=\d+, immutable$")
                self.assertLessEqual(int(re.search(r"\d+", answer.headers["Cache-Control"])[0]), 7 * 3600)
                sent += 1
        self.assertGreater(sent, 10)
        self.assertEqual(self.stage.asked(), before)

    def test_what_it_sends_is_as_the_front_sends_it(self):
        names = ["master.m3u8", *(os.path.relpath(os.path.join(at, name), self.folder) for at, _, names in os.walk(self.folder)
                                  for name in names if name.endswith((".m4s", ".jpg", ".vtt", ".mpd", ".mp4")))]
        passed_on = {"date", "connection", "server", "cache-control", "x-request-id", "traceparent", "strict-transport-security"}
        for name in names[:12]:
            for origin in ("https://app.example", "https://evil.example"):
                ours, theirs = (api.send("GET", f"{self.base}/{name}", None, {"Origin": origin}).headers
                                for api in (self.stage.edge(), Api(self.stage.url)))
                seen = {n.lower() for n in {*ours, *theirs}} - passed_on - {"vary", "access-control-expose-headers"}
                self.assertEqual({n: ours[n] for n in seen}, {n: theirs[n] for n in seen}, name)
                self.assertIn("Origin", ", ".join(ours.get_all("Vary")))
                self.assertEqual(ours["Strict-Transport-Security"], "max-age=31536000; includeSubDomains")

    def test_a_right_that_is_none_is_refused_here(self):
        token, key = self.base.split("/")[2], self.stage.rights()["keys"][0]
        wrong = [token[:i] + ("B" if c != "B" else "C") + token[i + 1:] for i, c in enumerate(token)]
        other = {"kid": key["kid"], "key": "00" * 32}
        wrong += [token + "A", self.stage.mint(self.video, expires=1), self.stage.mint(self.video, expires=int(time.time())),
                  self.stage.mint(self.video, version=2), self.stage.mint(self.video, policy="a" * 17), self.stage.mint(self.video, key=other),
                  self.stage.mint("video_01h455vb4pex5vsknk084sn02q"), self.stage.mint(self.video, key={**key, "kid": key["kid"] + 2})]
        before = self.stage.asked()
        for bad in wrong:
            answer = self.fetch(f"/media/{bad}/{self.video}/1/master.m3u8")
            self.assertEqual(answer.status, 403, bad)
            self.assertEqual((answer.json["code"], answer.json["refused_by"], answer.headers["Cache-Control"]), ("forbidden", "edge", "no-store"), bad)
        self.assertEqual(self.fetch(self.base.replace("/1", "/2") + "/master.m3u8").status, 403)
        self.assertEqual(self.stage.asked(), before)
        self.assertEqual(self.fetch(f"/media/{self.stage.mint(self.video)}/{self.video}/1/master.m3u8").status, 200)
        newer = self.stage.mint(self.video, key={"kid": key["kid"] + 1, "key": "00" * 32})     # may be one it has not heard of yet
        self.assertEqual(self.fetch(f"/media/{newer}/{self.video}/1/master.m3u8").json["refused_by"], "front")

    def test_a_file_to_be_kept_is_the_fronts(self):
        known = self.fetch(f"{self.base}/master.m3u8").body.decode()
        pictures, sound = (re.search(rf"\b{kind}/([^/\"\s]+)/", known)[1] for kind in "va")
        for policy, status in (("open", 403), ("openfile", 200)):
            answer = self.fetch(f"/media/{self.stage.mint(self.video, policy=policy)}/{self.video}/1/dl/{pictures}/{sound}/film.mp4")
            self.assertEqual(answer.status, status)
        self.assertIn("attachment", answer.headers["Content-Disposition"])

    def test_a_right_to_pictures_opens_pictures(self):
        token, before = self.stage.mint(self.video, policy="openimg"), self.stage.asked()
        wanted = {"img/poster.jpg": 200, "master.m3u8": 403, "manifest.mpd": 403}
        self.assertEqual({file: self.fetch(f"/media/{token}/{self.video}/1/{file}").status for file in wanted}, wanted)
        self.assertEqual(self.stage.asked(), before)
        front = Api(self.stage.url)
        self.assertEqual({file: front.send("GET", f"/media/{token}/{self.video}/1/{file}").status for file in wanted}, wanted)

    def test_what_was_for_everybody_is_refused_when_it_is_for_some(self):
        alice = self.stage.login()
        everybody, some, picture = (f"/media/{self.stage.mint(self.video, policy=policy)}/{self.video}/1/{file}"
                                    for policy, file in (("open", "master.m3u8"), ("some", "master.m3u8"), ("openimg", "img/poster.jpg")))
        before = self.stage.asked()
        try:
            for change, wanted in (({"minimum_age": 12}, [403, 200, 200]), ({"window": {"until": "2020-01-01T00:00:00Z"}}, [403, 403, 200]),
                                   ({"window": {}, "minimum_age": 0}, [200, 200, 200])):
                alice.want("PATCH", f"/api/v1/videos/{self.video}", change)
                for url, status in zip((everybody, some, picture), wanted):
                    self.until_status(url, status)
            self.assertEqual(self.stage.asked(), before)
        finally:
            alice.want("PATCH", f"/api/v1/videos/{self.video}", {"window": {}, "minimum_age": 0})
            self.until_status(everybody, 200)

    def until_status(self, url, status):
        until(f"it becomes {status}", lambda: self.fetch(url), lambda answer: answer.status == status)

    def test_what_is_taken_back_is_refused_here_too(self):
        alice, url = self.stage.login(), f"{self.base}/master.m3u8"
        kept = f"/media/{self.stage.mint(self.video, policy='openfile')}/{self.video}/1/master.m3u8"
        owners = f"/media/{self.stage.mint(self.video, policy='owner')}/{self.video}/1/master.m3u8"
        self.assertEqual([self.fetch(which).status for which in (url, kept, owners)], [200, 200, 200])
        before = self.stage.asked()
        alice.want("PATCH", f"/api/v1/videos/{self.video}", {"visibility": "private"})
        try:
            self.until_status(url, 403)
            for which in (url, kept):
                self.assertEqual(self.fetch(which).json["refused_by"], "edge")
            self.assertEqual(self.fetch(owners).status, 200)
            alice.want("DELETE", f"/api/v1/videos/{self.video}")
            self.until_status(owners, 403)
            self.assertEqual(self.stage.asked(), before)
            alice.want("PATCH", f"/api/v1/videos/{self.video}", {"restore": True})
        finally:
            alice.want("PATCH", f"/api/v1/videos/{self.video}", {"visibility": "public"})
        self.until_status(url, 200)

    def test_nothing_but_media_and_what_is_public_is_reached(self):
        for path in ("/metrics", "/edge/rights", "/edge/", "/blobs/1.1.r.2.1.x/raw/a", "/_media/x", f"/_media/{self.video}/1/master.m3u8"):
            for headers in ({}, {"X-Edge": self.stage.secret()}):
                answer = self.stage.edge().send("GET", path, None, headers)
                self.assertNotIn(b"kinobus_requests", answer.body)
                self.assertNotIn(b'"kid"', answer.body)
                self.assertNotIn(b"#EXTM3U", answer.body)
        for path in ("/metrics", "/edge/rights"):
            self.assertEqual((self.fetch(path).status, self.fetch(path).headers["Content-Type"]), (404, "application/problem+json"))
        for name in ("nothing.m4s", "../../../raw", "%2e%2e/2/master.m3u8", ".hidden.m3u8", "v", "", "MASTER.m3u8", "a" * 600):
            self.assertIn(self.fetch(f"{self.base}/{name}").status, (400, 403, 404), name)

    def test_a_client_cannot_speak_for_another(self):
        for headers in ({"X_Forwarded_For": "10.9.8.7"}, {"X_Forwarded_For": "10.9.8.7", "X_Edge": "guess"}):
            self.fetch("/api/v1/videos", **headers)
        with open(os.path.join(self.stage.state, "log", "front-1.log"), encoding="utf-8") as f:
            self.assertNotIn("10.9.8.7", f.read())

    def test_no_right_is_in_a_log(self):
        tokens = {self.base.split("/")[2]}
        self.fetch(f"{self.base}/master.m3u8")
        self.fetch(f"{self.base}/event.m3u8?{next(iter(tokens))}")

        def log():
            with open(os.path.join(self.stage.state, "log", "edge-access.log"), encoding="utf-8") as f:
                return f.read()

        text = until("the log tells of it", log, lambda text: "/1/event.m3u8" in text)
        for token in tokens:
            self.assertNotIn(token, text)

    def test_nothing_can_be_smuggled(self):
        for name, data in test_front_http.SMUGGLING.items():
            with self.subTest(name), self.stage.connect() as s:
                s.sendall(data + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                got = read_all(s)
                self.assertTrue(got)
                self.assertNotIn(b"kinobus_requests", got)
                self.assertEqual(self.fetch("/healthz").body, b'{"status":"alive"}', "what follows is answered by something else")
        with open(os.path.join(self.stage.state, "log", "front-1.log"), encoding="utf-8") as f:
            self.assertNotIn('path=/metrics', f.read())

    # ---- uploads

    def create(self, api, length):
        answer = api.want("POST", "/api/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(length), "Content-Length": "0"})
        return answer.headers["Location"]

    def begin(self, api, where, length, data=b""):
        """A PATCH that has sent `data` of its `length`, and goes on."""
        s = self.stage.connect()
        s.sendall(f"PATCH {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                  f"Content-Type: {BYTES}\r\nContent-Length: {length}\r\n\r\n".encode() + data)
        return s

    def offset(self, api, where):
        return int(api.want("HEAD", where, headers={"Tus-Resumable": "1.0.0"}).headers["Upload-Offset"])

    def until_offset(self, api, where, least):
        until("what was sent is seen", lambda: self.offset(api, where), lambda offset: offset >= least)

    def test_an_upload_is_seen_while_it_goes_on_and_has_no_bound(self):
        api = self.stage.edge(self.stage.login().token)
        size, step = 40 << 20, 9 << 20
        where = self.create(api, size)
        with self.begin(api, where, size, b"a" * step) as s:
            self.until_offset(api, where, 8 << 20)
            s.sendall(b"b" * (size - step))
            self.assertIn(b"HTTP/1.1 204", s.recv(1000))
        self.assertEqual(self.offset(api, where), size)

    def test_who_comes_when_all_places_are_taken_is_told_to_wait(self):
        api = self.stage.edge(self.stage.login().token)
        places = [self.create(api, 100) for _ in range(3)]
        with self.begin(api, places[0], 100, b"x"), self.begin(api, places[1], 100, b"x"):
            until("two uploads begin", lambda: Api(self.stage.url).send("GET", "/metrics").body.decode(),
                  lambda told: re.search(r"^kinobus_uploads_open{.*} 2$", told, re.M))
            answer = api.send("PATCH", places[2], b"x", {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": BYTES})
            self.assertEqual(answer.status, 503)
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.assertTrue(answer.json["retryable"])

    def test_an_upload_says_how_long_it_is(self):
        api = self.stage.edge(self.stage.login().token)
        where = self.create(api, 5)
        with self.stage.connect() as s:
            s.sendall(f"PATCH {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                      f"Content-Type: {BYTES}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nabcde\r\n0\r\n\r\n".encode())
            self.assertIn(b"HTTP/1.1 411", s.recv(1000))
        self.assertEqual(self.offset(api, where), 0)
        for length, status in (([], "411"), (["-H", "Content-Length: 5"], "204")):      # and by HTTP/2
            said = subprocess.run(["curl", "-s", "--http2", "--cacert", self.stage.ca, "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                                   "-X", "PATCH", "-T", "-", "-H", f"Authorization: Bearer {api.token}", "-H", "Tus-Resumable: 1.0.0",
                                   "-H", "Upload-Offset: 0", "-H", f"Content-Type: {BYTES}", *length, self.stage.edge_url + where],
                                  input="abcde", check=True, capture_output=True, text=True).stdout
            self.assertEqual(said, f"2 {status}")

    def test_events_come_as_they_happen(self):
        alice = self.stage.login()
        with self.stage.connect() as s:
            s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\n\r\n".encode())
            got = b""
            while b"retry:" not in got:
                got += s.recv(4096)
            video = alice.upload(CLIP, title="Another film", visibility="private")
            while video.encode() not in got:
                got += s.recv(4096)
            self.assertIn(b"text/event-stream", got)

    # ---- who comes too often

    def statuses(self, path, n, source):
        """All are asked for at once: however slow the machine is, they come faster than one by one."""
        answers = b""
        with self.stage.connect(source=source) as s:
            s.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * n)
            while answers.count(b"\r\n\r\n") < n:
                more = s.recv(65536)
                self.assertTrue(more, "the connection was ended")
                answers += more
        return [int(head.split(b" ")[1]) for head in answers.split(b"\r\n\r\n")[:-1]]

    def test_one_address_may_fetch_so_many_at_a_time(self):
        here, elsewhere = (self.statuses(f"{self.base}/master.m3u8", 400, source) for source in ("127.0.0.1", "127.0.0.2"))
        self.assertEqual(set(here), {200})
        self.assertEqual(set(elsewhere), {200, 429})
        self.assertEqual(set(self.statuses(f"{self.base}/master.m3u8", 20, "127.0.0.3")), {200})

    # ---- what stops and starts

    def until_answered(self, api, path):
        until(f"{path} is back", lambda: api.send("GET", path), lambda answer: answer.status == 200, despite=OSError)

    def test_a_front_that_dies_stops_no_film(self):
        edge = self.stage.edge()
        self.stage.kill("front")
        self.assertEqual(edge.send("GET", f"{self.base}/master.m3u8").status, 200)
        refused = edge.send("GET", "/api/v1/videos")
        if refused.status == 503:      # it may be back already, and not have found the others,
            self.assertEqual(refused.json["refused_by"], "front")
        elif refused.status != 200:    # or have
            self.assertEqual((refused.status, refused.json["refused_by"], refused.headers["Retry-After"]), (502, "edge", "1"))
        self.until_answered(edge, "/readyz")

    def test_an_edge_that_dies_is_started_again(self):
        killed = self.stage.kill("edge")        # its workers may answer for a moment
        until("it is started again", lambda: self.stage.pids().get("edge-1", killed), lambda pid: pid != killed)
        self.until_answered(self.stage.edge(), f"{self.base}/master.m3u8")


class Ranges(test_front_ranges.Ranges):
    """The same torture through the edge, which answers what is plain by itself."""

    @classmethod
    def make(cls):
        return EdgeStage()

    def fetch(self, name, method="GET", **headers):
        return self.through().send(method, f"{self.right}/{name}", None, {k.replace("_", "-"): v for k, v in headers.items()})

    def through(self):
        return self.stage.edge()


class RangesByAccel(Ranges):
    """And where the front checks, and nginx sends."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(cls.stage.state, "site")
        os.mkdir(folder)
        cls.site = Site(folder, [f"127.0.0.1:{cls.stage.port}"], cls.stage.secret(), media="media-accel",
                        blobs=os.path.join(cls.stage.state, "blobs")).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.site.__exit__(None, None, None)
        super().tearDownClass()

    def through(self):
        return Api(self.site.url)

    def test_only_an_edge_is_told_where_files_lie(self):
        wanted = {"X-Sendfile-Type": "X-Accel-Redirect"}
        for headers in (wanted, {**wanted, "X-Edge": "guess"}, {"X-Edge": self.stage.secret()}):
            answer = Api(self.stage.url).send("GET", f"{self.right}/on-disk.m4s", None, headers)
            self.assertEqual((answer.status, answer.body == test_front_ranges.DATA, answer.headers["X-Accel-Redirect"]), (200, True, None))
        told = Api(self.stage.url).send("GET", f"{self.right}/on-disk.m4s", None, {**wanted, "X-Edge": self.stage.secret()})
        self.assertEqual((told.body, told.headers["X-Accel-Redirect"]), (b"", "/_media/" + "/".join(self.right.split("/")[3:]) + "/on-disk.m4s"))
        answer = self.fetch("on-disk.m4s")
        self.assertIsNone(answer.headers["X-Accel-Redirect"])
        self.assertEqual(answer.headers["Content-Security-Policy"], "sandbox; default-src 'none'")
        self.assertEqual(self.stage.edge().send("GET", f"{self.right}/on-disk.m4s", None, wanted).body, test_front_ranges.DATA)


class Sites(unittest.TestCase):
    """site.conf, as on other machines: two fronts, and a host that sees no blobs."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.mkdtemp(prefix="kinobus-edge-")
        given = [os.path.join(cls.temp, name) for name in ("given.pem", "given-key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=given",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-out", given[0], "-keyout", given[1]], check=True, capture_output=True)
        cls.stage = EdgeStage(certificate=given)
        with open(os.path.join(cls.stage.state, "kinobus.conf"), "w", encoding="utf-8") as f:
            f.write("front.public_url = https://video.example\n")
        cls.stage.__enter__()
        cls.video, cls.base = film(cls.stage)

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)
        shutil.rmtree(cls.temp, ignore_errors=True)

    def site(self, name, fronts, **more):
        folder = os.path.join(self.temp, name)
        os.mkdir(folder)
        return Site(folder, fronts, self.stage.secret(), **more)

    def second_front(self):
        port = free_port()
        with open(os.path.join(self.stage.state, "second.log"), "ab") as log:
            front = subprocess.Popen([os.path.join(BIN, "kinobus-front"), "--state", self.stage.state], stdout=log, stderr=log,
                                     env={**self.stage.env, "KINOBUS_FRONT_PORT": str(port), "KINOBUS_FRONT_EDGE_SECRET": self.stage.secret()})
        until("a second front is ready", lambda: Api(f"http://127.0.0.1:{port}").send("GET", "/readyz"),
              lambda answer: answer.status == 200, despite=OSError)
        return front, port

    def test_a_certificate_and_an_address_that_are_given_are_taken(self):
        self.assertEqual(self.stage.edge().send("GET", "/readyz").status, 200)
        self.assertIn("open:     https://video.example/", self.stage.logs(lines=60))

    def test_a_front_goes_and_nobody_notices(self):
        front, port = self.second_front()
        with self.site("two", [f"127.0.0.1:{port}", f"127.0.0.1:{self.stage.port}"]) as site:
            slow = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            slow.sendall(test_front_http.POST + b"Content-Length: 2\r\n\r\n{")      # keeps it draining, once it has begun
            until("the request began", lambda: Api(f"http://127.0.0.1:{port}").send("GET", "/metrics").body,
                  lambda told: re.search(rb"^kinobus_in_flight.* 2$", told, re.M))
            found, stop = [], threading.Event()

            def watch():
                while not stop.is_set():
                    found.append(Api(site.url).send("GET", "/healthz").status)

            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                front.terminate()
                until("it begins to stop", lambda: Api(f"http://127.0.0.1:{port}").send("GET", "/readyz"), lambda answer: answer.status == 503)
                drained = len(found)
                until("answers come while it stops", lambda: len(found) >= drained + 20)
                slow.sendall(b"}")
                self.assertEqual(front.wait(PATIENCE), 0)
                gone = len(found)
                until("answers come when it has stopped", lambda: len(found) >= gone + 20)
            finally:
                stop.set()
                watcher.join()
                slow.close()
                if front.poll() is None:
                    front.kill()
                    front.wait()
            self.assertEqual(set(found), {200})

    def is_closed(self):
        try:
            socket.create_connection(("127.0.0.1", self.stage.edge_port), timeout=PATIENCE).close()
        except OSError:
            return True
        return False

    def stop_while_one_downloads(self, url, path):
        """What an edge has begun it ends, when the platform is stopped."""
        size = 16 << 20         # more than sockets hold, and what a slow machine reads in the eight seconds that nginx gives it (up.conf)
        with open(path, "wb") as f:
            f.truncate(size)
        with self.stage.connect() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
            s.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            got = s.recv(20)
            stopping = threading.Thread(target=self.stage.stop)
            stopping.start()
            until("it takes no new connections", self.is_closed)
            got += read_all(s)
        stopping.join()
        self.assertTrue(got.startswith(b"HTTP/1.1 200"))
        self.assertEqual(len(got.partition(b"\r\n\r\n")[2]), size)

    def test_a_host_without_blobs_plays_from_its_cache(self):
        rights = [f"/media/{self.stage.mint(self.video, policy=policy)}/{self.video}/1" for policy in ("open", "other")]
        folder = os.path.join(self.stage.state, "blobs", "media", self.video, "1")
        name = next(os.path.relpath(os.path.join(at, n), folder) for at, _, names in os.walk(folder) for n in names if n.endswith(".m4s"))
        with open(os.path.join(folder, name), "rb") as f:
            lies = f.read()
        with self.site("cache", [f"127.0.0.1:{self.stage.port}"], media="media-cache") as site:
            api, seen = Api(site.url), []
            for right in (rights[0], rights[0], rights[1]):
                answer = api.send("GET", f"{right}/{name}")
                self.assertEqual((answer.status, answer.body == lies), (200, True))
                self.assertRegex(answer.headers["Cache-Control"], r"^public, max-age=\d+, immutable$")
                self.assertIsNone(answer.headers["X-Request-Id"])
                seen.append(answer.headers["X-Cache"])
            self.assertEqual(seen, ["MISS", "HIT", "HIT"])
            for _ in range(2):
                self.assertIsNone(api.send("GET", f"{rights[0]}/dl/x/y/film.mp4").headers["X-Cache"], "not every right is good for that")
            rung = next(part for part in sorted(os.listdir(os.path.join(folder, "v"))))
            file = [f"/media/{self.stage.mint(self.video, policy=policy)}/{self.video}/1/dl/{rung}/none/a.mp4" for policy in ("openfile", "open")]
            kept = api.send("GET", file[0])
            self.assertEqual((kept.status, kept.headers["X-Cache"]), (200, None), "a file to be kept comes from the front")
            self.assertEqual(api.send("GET", file[1]).status, 403, "and not for who may only watch")
            part = api.send("GET", f"{rights[0]}/{name}", None, {"Range": "bytes=10-19"})
            self.assertEqual((part.status, part.body), (206, lies[10:20]))
            self.assertEqual(api.send("GET", f"{rights[0][:-1]}2/{name}").status, 403)
            self.assertEqual(api.send("GET", f"/media/{self.stage.mint(self.video, expires=1)}/{self.video}/1/{name}").status, 403)
            alice = self.stage.login()
            alice.want("PATCH", f"/api/v1/videos/{self.video}", {"visibility": "private"})
            until("what lies in the cache is taken back", lambda: api.send("GET", f"{rights[0]}/{name}"), lambda answer: answer.status == 403)
            self.assertEqual(api.send("GET", file[0]).status, 403)
            self.stop_while_one_downloads(f"{rights[1]}/long.m4s", os.path.join(folder, "long.m4s"))
            answer = api.send("GET", f"{rights[1]}/{name}")
            self.assertEqual((answer.status, answer.body == lies, answer.headers["X-Cache"]), (200, True, "HIT"), "and it needs nobody for that")
            self.stage.start()
            self.stage.wait_ready()


class Missing(unittest.TestCase):
    def test_a_package_that_is_missing_is_named(self):
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        with tempfile.TemporaryDirectory() as state:
            said = subprocess.run(["unshare", "--mount", *root, "sh", "-c", 'mount -t tmpfs none /usr/lib/nginx/modules && exec "$@"', "sh",
                                   os.path.join(BIN, "kinobus"), "up", "--edge", "--detach", "--state", state],
                                  capture_output=True, text=True, check=False, timeout=PATIENCE)
            self.assertEqual(said.returncode, 1)
            self.assertIn("needs the package libnginx-mod-http-lua", said.stderr)
            self.assertFalse(os.path.exists(os.path.join(state, "run")), "something was started")


if __name__ == "__main__":
    unittest.main()
