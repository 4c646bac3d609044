"""Uploads, as tus clients and forms make them: what is durable stays, what is wrong is refused and changes nothing."""
import base64
import hashlib
import json
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE, until  # noqa: E402  (the folder must be on the path first)
from stage import CLIP, Api, Stage  # noqa: E402

UPLOADS = "/api/v1/uploads"
BYTES = "application/offset+octet-stream"
PASSWORD = "correct horse battery"


def metadata(**fields):
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in fields.items())


class Uploads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.alice = cls.stage.login()
        anyone = Api(cls.stage.url)
        anyone.post("/api/v1/auth/register", {"email": "bob@example.org", "password": PASSWORD, "name": "Bob"})
        cls.bob = Api(cls.stage.url).login("bob@example.org", PASSWORD)

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def tus(self, method, path, body=None, who=None, **headers):
        headers = {"Tus-Resumable": "1.0.0", **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = (who or self.alice).send(method, path, body, headers)
        if answer.status >= 400 and method != "HEAD":
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertEqual(json.loads(answer.body)["status"], answer.status)
            self.assertIn(json.loads(answer.body)["refused_by"], ("front", "catalog"))
        return answer

    def create(self, length=None, **headers):
        if length is not None:
            headers["Upload_Length"] = str(length)
        answer = self.tus("POST", UPLOADS, b"", **headers)
        self.assertEqual(answer.status, 201, answer.body)
        self.assertRegex(answer.headers["Location"], f"^{UPLOADS}/upload_[0-9a-z]{{26}}$")
        return answer.headers["Location"]

    def patch(self, where, offset, body, **headers):
        headers = {"Content_Type": BYTES, "Upload_Offset": str(offset), **headers}
        return self.tus("PATCH", where, body, **headers)

    def offset(self, where, **headers):
        answer = self.tus("HEAD", where, **headers)
        self.assertEqual((answer.status, answer.headers["Cache-Control"]), (200, "no-store"))
        return int(answer.headers["Upload-Offset"])

    def test_an_upload_comes_in_pieces_of_any_size(self):
        where, data = self.create(10, Upload_Metadata=metadata(filename="a film.mkv", title="Pieces")), b"0123456789"
        at = 0
        for size in (1, 4, 0, 5):
            answer = self.patch(where, at, data[at:at + size])
            at += size
            self.assertEqual((answer.status, answer.headers["Upload-Offset"], answer.headers["Tus-Resumable"]),
                             (204, str(at), "1.0.0"))
            self.assertEqual(self.offset(where), at)
        self.assertEqual(self.patch(where, 10, b"").status, 204)        # said again: nothing happens
        self.assertEqual(self.patch(where, 10, b"x").status, 413)

    def test_head_tells_what_the_creator_said(self):
        text = metadata(filename="x.mkv", title="T")
        answer = self.tus("HEAD", self.create(7, Upload_Metadata=text))
        self.assertEqual((answer.headers["Upload-Length"], answer.headers["Upload-Metadata"]), ("7", text))
        self.assertIn("GMT", answer.headers["Upload-Expires"])
        answer = self.tus("HEAD", self.create(Upload_Defer_Length="1"))
        self.assertEqual(answer.headers["Upload-Defer-Length"], "1")
        self.assertIsNone(answer.headers["Upload-Length"])

    def test_a_creation_names_its_video(self):
        answer = self.tus("POST", UPLOADS, b"", Upload_Length="5", Upload_Metadata=metadata(filename="n.mkv", visibility="unlisted"))
        video = self.alice.get("/api/v1/videos/" + answer.headers["Kinobus-Video"])
        self.assertEqual((video["title"], video["visibility"], video["state"]), ("n", "unlisted", "waiting"))
        into = self.alice.post("/api/v1/videos", {"title": "First the video"})["id"]
        answer = self.tus("POST", UPLOADS, b"", Upload_Length="5", Upload_Metadata=metadata(video_id=into))
        self.assertEqual(answer.headers["Kinobus-Video"], into)

    def test_a_creation_that_makes_no_sense_is_refused(self):
        for headers, status in (({}, 400), ({"Upload_Length": "-1"}, 400), ({"Upload_Length": "x"}, 400),
                                ({"Upload_Length": "1", "Upload_Defer_Length": "1"}, 400), ({"Upload_Defer_Length": "2"}, 400),
                                ({"Upload_Length": "9999999999999"}, 413), ({"Upload_Length": "1", "Upload_Metadata": "a !"}, 400),
                                ({"Upload_Length": "1", "Upload_Metadata": "a " + "A" * 1400}, 413),
                                ({"Upload_Length": "1", "Upload_Metadata": metadata(title="t" * 201)}, 400),
                                ({"Upload_Length": "1", "Upload_Metadata": metadata(visibility="all")}, 400),
                                ({"Upload_Length": "1", "Upload_Metadata": metadata(video_id="x")}, 400),
                                ({"Upload_Length": "1", "Upload_Metadata": metadata(video_id="video_01h455vb4pex5vsknk084sn02q")}, 404),
                                ({"Upload_Concat": "final;"}, 400), ({"Upload_Concat": "all"}, 400),
                                ({"Upload_Concat": "final;/x/upload_01h455vb4pex5vsknk084sn02q"}, 404),
                                ({"Upload_Length": "1", "Tus_Resumable": "0.2.2"}, 412)):
            with self.subTest(headers):
                self.assertEqual(self.tus("POST", UPLOADS, b"", **headers).status, status)
        self.assertEqual(self.tus("POST", UPLOADS, b"xy", Upload_Length="1", Content_Type=BYTES).status, 413)
        self.assertEqual(self.tus("POST", UPLOADS, b"x", Upload_Length="1", Content_Type="text/plain").status, 415)

    def test_bytes_may_come_with_the_creation(self):
        answer = self.tus("POST", UPLOADS, b"abc", Upload_Length="5", Content_Type=BYTES)
        self.assertEqual((answer.status, answer.headers["Upload-Offset"]), (201, "3"))
        self.assertEqual(self.patch(answer.headers["Location"], 3, b"de").headers["Upload-Offset"], "5")

    def test_a_patch_that_does_not_fit_changes_nothing(self):
        where = self.create(5)
        self.patch(where, 0, b"ab")
        for offset, body, headers, status in ((0, b"x", {}, 409), (3, b"x", {}, 409), (2, b"wxyz", {}, 413), ("", b"x", {}, 400),
                                              ("-1", b"x", {}, 400), (2, b"x", {"Content_Type": "text/plain"}, 415),
                                              (2, b"x", {"Upload_Length": "6"}, 400), (2, b"x", {"Tus_Resumable": "2"}, 412),
                                              (2, b"x", {"Upload_Checksum": "md5 AAAA"}, 400)):
            with self.subTest(f"{offset} {body} {headers}"):
                self.assertEqual(self.patch(where, offset, body, **headers).status, status)
                self.assertEqual(self.offset(where), 2)
        self.assertEqual(self.patch(where, 0, b"x").headers["Upload-Offset"], "2")

    def raw(self, head, body=b""):
        s = socket.create_connection(("127.0.0.1", self.stage.port), timeout=PATIENCE)
        s.sendall(("\r\n".join(head + [f"Authorization: Bearer {self.alice.token}", "Host: x", "Tus-Resumable: 1.0.0", "", ""]))
                  .encode() + body)
        return s

    def test_a_patch_without_a_length_is_asked_for_one(self):
        with self.raw([f"PATCH {self.create(5)} HTTP/1.1", "Upload-Offset: 0", f"Content-Type: {BYTES}"]) as s:
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 411 "))

    def test_what_came_before_a_connection_broke_stays(self):
        where, size = self.create(1000000), 300000
        with self.raw([f"PATCH {where} HTTP/1.1", "Upload-Offset: 0", f"Content-Type: {BYTES}", "Content-Length: 1000000"], b"a" * size):
            pass
        until("all of them stay", lambda: self.offset(where), lambda offset: offset == size)
        answer = until("the one that broke ends", lambda: self.patch(where, size, b"b" * (1000000 - size)), lambda answer: answer.status != 423)
        self.assertEqual(answer.headers["Upload-Offset"], "1000000")

    def hold(self, where, length):
        """A PATCH whose body the client still keeps to itself."""
        s = self.raw([f"PATCH {where} HTTP/1.1", "Upload-Offset: 0", f"Content-Type: {BYTES}", f"Content-Length: {length}",
                      "Expect: 100-continue"])
        self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 100 "))
        return s

    def test_one_writes_at_a_time_while_its_bytes_flow(self):
        where, done = self.create(1000000), threading.Event()

        def flow(s):
            while not done.wait(0.02):
                s.sendall(b"a")

        with self.hold(where, 1000000) as s:
            client = threading.Thread(target=flow, args=(s,))
            client.start()
            answer = self.patch(where, 0, b"x")
            self.assertEqual((answer.status, answer.json["code"]), (423, "locked"))
            done.set()
            client.join()
        until("what flowed stays", lambda: self.offset(where))

    def test_who_comes_back_takes_over_from_a_request_that_fell_silent(self):
        where = self.create(20)
        with self.hold(where, 20) as s:
            s.sendall(b"a" * 5)
            answer = self.patch(where, 0, b"b" * 20)        # what had come stays: the client goes on from there
            self.assertEqual((answer.status, answer.headers["Upload-Offset"]), (409, "5"))
            self.assertEqual(self.patch(where, 5, b"b" * 15).headers["Upload-Offset"], "20")
            self.assertEqual(s.recv(1), b"", "the silent one is still connected")

    def test_an_upload_can_be_given_up_while_it_is_written(self):
        where = self.create(20)
        with self.hold(where, 20):
            self.assertEqual(self.tus("DELETE", where).status, 204)
        self.assertIn(self.tus("HEAD", where).status, (404, 410))

    def test_a_checksum_is_looked_at_before_anything_is_kept(self):
        where, data = self.create(6), b"abc"
        for kind, digest in (("sha1", hashlib.sha1), ("sha256", hashlib.sha256)):
            at = self.offset(where)
            good = f"{kind} " + base64.b64encode(digest(data).digest()).decode()
            wrong = f"{kind} " + base64.b64encode(digest(b"other").digest()).decode()
            self.assertEqual(self.patch(where, at, data, Upload_Checksum=wrong).status, 460)
            self.assertEqual(self.offset(where), at)
            self.assertEqual(self.patch(where, at, data, Upload_Checksum=good).headers["Upload-Offset"], str(at + 3))

    def test_a_length_may_be_told_late_and_once(self):
        where = self.create(Upload_Defer_Length="1")
        self.assertEqual(self.patch(where, 0, b"abc").status, 204)
        self.assertEqual(self.patch(where, 3, b"d", Upload_Length="2").status, 400)
        self.assertEqual(self.patch(where, 3, b"d", Upload_Length="5").status, 204)
        self.assertEqual(self.tus("HEAD", where).headers["Upload-Length"], "5")
        self.assertEqual(self.patch(where, 4, b"e", Upload_Length="6").status, 400)
        self.assertEqual(self.patch(where, 4, b"ef").status, 413)
        self.assertEqual(self.patch(where, 4, b"e").headers["Upload-Offset"], "5")

    def test_an_upload_that_was_dropped_is_gone(self):
        where = self.create(5)
        self.patch(where, 0, b"ab")
        self.assertEqual(self.tus("DELETE", where).status, 204)
        self.assertIn(self.tus("HEAD", where).status, (404, 410))
        self.assertIn(self.patch(where, 2, b"c").status, (404, 410))

    def test_an_upload_is_its_owners(self):
        where = self.tus("POST", UPLOADS, b"", Upload_Length="5", who=self.bob).headers["Location"]
        anyone, viewer = Api(self.stage.url), Api(self.stage.url)
        anyone.post("/api/v1/auth/register", {"email": "eve@example.org", "password": PASSWORD})
        viewer.login("eve@example.org", PASSWORD)
        for who, statuses in ((anyone, (401,)), (viewer, (403, 404))):
            self.assertIn(self.tus("HEAD", where, who=who).status, statuses)
            self.assertIn(self.tus("DELETE", where, who=who).status, statuses)
            self.assertIn(self.tus("PATCH", where, b"x", who=who, Content_Type=BYTES, Upload_Offset="0").status, statuses)
        self.assertEqual(self.tus("HEAD", where, who=self.bob).headers["Upload-Offset"], "0")

    def test_a_method_may_be_said_in_a_header(self):
        where = self.create(5)
        answer = self.tus("POST", where, b"ab", X_HTTP_Method_Override="PATCH", Content_Type=BYTES, Upload_Offset="0")
        self.assertEqual((answer.status, answer.headers["Upload-Offset"]), (204, "2"))
        self.assertEqual(self.tus("POST", where, b"", X_HTTP_Method_Override="GET").status, 405)

    def test_parts_become_one_original(self):
        with open(CLIP, "rb") as f:
            data = f.read()
        half, parts = len(data) // 2, []
        for piece in (data[:half], data[half:]):
            where = self.create(len(piece), Upload_Concat="partial")
            self.assertEqual(self.tus("HEAD", where).headers["Upload-Concat"], "partial")
            self.assertEqual(self.patch(where, 0, piece).status, 204)
            parts.append(where)
        tail = self.stage.tail("catalog.*")
        answer = self.tus("POST", UPLOADS, b"", Upload_Concat="final;" + " ".join(parts), Upload_Metadata=metadata(title="Whole", visibility="unlisted"))
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(self.alice.get("/api/v1/videos/" + answer.headers["Kinobus-Video"])["visibility"], "unlisted")
        head = self.tus("HEAD", answer.headers["Location"]).headers
        self.assertEqual((int(head["Upload-Offset"]), head["Upload-Concat"]), (len(data), "final;" + " ".join(parts)))
        tail.expect("catalog.video_ready", video_id=answer.headers["Kinobus-Video"])

    def form(self, parts, boundary="----x", end=True, who=None, **headers):
        body = b""
        for name, filename, data in parts:
            what = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
            body += f"--{boundary}\r\nContent-Disposition: {what}\r\n\r\n".encode() + data + b"\r\n"
        body += f"--{boundary}--\r\n".encode() if end else b""
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **headers}
        return (who or self.alice).send("POST", "/api/v1/videos/upload", body, headers)

    def test_a_file_that_is_there_already_is_told(self):
        film = os.urandom(300000)

        def send(*pieces):
            where, at = self.create(len(film)), 0
            for piece in pieces:
                answer = self.patch(where, at, film[at:at + piece])
                self.assertEqual(answer.status, 204)
                at += piece
                if at < len(film):
                    self.assertNotIn("Kinobus-Same-As", answer.headers)
            return where, answer.headers.get("Kinobus-Same-As")

        self.assertIsNone(send(300000)[1])
        _, first = send(100, 200000, 99900)
        video = self.alice.want("GET", f"/api/v1/videos/{first}").json
        self.assertNotIn("same_as", video)
        why = self.alice.want("GET", f"/api/v1/videos/{first}/why").json
        file = next(part for part in why["parts"] if part["what"] == "file")
        self.assertEqual((file["state"], file["detail"]), ("once", "sha256 " + hashlib.sha256(film).hexdigest()))
        places = []
        for at, end in ((0, 100000), (100000, 300000)):     # in parts: found out a moment later
            where = self.create(end - at, Upload_Concat="partial")
            self.assertEqual(self.patch(where, 0, film[at:end]).status, 204)
            places.append(where)
        joined = self.tus("POST", UPLOADS, b"", Upload_Concat="final;" + " ".join(places)).headers["Kinobus-Video"]
        until("it is known again", lambda: self.alice.get(f"/api/v1/videos/{joined}").get("same_as"), lambda same: same == first)

    def test_a_form_uploads_a_film(self):
        with open(CLIP, "rb") as f:
            data = f.read()
        tail = self.stage.tail("catalog.*")
        answer = self.form([("title", None, "Ein Film".encode()), ("visibility", None, b"public"), ("file", "f.mp4", data)])
        self.assertEqual(answer.status, 202, answer.body)
        video = answer.json
        self.assertEqual((video["title"], video["visibility"]), ("Ein Film", "public"))
        self.assertEqual(answer.headers["Location"], "/api/v1/videos/" + video["id"])
        tail.expect("catalog.video_ready", video_id=video["id"])

    def test_a_form_that_is_wrong_leaves_nothing(self):
        before = len(self.alice.get("/api/v1/videos?mine=true&limit=100")["items"])
        film = ("file", "f.mp4", b"x" * 100)
        for parts, status in (([], 400), ([("title", None, b"t")], 400), ([("title", None, b"t" * 201), film], 400),
                              ([("title", None, b"\xff"), film], 400), ([("visibility", None, b"all"), film], 400),
                              ([("tag", None, b"x"), film], 400), ([("title", None, b"t" * 50000), film], 413)):
            with self.subTest(str(parts)[:60]):
                answer = self.form(parts)
                self.assertEqual(answer.status, status, answer.body)
                self.assertEqual(answer.json["status"], status)
        self.assertEqual(self.form([film], who=Api(self.stage.url)).status, 401)
        self.assertEqual(self.form([film], **{"Content-Type": "application/json"}).status, 415)
        self.assertEqual(self.form([film], **{"Content-Type": "multipart/form-data"}).status, 415)
        self.assertEqual(len(self.alice.get("/api/v1/videos?mine=true&limit=100")["items"]), before)

    def test_a_form_that_breaks_off_is_refused(self):
        answer = self.form([("file", "f.mp4", b"x" * 100)], end=False)
        self.assertEqual((answer.status, answer.json["code"]), (400, "malformed"))
        answer = self.form([("file", "f.mp4", b"x"), ("title", None, b"late")])
        self.assertEqual((answer.status, "before the file" in answer.json["detail"]), (400, True))


