"""f006: a host that encodes and does not see the platform's disk: it has the originals by a front, and puts what it makes
there, with rights that are good for its own job alone.

The disk is hidden from it by a mount of nothing over the platform's folder. What it says to the front passes a recorder, whose
notes are then tried for what they must not open.
"""
import http.client
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from hosts import Net, Proxy, enter  # noqa: E402  (the folders must be on the path first)
from patience import PATIENCE, until  # noqa: E402
from spread import FRONT, SHARE, Hosts  # noqa: E402
from stage import BIN, CLIP, media  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
FILM = media("bbb_486p24_30s_moov_at_end.mp4" if LONG else "flower_540p30_5s.mp4")
GROWING = media("bbb_360p24_30s_fragmented_noaudio.mp4")
ASKED = re.compile(rb"(?:^|\r\n\r\n)(GET|PUT|HEAD) /blobs/([^/ ]+)/([^ ]+) HTTP/1\.1\r\n")


class Recorder(Proxy):
    """Notes what is asked of the front, and how many bytes pass."""

    def __init__(self, to):
        self.asked, self.bytes, self.lock = [], 0, threading.Lock()
        super().__init__(to)

    def pump(self, source, sink, stalled):
        super().pump(Noted(self, source), sink, stalled)

    def note(self, data):
        with self.lock:
            self.bytes += len(data)
            self.asked += [tuple(word.decode() for word in match) for match in ASKED.findall(data)]

    def right(self, method, prefix):
        """A right that was used so, and a name that it was used for; None: none was yet."""
        return next(((right, name) for verb, right, name in self.asked if verb == method and name.startswith(prefix)), None)


class Noted:
    """A socket whose bytes a recorder sees as they are read."""

    def __init__(self, recorder, sock):
        self.recorder, self.sock = recorder, sock

    def recv(self, size):
        data = self.sock.recv(size)
        self.recorder.note(data)
        return data

    def __getattr__(self, name):
        return getattr(self.sock, name)


