"""c004: files made to do harm are refused with a reason, or become a video of what can be shown of them; a file they name is not
read, a port they name is not called, no process ends, and what others upload meanwhile becomes a video.

A few are written here; with KINOBUS_LONG, all of the shared hostile files are taken where they are."""
import os
import socket
import sys
import unittest

for folder in ("harness", "media"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import corpus  # noqa: E402  (the folders must be on the path first)
import likeness  # noqa: E402
from stage import CLIP, MEDIA, Stage  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
SHARED = os.path.join(MEDIA, "hostile")
LIST = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{}\n#EXT-X-ENDLIST\n"
NAMING = {  # what names the file {canary} or the address {called}
    "playlist.mp4": LIST.format("file://{canary}"), "path.m3u8": LIST.format("{canary}"), "web.mp4": LIST.format("http://{called}/x.ts"),
    "joined.avi": LIST.format("concat:http://{called}/x|file://{canary}"), "list.ffconcat": "ffconcat version 1.0\nfile '{canary}'\n",
    "manifest.mp4": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
                    '<Representation id="1"><BaseURL>file://{canary}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "picture.svg": '<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{canary}">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
}


class HostileFilms(unittest.TestCase):
    def setUp(self):
        self.stage = Stage().__enter__()
        self.addCleanup(self.stage.__exit__, None, None, None)
        self.alice, self.running = self.stage.login(), self.stage.pids()
        self.canary = os.path.join(self.stage.state, "canary.ts")
        likeness.ffmpeg("-i", CLIP, "-t", "1", "-c", "copy", self.canary)
        self.port = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.port.close)
        os.utime(self.canary, (0, 1))       # a first read would set the first of the two
        self.outcomes = {}

    def become(self, paths):
        tail = self.stage.tail("catalog.*")
        videos = {self.alice.upload(path, title=os.path.basename(path)): os.path.basename(path) for path in (*paths, CLIP)}
        while videos:
            m = tail.wait(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_failed") and m["body"]["video_id"] in videos,
                          "end of " + ", ".join(videos.values()))
            name = videos.pop(m["body"]["video_id"])
            self.outcomes[name] = self.alice.get(f"/api/v1/videos/{m['body']['video_id']}")

    def nobody_was_harmed(self):
        self.assertEqual(os.stat(self.canary).st_atime, 0, "the canary was read")
        self.port.setblocking(False)
        self.assertRaises(BlockingIOError, self.port.accept)
        self.assertEqual(self.stage.pids(), self.running, "a process ended")
        self.assertEqual(self.outcomes[os.path.basename(CLIP)]["state"], "ready")
        with open(self.canary, "rb") as f:          # the canary tells
            f.read()
        self.assertGreater(os.stat(self.canary).st_atime, 0)

    def refused(self, name, word):
        seen = self.outcomes[name]
        self.assertEqual(seen["state"], "failed")
        self.assertRegex(seen["reason"], r"^[A-Z].*\.$")
        self.assertIn(word, seen["reason"])

    def test_what_names_others_reaches_none(self):
        paths = []
        for name, text in NAMING.items():
            paths.append(os.path.join(self.stage.state, name))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(text.format(canary=self.canary, called=f"127.0.0.1:{self.port.getsockname()[1]}"))
        self.become(paths)
        for name in NAMING:
            with self.subTest(name):
                self.refused(name, "It cannot be read")
        self.nobody_was_harmed()

    def shared_files(self):
        names = sorted(os.listdir(SHARED))
        self.assertEqual(set(names), {*corpus.HOSTILE, "zero_byte.mp4"}, "each file has its row")
        self.become([os.path.join(SHARED, n) for n in corpus.HOSTILE])
        for name, wanted in corpus.HOSTILE.items():
            with self.subTest(name):
                if isinstance(wanted, str):
                    self.refused(name, wanted)
                else:
                    seen = self.outcomes[name]
                    self.assertEqual(seen["state"], "ready", seen.get("reason"))
                    self.assertEqual((seen.get("width", 0), seen.get("height", 0)), wanted or (0, 0))
        self.assertEqual(self.alice.send("POST", "/api/v1/uploads", headers={
            "Tus-Resumable": "1.0.0", "Upload-Length": "0", "Content-Length": "0"}).status, 400)
        self.nobody_was_harmed()

    if LONG and os.path.isdir(SHARED):
        test_shared_files = shared_files


if __name__ == "__main__":
    unittest.main()