class Places(unittest.TestCase):
    def test_more_uploads_than_allowed_wait(self):
        with Stage(env={"KINOBUS_FRONT_UPLOADS": "1"}) as p:
            alice = p.login()
            headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
            first, second = (alice.want("POST", UPLOADS, b"", headers).headers["Location"] for _ in range(2))
            s = socket.create_connection(("127.0.0.1", p.port), timeout=PATIENCE)
            with s:
                s.sendall(f"PATCH {first} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nTus-Resumable: 1.0.0\r\n"
                          f"Upload-Offset: 0\r\nContent-Type: {BYTES}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
                self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 100 "))
                patch = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": BYTES}
                answer = alice.send("PATCH", second, b"abcde", patch)
                self.assertEqual((answer.status, answer.json["code"], answer.headers["Retry-After"]), (503, "busy", "1"))
                s.sendall(b"abcde")
                self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 204 "))
            self.assertEqual(alice.send("PATCH", second, b"abcde", patch).status, 204)

    def test_what_was_acknowledged_survives_the_death_of_the_front(self):
        with Stage() as p:
            alice, size = p.login(), 2000000
            headers = {"Tus-Resumable": "1.0.0"}
            where = alice.want("POST", UPLOADS, b"", {**headers, "Upload-Length": str(size)}).headers["Location"]
            patch = {**headers, "Content-Type": BYTES}
            acknowledged = int(alice.want("PATCH", where, b"a" * 300000, {**patch, "Upload-Offset": "0"}).headers["Upload-Offset"])
            with socket.create_connection(("127.0.0.1", p.port), timeout=PATIENCE) as s:
                s.sendall(f"PATCH {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nTus-Resumable: 1.0.0\r\n"
                          f"Upload-Offset: {acknowledged}\r\nContent-Type: {BYTES}\r\nContent-Length: {size - acknowledged}\r\n"
                          f"Expect: 100-continue\r\n\r\n".encode())
                self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 100 "))
                s.sendall(b"b" * 200000)
                p.kill("front")
            p.wait_ready()
            offset = int(alice.want("HEAD", where, None, headers).headers["Upload-Offset"])
            self.assertGreaterEqual(offset, acknowledged)
            self.assertLessEqual(offset, acknowledged + 200000)
            answer = alice.want("PATCH", where, b"b" * (size - offset), {**patch, "Upload-Offset": str(offset)})
            self.assertEqual(answer.headers["Upload-Offset"], str(size))


if __name__ == "__main__":
    unittest.main()
