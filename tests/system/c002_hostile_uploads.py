"""c002: clients of uploads that break off, fall silent, lie and forge, and names that are traps: what is stored is what
was sent, the front stays small, and nothing is left behind."""
import base64
import contextlib
import hashlib
import os
import random
import re
import socket
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE, until  # noqa: E402  (the folder must be on the path first)
from stage import Stage  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
UPLOADS, BYTES = "/api/v1/uploads", "application/offset+octet-stream"
GROWTH = 16 << 20
NAMES = ["../../../../etc/passwd", "..\\..\\windows\\win.ini", "-i.mp4", "--help.mp4", "concat:a.mp4|b.mp4", "file:x.mp4", "%d.mp4",
         "%n%n%s.mp4", "a;touch pwned;.mp4", "$(id).mp4", "`id`.mp4", "quote'\".mp4", "new\nline.mp4", "nul\0.mp4", "CON.mp4", ".htaccess",
         ".mp4", "a" * 300 + ".mp4", "<script>alert(1)</script>.mp4", "\u202egpj.mp4", "e\u0301.mp4", "\u00e9.mp4",
         "\U0001f469\u200d\U0001f469\u200d\U0001f467.mp4", "video.mp4/", "video.mp4 ", "video.mp4::$DATA", "video.php.mp4",
         "video.mp4.html", "\U0001f600", " "]


