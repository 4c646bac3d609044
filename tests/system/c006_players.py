"""c006: what is made of a film with two sounds plays in players that are no browsers, as HLS and as DASH, and none of them complains;
who may keep it gets files that are as long as they say, readable from anywhere, and in step; a moment of it becomes its poster."""
import os
import re
import subprocess
import sys
import unittest
import urllib.parse

for folder in ("harness", "media"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import likeness  # noqa: E402  (the folders must be on the path first)
import make  # noqa: E402
import mpv  # noqa: E402
from patience import PATIENCE  # noqa: E402
from stage import Stage, media  # noqa: E402
from api import Api  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
SECONDS = 20
# GStreamer cannot print a session of its own, says of a set of images in DASH and of the box of loudness, which it passes over, that it does
# not know them, and lets the sound that nobody chose run into nothing.
ITS_OWN = re.compile("No value transform to serialize field 'session'|Unknown mime type in the representation|not-linked|Internal data stream error|"
                     "unknown QuickTime node type ludt")
TITLE = "Zwölf: ein/zwei? "
# Whole films of all shapes: pictures that stand upright, odd rates, sound alone, no sound, subtitles.
OTHERS = ("sintel_2audio_3subs_30s.mkv", "bbb_720p_rot90_20s.mp4", "bbb_1080p60_16s.mp4", "rain_60s.mp3", "screen_no_audio_640x480_8.8fps.mp4",
          "nasa_2video_2audio_2subs_17s.mp4")


def run(*argv, **env):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env={**os.environ, **env}, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Players(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.stage.__enter__()
        try:
            cls.alice, cls.anyone = cls.stage.login(), Api(cls.stage.url)
            cls.tail = cls.stage.tail("catalog.*")
            cls.made = {name: os.path.join(cls.stage.state, name) for name in ("two.mp4", "counter.mkv")}
            make.two_languages(cls.made["two.mp4"], SECONDS, "640x360")
            make.clip(cls.made["counter.mkv"], seconds=12, width=426, height=240)
            cls.videos = {name: cls.alice.upload(path, title=TITLE, visibility="public") for name, path in cls.made.items()}
            for video in cls.videos.values():
                cls.ready(video)
        except BaseException:
            cls.stage.__exit__(*sys.exc_info())
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    @classmethod
    def ready(cls, video):
        while cls.alice.get(f"/api/v1/videos/{video}")["state"] != "ready":
            cls.tail.wait(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_failed"), "catalog.video_ready")

    def urls(self, video):
        playing = self.anyone.post(f"/api/v1/videos/{video}/playback")
        return [self.stage.url + playing[kind] for kind in ("hls_url", "dash_url")], playing

    def each(self, video, play):
        for url in self.urls(video)[0]:
            with self.subTest(url=url.rsplit("/", 1)[1]):
                play(url)

    # ---- players

    def ffmpeg(self, url):
        texts = ("-c:s", "copy") if any(s["codec_type"] == "subtitle" for s in likeness.streams(url)) else ()
        code, _, said = run("ffmpeg", "-v", "warning", "-nostdin", "-i", url, "-map", "0", *texts, "-f", "null", "-")
        self.assertEqual((code, mpv.NO_TEXTS.sub("", said)), (0, ""))

    def mpv(self, url, sound="auto"):
        self.assertEqual(mpv.play(url, 5, sound), (0, ""))

    def gstreamer(self, url, demuxer, pictures):
        code, said, wrong = run("gst-launch-1.0", "-v", "playbin3" if demuxer.endswith("2") else "playbin", f"uri={url}",
                                "audio-sink=fakesink sync=false", "video-sink=checksumsink sync=false",
                                GST_DEBUG="2", GST_DEBUG_NO_COLOR="1", GST_PLUGIN_FEATURE_RANK=f"{demuxer}:MAX")
        complaints = [line for line in wrong.splitlines() if re.search(r"\b(?:WARN|ERROR)\b", line) and not ITS_OWN.search(line)]
        self.assertEqual((code, complaints), (0, []))
        self.assertIn(demuxer, said)
        self.assertEqual(len(re.findall(r"^\d+:\d\d:\d\d\.\d+ [0-9a-f]{40}", said, re.M)), pictures)

    def test_ffmpeg_reads_every_track(self):
        self.each(self.videos["two.mp4"], self.ffmpeg)

    def test_mpv_plays_each_sound(self):
        for url, sound in zip(self.urls(self.videos["two.mp4"])[0], ("1", "2")):
            self.mpv(url, sound)

    def test_gstreamer_plays_it_with_each_of_its_demuxers(self):
        for url in self.urls(self.videos["two.mp4"])[0]:
            for version in ("", "2"):
                demuxer = ("dashdemux" if url.endswith(".mpd") else "hlsdemux") + version
                with self.subTest(demuxer):
                    self.gstreamer(url, demuxer, SECONDS * 25)

    if LONG:
        def test_films_of_other_shapes(self):
            for name in OTHERS:
                video = self.alice.upload(media(name), title=name, visibility="public")
                self.ready(video)
                with self.subTest(name):
                    self.each(video, self.ffmpeg)
                    self.each(video, self.mpv)

    # ---- files

    def downloads(self, name, api=None):
        return (api or self.alice).get(f"/api/v1/videos/{self.videos[name]}/downloads")["items"]

    def fetch(self, item):
        """The whole file, in the folder of the stage."""
        answer = self.anyone.want("GET", item["url"])
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
        path = os.path.join(self.stage.state, "fetched" + os.path.splitext(item["filename"])[1])
        with open(path, "wb") as f:
            f.write(answer.body)
        return path, answer

    def hashes(self, source, what):
        made = subprocess.run(["ffmpeg", "-v", "warning", "-i", source, "-map", what, "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-"],
                              capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.assertEqual(made.stderr, "")
        return [line.split(",")[1:] for line in made.stdout.splitlines() if not line.startswith("#")]

    def test_files_hold_what_is_watched(self):
        base = self.urls(self.videos["two.mp4"])[0][0].rsplit("/", 1)[0]
        items = self.downloads("two.mp4")
        heights = sorted({item["height"] for item in items}, reverse=True)
        self.assertEqual([(item["height"], item["language"]) for item in items], [(h, l) for l in ("en", "fr") for h in heights])
        for item in (items[0], items[-1]):
            path, answer = self.fetch(item)
            rung, sound = item["url"].split("/dl/")[1].split("/")[:2]
            self.assertEqual(self.hashes(path, "0:v"), self.hashes(f"{base}/v/{rung}/index.m3u8", "0:v"))
            self.assertEqual(self.hashes(path, "0:a"), self.hashes(f"{base}/a/{sound}/index.m3u8", "0:a"))
            self.assertLess(answer.body.index(b"moov"), answer.body.index(b"mdat"))
            self.assertNotIn(b"moof", answer.body)
        self.mpv(self.stage.url + items[0]["url"])
        self.ffmpeg(self.stage.url + items[0]["url"])
        code, said, _ = run("gst-launch-1.0", "-q", "playbin", f"uri={self.stage.url}{items[0]['url']}", "video-sink=fakesink sync=false",
                            "audio-sink=fakesink sync=false", GST_DEBUG="2")
        self.assertEqual((code, said), (0, ""))

    def test_a_file_is_in_step(self):
        path, _ = self.fetch(self.downloads("counter.mkv")[0])
        numbers, flashes = make.read_numbers(path, 426, 240)
        self.assertEqual(numbers, list(range(12 * 25)))
        heard = make.clicks(make.read_samples(path))
        self.assertEqual(len(heard), len(flashes))
        for click, flash in zip(heard, flashes):
            self.assertLess(abs(click / make.RATE - flash / 25), 0.001)

    def test_a_file_is_read_from_anywhere_under_its_name(self):
        item = self.downloads("counter.mkv")[0]
        _, whole = self.fetch(item)
        size = len(whole.body)
        name = f"Zwölf- ein-zwei- ({item['height']}p).mp4"
        self.assertEqual(item["filename"], name)
        self.assertEqual(whole.headers["Content-Disposition"].encode("latin-1").decode(),
                         f"attachment; filename=\"{name.replace('ö', '_')}\"; filename*=UTF-8''{urllib.parse.quote(name, safe='')}")
        self.assertEqual(whole.headers["Content-Type"], "video/mp4")
        head = self.anyone.send("HEAD", item["url"])
        self.assertEqual((head.status, int(head.headers["Content-Length"])), (200, size))
        for first, last in [(0, 0), (size - 1, size - 1), *((at, min(size - 1, at + 4999)) for at in range(11, size, size // 37))]:
            part = self.anyone.send("GET", item["url"], headers={"Range": f"bytes={first}-{last}"})
            self.assertEqual((part.status, part.headers["Content-Range"]), (206, f"bytes {first}-{last}/{size}"))
            self.assertEqual(part.body, whole.body[first:last + 1])
        self.assertEqual(self.anyone.send("GET", item["url"], headers={"Range": f"bytes={size}-"}).status, 416)
        self.assertEqual(self.anyone.send("GET", item["url"], headers={"If-None-Match": whole.headers["ETag"]}).status, 304)

    def test_only_who_may_keep_it_gets_a_file(self):
        video = self.videos["counter.mkv"]
        watching = self.urls(video)[1]
        refused = self.anyone.send("GET", f"/api/v1/videos/{video}/downloads")
        self.assertEqual((refused.status, refused.json["detail"]), (403, "its owner has not allowed it to be kept"))
        file = self.downloads("counter.mkv")[0]["url"]
        tokens = [url.split("/")[2] for url in (file, watching["hls_url"])]
        self.assertEqual(self.anyone.send("GET", file.replace(*tokens)).status, 403)
        for wrong in ("/dl/none/none/a.mp4", "/dl/h264-9/none/a.mp4", "/dl/../x/a.mp4", "/dl/h264-240/a.mp4", "/dl"):
            self.assertIn(self.anyone.send("GET", file.split("/dl/")[0] + wrong).status, (400, 404), wrong)
        self.alice.want("PATCH", f"/api/v1/videos/{video}", {"allow_download": True})
        self.assertEqual(self.anyone.send("HEAD", self.downloads("counter.mkv", self.anyone)[0]["url"]).status, 200)
        self.alice.want("PATCH", f"/api/v1/videos/{video}", {"allow_download": False})
        self.assertEqual(self.anyone.send("GET", f"/api/v1/videos/{video}/downloads").status, 403)

    def test_a_moment_becomes_the_poster(self):
        video = self.videos["counter.mkv"]
        before = self.anyone.post(f"/api/v1/videos/{video}/playback")["poster_url"]
        first = self.anyone.want("GET", before).body
        self.assertIn(self.anyone.send("POST", f"/api/v1/videos/{video}/poster", {"at_ms": 7000}).status, (401, 403))
        self.assertEqual(self.alice.send("POST", f"/api/v1/videos/{video}/poster", {"at_ms": 12000}).status, 400)
        was = self.alice.post(f"/api/v1/videos/{video}/poster", {"at_ms": 7390})["poster"]
        self.tail.wait(lambda m: m.get("name") == "catalog.video_changed" and m["body"]["video"].get("poster") == was + 1, "another poster")
        after = self.anyone.post(f"/api/v1/videos/{video}/playback")["poster_url"]
        path = os.path.join(self.stage.state, "poster.jpg")
        with open(path, "wb") as f:
            f.write(self.anyone.want("GET", after).body)
        self.assertEqual(make.read_numbers(path, 426, 240)[0], [7390 * 25 // 1000])
        self.assertEqual(self.anyone.want("GET", self.anyone.get(f"/api/v1/videos/{video}/poster")["url"]).body[:2], b"\xff\xd8")
        self.assertEqual(self.anyone.want("GET", before).body, first)

    def test_a_sound_alone_is_a_file_too(self):
        path = os.path.join(self.stage.state, "sound.wav")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=7", path], check=True)
        self.videos["sound.wav"] = self.alice.upload(path, title="A tone", visibility="private")
        self.ready(self.videos["sound.wav"])
        (item,) = self.downloads("sound.wav")
        self.assertEqual(item["filename"], "A tone.m4a")
        path, answer = self.fetch(item)
        self.assertEqual(answer.headers["Content-Type"], "audio/mp4")
        self.assertAlmostEqual(len(make.read_samples(path)) / make.RATE, 7, delta=0.03)


if __name__ == "__main__":
    unittest.main()
