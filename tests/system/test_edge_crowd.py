"""A crowd at the edge: idle viewers, readers that hardly read, senders that hardly send. A viewer among them is served all the same.
Some hundreds of them; with KINOBUS_LONG, 10,000 idle ones, 5,000 slow readers, and as many slow senders as the front has places."""
import contextlib
import os
import resource
import socket
import sys
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"), os.path.dirname(os.path.abspath(__file__))]
from stage import CLIP, Api  # noqa: E402  (the folders must be on the path first)
from edge import EdgeStage, Site  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
IDLE, READERS, SENDERS, FETCHES = (10000, 5000, 64, 300) if LONG else (600, 300, 16, 60)
SIZE = 2_000_000


class Client:
    """One connection that has asked for something."""

    def __init__(self, port, request, buffer=None):
        self.s = socket.socket()
        if buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.s.settimeout(30)
        self.s.connect(("127.0.0.1", port))
        self.s.sendall(request)

    def status(self):
        return self.s.recv(200).split(b" ")[1]

    def take(self, n):
        """Up to n bytes of what is there; None: the other side has ended it."""
        self.s.setblocking(False)
        try:
            return self.s.recv(n) or None
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            return None

    def close(self):
        self.s.close()


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


class Crowd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        if files < IDLE + READERS + 1000:
            raise AssertionError(f"{IDLE} and {READERS} connections need more open files than {files} (ulimit -n)")
        cls.stack = contextlib.ExitStack()
        cls.stage = cls.stack.enter_context(EdgeStage(env={"KINOBUS_FRONT_UPLOADS": str(SENDERS)}))
        alice, tail = cls.stage.login(), cls.stage.tail("catalog.*")
        video = alice.upload(CLIP, title="A film", visibility="public")
        tail.expect("catalog.video_ready", video_id=video, within=120)
        cls.right = Api(cls.stage.url).post(f"/api/v1/videos/{video}/playback")["hls_url"].rsplit("/", 1)[0]
        blobs = os.path.join(cls.stage.state, "blobs")
        cls.lies = os.urandom(SIZE)
        with open(os.path.join(blobs, "media", *cls.right.split("/")[3:], "long.m4s"), "wb") as f:
            f.write(cls.lies)
        folder = os.path.join(cls.stage.state, "site")
        os.mkdir(folder)
        cls.site = cls.stack.enter_context(Site(folder, [f"127.0.0.1:{cls.stage.port}"], cls.stage.secret(), blobs=blobs, connections=16384))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def viewer(self, turn=lambda: None):
        """One among them: every fetch of hers is right."""
        api = Api(self.site.url)
        for i in range(FETCHES):
            answer = api.send("GET", f"{self.right}/{'long.m4s' if i % 5 == 0 else 'master.m3u8'}")
            self.assertEqual(answer.status, 200)
            if i % 5 == 0:
                self.assertEqual(answer.body, self.lies)
            else:
                self.assertTrue(answer.body.startswith(b"#EXTM3U"))
            turn()
        self.assertEqual(api.send("GET", "/api/v1/videos").status, 200)

    def crowd(self, n, make):
        found = []
        self.addCleanup(lambda: [client.close() for client in found])
        for i in range(n):
            found.append(make(i))
        return found

    def test_idle_viewers_are_in_nobodys_way(self):
        idle = self.crowd(IDLE, lambda _: Client(self.site.port, get(f"{self.right}/master.m3u8")))
        for client in idle:
            self.assertEqual(client.status(), b"200")
        self.viewer()

    def test_slow_readers_are_in_nobodys_way(self):
        slow = self.crowd(READERS, lambda _: Client(self.site.port, get(f"{self.right}/long.m4s"), buffer=4096))
        for client in slow:
            self.assertEqual(client.status(), b"200")
        at = [0]

        def read_a_little():
            for _ in range(max(1, len(slow) // 50)):
                slow[at[0] % len(slow)].take(512)
                at[0] += 1

        self.viewer(read_a_little)
        self.assertGreater(sum(client.take(1) is not None for client in slow), READERS // 2, "there was no crowd")

    def test_slow_senders_are_in_nobodys_way(self):
        api = Api(self.site.url, self.stage.login().token)
        where = [api.want("POST", "/api/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "100000", "Content-Length": "0"})
                 .headers["Location"] for _ in range(SENDERS)]
        slow = self.crowd(SENDERS, lambda i: Client(self.site.port, (
            f"PATCH {where[i]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            "Content-Type: application/offset+octet-stream\r\nContent-Length: 100000\r\n\r\n").encode()))
        open_, until = "kinobus_uploads_open{", time.monotonic() + 60
        while not any(line.startswith(open_) and line.endswith(f" {SENDERS}")
                      for line in Api(self.stage.url).send("GET", "/metrics").body.decode().splitlines()):
            self.assertLess(time.monotonic(), until, "they do not all begin")
            time.sleep(0.1)

        def send_a_little():
            for client in slow:
                client.s.sendall(b"x")

        self.viewer(send_a_little)
        for client in slow:
            self.assertIsNotNone(client.take(1), "one was cut off though nobody waits for its place")


if __name__ == "__main__":
    unittest.main()