class Upload:
    """One upload by a client that does as it likes: every request is a connection of its own, written by hand."""

    def __init__(self, stage, api, data, name="film.mp4", defer=False):
        self.stage, self.api, self.data = stage, api, data
        length = {"Upload_Defer_Length": "1"} if defer else {"Upload_Length": str(len(data))}
        answer = self.ask("POST", UPLOADS, **length, Upload_Metadata="filename " + base64.b64encode(name.encode()).decode())
        self.where, self.video = answer.headers["Location"], answer.headers["Kinobus-Video"]

    def ask(self, method, where, **headers):
        """A request without a body; who is told to come back when the front has a place again does so."""
        headers = {"Tus-Resumable": "1.0.0", **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = until(f"{method} {where} finds a place", lambda: self.api.send(method, where, b"", headers), lambda answer: answer.status != 503)
        if answer.status >= 300:
            raise AssertionError(f"{method} {where}: {answer.status} {answer.body}")
        return answer

    def request(self, method, **headers):
        lines = [f"{method} {self.where} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.api.token}", "Tus-Resumable: 1.0.0",
                 f"Content-Type: {BYTES}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()), "", ""]
        s = socket.create_connection(("127.0.0.1", self.stage.port), timeout=PATIENCE)
        s.sendall("\r\n".join(lines).encode())
        return s

    @staticmethod
    def status(s):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = s.recv(4096)
            if not piece:
                return 0
            head += piece
        return int(head.split()[1])

    def offset(self):
        return int(self.ask("HEAD", self.where).headers["Upload-Offset"])

    def patch(self, at, until, **headers):
        """The status; 0: the connection was ended first. Who is told to wait may be told before all is sent."""
        with self.request("PATCH", Upload_Offset=at, Content_Length=until - at, **headers) as s:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                s.sendall(self.data[at:until])
            try:
                return self.status(s)
            except ConnectionResetError:
                return 0

    def blob(self):
        return os.path.join(self.stage.state, "blobs", "raw", self.video, self.where.rsplit("/", 1)[1])

    def stored(self):
        with open(self.blob(), "rb") as f:
            return hashlib.file_digest(f, "sha256").digest() if hasattr(hashlib, "file_digest") else hashlib.sha256(f.read()).digest()

    def sum(self):
        return hashlib.sha256(self.data).digest()


# What a client may do wrong with an upload that stands at `at`; each leaves the upload to go on with.

def break_off(test, up, at, rnd):
    with up.request("PATCH", Upload_Offset=at, Content_Length=len(up.data) - at) as s:
        s.sendall(up.data[at:at + rnd.randrange(1, 400000)])


def fall_silent(test, up, at, rnd):
    s = up.request("PATCH", Upload_Offset=at, Content_Length=len(up.data) - at)
    s.sendall(up.data[at:at + rnd.randrange(1, 400000)])
    test.silent.append(s)       # stays open: who goes on must get past it


def reset(test, up, at, rnd):
    with up.request("PATCH", Upload_Offset=at, Content_Length=len(up.data) - at) as s:
        s.sendall(up.data[at:at + rnd.randrange(1, 400000)])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def lie_about_the_offset(test, up, at, rnd):
    wrong = rnd.choice([n for n in (0, at - 1, at + 1, len(up.data)) if 0 <= n <= len(up.data) and n != at])
    with up.request("PATCH", Upload_Offset=wrong, Content_Length=1) as s:
        s.sendall(b"?")
        test.assertEqual(up.status(s), 409)


def forge_a_checksum(test, up, at, rnd):
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    test.assertEqual(up.patch(at, min(at + 5000, len(up.data)), Upload_Checksum="sha256 " + wrong), 460)


def send_too_much(test, up, at, rnd):
    with up.request("PATCH", Upload_Offset=at, Content_Length=len(up.data) - at + 1) as s:
        test.assertEqual(up.status(s), 413)


def change_the_length(test, up, at, rnd):
    with up.request("PATCH", Upload_Offset=at, Content_Length=1, Upload_Length=len(up.data) + 1) as s:
        s.sendall(b"?")
        test.assertEqual(up.status(s), 400)


def break_the_head(test, up, at, rnd):
    with socket.create_connection(("127.0.0.1", up.stage.port), timeout=PATIENCE) as s:
        s.sendall(f"PATCH {up.where} HTTP/1.1\r\nHost: x\r\nUpload-Off".encode())


WRONGS = [break_off, fall_silent, reset, lie_about_the_offset, forge_a_checksum, send_too_much, change_the_length, break_the_head]


class HostileUploads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.alice = cls.stage.login()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def setUp(self):
        self.silent = []
        self.front = self.stage.pids()["front-1"]
        warm = Upload(self.stage, self.alice, b"warm")
        warm.patch(0, 4)
        self.before = self.memory()
        self.videos = [warm.video]

    def tearDown(self):
        for s in self.silent:
            s.close()

    def memory(self):
        with open(f"/proc/{self.front}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))

    def end_well(self):
        """The front is as small as before, and what is deleted leaves no byte in the store."""
        self.assertEqual(self.stage.pids()["front-1"], self.front, "the front died")
        grown = self.memory() - self.before
        self.assertLessEqual(grown, GROWTH, f"the front grew by {grown >> 20} MiB")
        for video in self.videos:
            self.alice.want("DELETE", f"/api/v1/videos/{video}?now=true")
        raw = os.path.join(self.stage.state, "blobs", "raw")
        until("nothing is left", lambda: [os.path.join(f, n) for f, _, names in os.walk(raw) for n in names][:5], lambda left: not left)

    def go_on(self, up):
        """To the end as a client should: from where the server says it stands."""
        def send(at):
            if at < len(up.data):
                self.assertIn(up.patch(at, len(up.data)), (204, 409, 423))
            return at

        until("the upload ends", lambda: send(up.offset()), lambda at: at == len(up.data))

    def test_a_client_that_does_everything_wrong_gets_its_file_there(self):
        seed = int(os.environ.get("KINOBUS_SEED", random.randrange(1 << 30)))
        rnd = random.Random(seed)
        for turn in range(12 if LONG else 3):
            up = Upload(self.stage, self.alice, rnd.randbytes(6_000_000))
            self.videos.append(up.video)
            wrongs = rnd.sample(WRONGS, len(WRONGS))
            for wrong in wrongs:
                with self.subTest(f"seed {seed}, turn {turn}: {wrong.__name__}"):
                    at = up.offset()
                    if at == len(up.data):
                        break
                    wrong(self, up, at, rnd)
                    now = up.offset()
                    self.assertGreaterEqual(now, at, "what was acknowledged is gone")
                    until("a client goes on as soon as what it broke has ended", lambda: self.send_more(up), lambda status: status == 204)
            self.go_on(up)
            self.assertEqual(up.stored(), up.sum(), f"seed {seed}, turn {turn}")
        self.end_well()

    def send_more(self, up):
        now = up.offset()
        status = up.patch(now, min(now + 100000, len(up.data)))
        self.assertIn(status, (204, 409, 423))
        return status

    def test_a_name_is_text_and_nothing_else(self):
        before = sorted(os.listdir(self.stage.state))
        for i, name in enumerate(NAMES):
            with self.subTest(name):
                up = Upload(self.stage, self.alice, f"bytes of {i}".encode(), name)
                self.videos.append(up.video)
                self.assertEqual(up.patch(0, len(up.data)), 204)
                self.assertEqual(up.stored(), up.sum())
                title = self.alice.get(f"/api/v1/videos/{up.video}")["title"]
                base = re.split(r"[/\\]", name.replace("\0", " ")[:255])[-1] or name
                self.assertEqual(title, (base.rsplit(".", 1)[0] or base)[:200])
                self.form(name, f"form of {i}".encode())
        self.assertEqual(sorted(os.listdir(self.stage.state)), before)
        self.end_well()

    def form(self, name, data):
        """As a browser sends it: quotes and line ends of a file's name are escaped."""
        told = name.replace('"', "%22").replace("\n", "%0A").replace("\0", "%00")
        body = (f'--b\r\nContent-Disposition: form-data; name="file"; filename="{told}"\r\n\r\n').encode() + data + b"\r\n--b--\r\n"
        answer = self.alice.send("POST", "/api/v1/videos/upload", body, {"Content-Type": "multipart/form-data; boundary=b"})
        self.assertEqual(answer.status, 202, answer.body)
        self.videos.append(answer.json["id"])
        folder = os.path.join(self.stage.state, "blobs", "raw", answer.json["id"])
        film, = (name for name in os.listdir(folder) if not name.startswith("."))     # beside it lies how long it is, and its sum
        with open(os.path.join(folder, film), "rb") as f:
            self.assertEqual(f.read(), data)

    def test_uploads_that_are_given_up_leave_nothing(self):
        for defer in (False, True):
            up = Upload(self.stage, self.alice, b"x" * 300000, defer=defer)
            self.videos.append(up.video)
            up.patch(0, 200000)
            self.assertEqual(self.alice.send("DELETE", up.where, None, {"Tus-Resumable": "1.0.0"}).status, 204)
        self.end_well()

    def test_many_files_at_once(self):
        """More than there are places and threads: whoever is told to wait does, and nobody is forgotten."""
        many = 1000 if LONG else 150

        def send(i):
            up = Upload(self.stage, self.alice, random.Random(i).randbytes(20000 + i))
            self.videos.append(up.video)
            status = until("it is sent", lambda: up.patch(up.offset(), len(up.data)), lambda status: status not in (0, 409, 423, 503))
            self.assertEqual(status, 204)
            return up

        with ThreadPoolExecutor(many) as pool:
            ups = list(pool.map(send, range(many)))
        for up in ups:
            self.assertEqual(up.stored(), up.sum())
        self.end_well()

    def send_some(self, where, at, upto, said, piece):
        """One PATCH of the bytes at..upto that says it goes to `said`; its status, 0 when it was left before that."""
        with socket.create_connection(("127.0.0.1", self.stage.port), timeout=PATIENCE) as s:
            s.sendall(f"PATCH {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.alice.token}\r\nTus-Resumable: 1.0.0\r\n"
                      f"Content-Type: {BYTES}\r\nUpload-Offset: {at}\r\nContent-Length: {said - at}\r\n\r\n".encode())
            for begin in range(at, upto, len(piece)):
                s.sendall(piece[:min(len(piece), upto - begin)])
            return 0 if said > upto else Upload.status(s)

    def one_file_of_twenty_gigabytes(self):
        size, piece = 20 << 30, bytes(4 << 20)
        answer = self.alice.want("POST", UPLOADS, b"", {"Tus-Resumable": "1.0.0", "Upload-Length": str(size)})
        where, video = answer.headers["Location"], answer.headers["Kinobus-Video"]
        self.videos.append(video)
        at, rnd = 0, random.Random(1)
        while at < size:
            upto = min(at + rnd.randrange(1 << 30, 6 << 30), size)
            cut = upto < size and rnd.random() < 0.5
            try:        # refused while what was cut off is still being written: then from where that ends
                status = self.send_some(where, at, upto, size if cut else upto, piece)
                self.assertIn(status, (0, 204, 409, 423))
            except ConnectionError:
                pass
            self.alice = self.stage.login()
            at = int(self.alice.want("HEAD", where, None, {"Tus-Resumable": "1.0.0"}).headers["Upload-Offset"])
            self.assertLessEqual(self.memory() - self.before, GROWTH)
        blob = os.path.join(self.stage.state, "blobs", "raw", video, where.rsplit("/", 1)[1])
        self.assertEqual(os.path.getsize(blob), size)
        self.end_well()

    if LONG:        # minutes long
        test_one_file_of_twenty_gigabytes = one_file_of_twenty_gigabytes


if __name__ == "__main__":
    unittest.main()