class Apart(Hosts):
    """Hosts that encode with folders of their own, and see nothing of the platform's."""

    def __init__(self, net, encoders=("attic",), env=None):
        super().__init__(net, encoders, env=env)
        self.recorder = Recorder((net.address["web"], FRONT))
        self.settings = ["transcode.blobs=" + self.recorder.endpoint.replace("tcp://", "http://")]
        self.folders = {}

    def join(self, role, host, *more):
        if role != "transcode":
            super().join(role, host, *more)
            return
        folder = self.folders[host] = tempfile.mkdtemp(prefix="kinobus-apart-")
        path = os.path.join(folder, "join")
        self.cli("key", "make", f"{role}/{host}", self.broker, path)
        hidden = f'mount -t tmpfs none {self.state} && exec "$@"'
        with open(os.path.join(self.state, host + ".log"), "ab") as log:
            self.others[host] = self.net.popen(
                host, ["unshare", "--mount", "sh", "-c", hidden, "sh", os.path.join(BIN, "kinobus-" + role), "--join", path,
                       "--state", os.path.join(folder, "none"), *(word for setting in self.settings for word in ("--set", setting))],
                env=self.env, stdout=log, stderr=log)

    def stop(self):
        super().stop()
        self.recorder.end()
        for folder in self.folders.values():
            shutil.rmtree(folder, ignore_errors=True)

    def said(self, host):
        with open(os.path.join(self.state, host + ".log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def ask(self, method, right, name, body=None, headers=None):
        """As somebody would who has come by an address."""
        connection = http.client.HTTPConnection(self.net.address["web"], FRONT, timeout=PATIENCE)
        try:
            connection.putrequest(method, f"/blobs/{right}/{name}", skip_accept_encoding=True)
            for key, value in {**(headers or {}), "Content-Length": str(len(body or b""))}.items():
                connection.putheader(key, value)
            connection.endheaders(body or b"")
            return connection.getresponse().status
        finally:
            connection.close()

    def grow(self, path):
        """Half of it is sent, and the rest once the beginning can be watched: who encodes reads up to what is there."""
        api, half = self.login(), threading.Event()

        def progress(offset, size):
            if half.is_set() or offset < size / 2:
                return
            half.set()
            video = api.get("/api/v1/videos")["items"][0]["id"]
            until("it can be watched while it arrives", lambda: api.get(f"/api/v1/videos/{video}").get("playable_until_ms"))

        return self.film("Growing", path, piece=256 * 1024, progress=progress)

    def made(self, video):
        """Bytes of all that lies there of a video."""
        folder = os.path.join(self.state, "blobs", "media", video)
        return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


class NoSharedDisk(unittest.TestCase):
    def setUp(self):
        self.net = Net(["bus", "web", "attic", "cellar"])
        self.addCleanup(self.net.end)

    def shared(self, path):
        """What hosts make of a film that see the disk."""
        with Hosts(self.net) as p:
            video = p.film("Shared", path)
            self.assertEqual(p.ready(video), "ready")
            return p.outputs(video)

    def test_the_same_bytes_come_out_also_of_a_film_that_still_arrives_and_over_a_link_that_breaks(self):
        wanted, growing = self.shared(FILM), self.shared(GROWING)
        with Apart(self.net, env={"KINOBUS_TRANSCODE_BLOBS_PATIENCE_S": "1"}) as p:
            tail = p.tail()
            video = p.film("Apart", FILM)
            self.assertEqual(p.ready(video), "ready")
            self.assertEqual(p.outputs(video), wanted)
            self.assertEqual(os.listdir(p.folders["attic"]), ["join"])      # it keeps nothing
            made, source = p.made(video), os.path.getsize(FILM)
            print(f"{made} bytes made of {source}: {p.recorder.bytes} passed the link, {p.recorder.bytes / made:.2f} for each "
                  f"that was made, in {len(p.recorder.asked)} requests", file=sys.stderr)

            video = p.grow(GROWING)
            self.assertEqual(p.ready(video), "ready")
            self.assertEqual(p.outputs(video), growing)

            video = p.film("Without a front for a while", FILM)
            before = len(p.recorder.asked)
            until("a segment is put", lambda: any(verb == "PUT" for verb, _, _ in p.recorder.asked[before:]))
            self.kill_front(p)
            self.assertEqual(p.ready(video), "ready")
            self.assertEqual(p.outputs(video), wanted)

            video = p.film("Cut off", FILM)
            before = len(p.recorder.asked)
            until("a segment is put", lambda: any(verb == "PUT" for verb, _, _ in p.recorder.asked[before:]))
            self.net.cut("attic")
            until("the broker knows that the attic is gone", p.joined, lambda joined: "attic" not in joined)
            self.assertNotEqual(p.login().get(f"/api/v1/videos/{video}")["state"], "ready")
            self.net.heal("attic")
            self.assertEqual(p.ready(video), "ready")
            self.assertEqual(p.outputs(video), wanted)
            self.assertEqual(p.findings(tail), [])

    def kill_front(self, p):
        """What it had of an object that came is nobody's; the attic hands its job back, and goes on when there is one again."""
        p.others["web"].kill()
        p.others["web"].wait(PATIENCE)
        until("a job is handed back for want of a front", lambda: "ERR_UNAVAILABLE" in p.said("attic"))
        p.join("front", "web", "--share", SHARE)
        p.wait_ready()

    def test_a_right_opens_what_its_job_needs_and_nothing_else_and_ends(self):
        with Apart(self.net) as p:
            tail = p.tail("catalog.lend")
            one, other, last = (p.film(title, CLIP) for title in ("One", "Other", "Last"))
            self.assertEqual([p.ready(video) for video in (one, other, last)], ["ready"] * 3)
            read, name, put, segment = self.rights(p, last)
            _, others = p.recorder.right("GET", f"raw/{other}/")
            self.assertEqual(p.ask("GET", read, name), 200)
            for refused in (others, name.replace(last, other), f"media/{last}/1/v/h264-360/init.mp4",
                            f"raw/{last}/../{others.removeprefix('raw/')}",
                            f"raw/{last}/%2e%2e/{others.removeprefix('raw/')}", name.upper(), f"raw/{last}"):
                self.assertIn(p.ask("GET", read, refused), (400, 403, 404), refused)
            self.assertEqual(p.ask("GET", read, others), 403)
            hashed = {"Blob-Hash": "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"}
            self.assertEqual(p.ask("PUT", read, f"raw/{last}/new", b"abc", hashed), 403)
            self.assertEqual(p.ask("GET", put, segment), 403)
            self.assertEqual(p.ask("PUT", put, segment.replace(last, other), b"abc", hashed), 403)
            self.assertEqual(p.ask("PUT", put, segment, b"abc", hashed), 409)       # it stays as it was made
            self.assertEqual(p.ask("DELETE", put, segment), 405)
            p.cli("config", "catalog", "lend_s", "15")
            began, brief = time.monotonic(), p.film("For a moment", CLIP)
            brief_read, name, brief_put, _ = until("it is read, and what was made of it is put", lambda: self.rights(p, brief))
            until("the right to read has ended", lambda: p.ask("GET", brief_read, name), lambda status: status == 403)
            until("the right to put has ended", lambda: p.ask("PUT", brief_put, f"media/{brief}/1/new", b"abc", hashed), lambda status: status == 403)
            print(f"they ended {time.monotonic() - began:.0f} s after the film was sent", file=sys.stderr)
            self.hidden(p, (read, put, brief_read, brief_put), tail)

    def rights(self, p, video):
        """Those that the attic has read it and put what it made by, each with a name that it was used for."""
        read, put = p.recorder.right("GET", f"raw/{video}/"), p.recorder.right("PUT", f"media/{video}/")
        return read and put and (*read, *put)

    def hidden(self, p, rights, tail):
        """Whoever reads what was logged, or hears what is said, has no right by it."""
        tail.drain()
        self.assertTrue(any("lent" in message.get("body", {}) for message in tail.seen), "what is lent was not heard")
        for right in rights:
            self.assertNotIn(right, json.dumps(tail.seen))
        for folder in (p.state, os.path.join(p.state, "log")):
            for name in os.listdir(folder):
                if name.endswith(".log"):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                        text = f.read()
                    for right in rights:
                        self.assertNotIn(right, text, name)


class Long(NoSharedDisk):
    """What takes minutes: with --long."""

    def test_a_link_that_is_slow_and_loses_packets(self):
        wanted = self.shared(FILM)
        with Apart(self.net, encoders=("attic", "cellar")) as p:
            tail = p.tail()
            self.net.slow("attic", "4mbit")
            self.net.lose("cellar", 10)
            video = p.film("Slow", FILM)
            self.assertEqual(p.ready(video), "ready")
            self.net.lose("cellar", 0)
            self.assertEqual(p.outputs(video), wanted)
            self.assertEqual(p.findings(tail), [])


def load_tests(loader, tests, pattern):
    return loader.loadTestsFromTestCase(Long if LONG else NoSharedDisk)


if __name__ == "__main__":
    enter()
    unittest.main()
