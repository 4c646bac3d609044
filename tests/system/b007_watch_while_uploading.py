"""b007: a film can be watched before its last byte was sent, whatever it came in that can be read from its front; and one whose
index lies behind its media as soon as that index was sent, be it first."""
import base64
import os
import sys
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "media")]
import make  # noqa: E402  (the folders must be on the path first)
from patience import until  # noqa: E402
from stage import Stage  # noqa: E402

SECONDS = 32
SENT = 0.75                     # of the file, before it must be watchable: 24 s, where runs end at 6, 12 and 24
FORMS = {"front.mp4": ("-g", "50", "-movflags", "+faststart"), "film.mkv": ("-g", "50"), "film.ts": ("-g", "50"),
         "film.webm": ("-c:v", "libvpx", "-c:a", "libvorbis", "-cpu-used", "8", "-deadline", "realtime", "-g", "50")}
TUS = {"Tus-Resumable": "1.0.0"}


class Sender:
    """One tus upload, a piece at a time; with `at` a part that says where it belongs."""

    def __init__(self, api, video, length, at=None, total=None):
        self.api, self.offset = api, 0
        headers = {**TUS, "Upload-Length": str(length), "Content-Length": "0"}
        if at is None:
            headers["Upload-Metadata"] = "video_id " + base64.b64encode(video.encode()).decode()
        else:
            headers |= {"Upload-Concat": "partial", "Upload-Video": video, "Upload-At": str(at), "Upload-Total": str(total)}
        answer = api.want("POST", "/api/v1/uploads", headers=headers)
        self.path = urllib.parse.urlsplit(answer.headers["Location"]).path

    def send(self, data):
        answer = self.api.want("PATCH", self.path, body=data, headers={
            **TUS, "Upload-Offset": str(self.offset), "Content-Type": "application/offset+octet-stream"})
        self.offset = int(answer.headers["Upload-Offset"])


class WatchWhileUploading(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.tail, cls.api = cls.stage.tail(), cls.stage.login()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def make(self, name, *more):
        path = os.path.join(self.stage.state, name)
        make.clip(path, SECONDS, more=more)
        with open(path, "rb") as f:
            return f.read()

    def create(self, name):
        return self.api.post("/api/v1/videos", {"title": name, "visibility": "private"})["id"]

    def watchable(self, video, seconds):
        """Waits until so much can be watched, and watches it: every segment that is listed is there."""
        self.tail.expect("catalog.video_playable", video_id=video)
        until(f"{seconds} s of it can be watched", lambda: self.api.get(f"/api/v1/videos/{video}").get("playable_until_ms", 0),
              lambda ms: ms >= 1000 * seconds, tell=lambda: self.api.send("GET", f"/api/v1/videos/{video}/why").body.decode())
        playing = self.api.post(f"/api/v1/videos/{video}/playback")
        self.assertFalse(playing["final"])
        base = playing["hls_url"].rsplit("/", 1)[0]
        master = self.api.want("GET", playing["hls_url"]).body.decode()
        for leaf in [line for line in master.splitlines() if not line.startswith("#")]:
            listed = self.api.want("GET", f"{base}/{leaf}").body.decode()
            self.assertNotIn("ENDLIST", listed)
            segments = [line for line in listed.splitlines() if not line.startswith("#")]
            self.assertGreater(len(segments), 3)
            for name in segments:
                self.assertGreater(len(self.api.want("GET", f"{base}/{leaf.rsplit('/', 1)[0]}/{name}").body), 100)

    def finish(self, video):
        self.tail.expect("catalog.video_ready", video_id=video)
        seen = self.api.get(f"/api/v1/videos/{video}")
        self.assertEqual(seen["state"], "ready", seen)
        self.assertAlmostEqual(seen["duration_ms"], 1000 * SECONDS, delta=200)
        self.assertFalse(seen.get("damaged"))

    def test_before_the_last_byte(self):
        for name, more in FORMS.items():
            with self.subTest(name):
                data = self.make(name, *more)
                video = self.create(name)
                sender = Sender(self.api, video, len(data))
                sender.send(data[:int(SENT * len(data))])
                self.watchable(video, 12)
                sender.send(data[sender.offset:])
                self.finish(video)

    def test_the_index_first_where_it_lies_at_the_end(self):
        data = self.make("late.mp4", "-g", "50")
        index = data.rindex(b"moov") - 4
        video = self.create("late")
        end = Sender(self.api, video, len(data) - index, at=index, total=len(data))
        end.send(data[index:])
        front = Sender(self.api, video, index, at=0, total=len(data))
        front.send(data[:int(SENT * index)])
        self.watchable(video, 12)
        front.send(data[front.offset:index])
        self.api.want("POST", "/api/v1/uploads", headers={
            **TUS, "Upload-Concat": f"final;{front.path} {end.path}", "Content-Length": "0",
            "Upload-Metadata": "video_id " + base64.b64encode(video.encode()).decode()})
        self.finish(video)


if __name__ == "__main__":
    unittest.main()
