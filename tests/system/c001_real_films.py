"""c001: films of different containers go from upload to ready; they can be watched while most of them is still unmade;
real players play what came of them."""
import os
import subprocess
import sys
import unittest

for folder in ("harness", "media"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import make  # noqa: E402
import mpv  # noqa: E402
from patience import PATIENCE  # noqa: E402
from stage import CLIP, Stage, media  # noqa: E402  (the folder must be on the path first)

LONG = bool(os.environ.get("KINOBUS_LONG"))


class RealFilms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.stage.__enter__()
        cls.alice = cls.stage.login()
        cls.videos = {}

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def film(self, name, tracks, half=True):
        path = media(name)
        if path == CLIP:    # the shared films are not here: our own clip has one sound, and is too short to be half done
            tracks, half = 1, False
        tail = self.stage.tail("catalog.*")
        video = self.alice.upload(path, title=name, visibility="public")
        seen = self.expect(tail, "catalog.video_playable", video)
        if half:
            self.assertLessEqual(seen.get("runs_done", 0) * 2, seen["runs_total"], "playable, and more than half is done already")
        playing = self.alice.post(f"/api/v1/videos/{video}/playback")
        self.fetch_first(playing["hls_url"])
        self.expect(tail, "catalog.video_ready", video)
        playing = self.alice.post(f"/api/v1/videos/{video}/playback")
        self.assertTrue(playing["final"])
        self.assertEqual(len([t for t in playing["tracks"] if t["kind"] == "audio"]), tracks)
        self.players(self.stage.url + playing["hls_url"])
        self.players(self.stage.url + playing["dash_url"])
        return video

    def expect(self, tail, name, video):
        """The video as the event tells it, or at once what went wrong instead."""
        def wanted(m):
            return m.get("name") in (name, "catalog.video_failed") and (m.get("body") or {}).get("video_id") == video
        m = tail.wait(wanted, name)
        self.assertEqual(m["name"], name, m["body"]["video"].get("reason"))
        return m["body"]["video"]

    def fetch_first(self, master):
        """The first segment of the first variant, as a player would find it."""
        base = master.rsplit("/", 1)[0]
        leaf = [line for line in self.alice.send("GET", master).body.decode().splitlines() if line and line[0] != "#"][0]
        text = self.alice.send("GET", f"{base}/{leaf}").body.decode()
        segment = [line for line in text.splitlines() if line and line[0] != "#"][0]
        answer = self.alice.send("GET", f"{base}/{leaf.rsplit('/', 1)[0]}/{segment}")
        self.assertEqual(answer.status, 200)
        self.assertIn(b"moof", answer.body[:64])

    def players(self, url):
        probe = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url],
                               capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(probe.returncode, 0, probe.stderr)
        self.assertIn("aac", probe.stdout)
        self.assertEqual(mpv.play(url, 4), (0, ""))

    def test_a_webm(self):
        self.film("bbb_720p24_vp9_opus_8s.webm", 1, half=False)

    def test_a_matroska_with_two_languages(self):
        self.film("sintel_2audio_3subs_30s.mkv", 2, half=False)

    def test_an_mp4_that_is_long_enough_to_be_watched_while_it_is_made(self):
        name, pictures = ("bbb_720p24_3m24s.mp4", 4896) if LONG else ("bbb_720p24_60s.mp4", 1440)
        video = self.film(name, 1)
        if media(name) == CLIP:
            return
        self.top_rung_is_its_own(video, media(name), "source-720", pictures)

    def test_a_film_whose_gops_are_longer_than_ours(self):
        path = os.path.join(self.stage.state, "long-gops.mp4")
        make.clip(path, seconds=14, width=848, height=480,
                  video=("-c:v", "libx264", "-preset", "veryfast", "-g", "100", "-sc_threshold", "0"))
        tail = self.stage.tail("catalog.*")
        video = self.alice.upload(path, title="Long GOPs", visibility="public")
        self.expect(tail, "catalog.video_ready", video)
        self.top_rung_is_its_own(video, path, "source-480", 350)
        playlists = []
        base = self.alice.post(f"/api/v1/videos/{video}/playback")["hls_url"].rsplit("/", 1)[0]
        for rung in ("source-480", "h264-360", "h264-240"):
            text = self.alice.send("GET", f"{base}/v/{rung}/index.m3u8").body.decode()
            playlists.append([line for line in text.splitlines() if line.startswith("#EXTINF")])
        self.assertEqual(playlists[0], [f"#EXTINF:{s:.5f}," for s in (4, 4, 4, 2)])
        self.assertEqual(playlists[0], playlists[1])
        self.assertEqual(playlists[0], playlists[2])
        self.players(self.stage.url + self.alice.post(f"/api/v1/videos/{video}/playback")["hls_url"])

    def top_rung_is_its_own(self, video, film, rung, pictures):
        """Its keyframes lie where GOPs begin: the largest rung shows the film's pictures as they are, from first to last."""
        url = self.stage.url + self.alice.post(f"/api/v1/videos/{video}/playback")["hls_url"]
        hashes = []
        for source in (url.rsplit("/", 1)[0] + f"/v/{rung}/index.m3u8", film):
            made = subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framehash",
                                   "-hash", "md5", "-"], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
            hashes.append([line.split(",")[-1].strip() for line in made.splitlines() if not line.startswith("#")])
        self.assertEqual(len(hashes[0]), pictures)
        self.assertEqual(*hashes)


if __name__ == "__main__":
    unittest.main()
