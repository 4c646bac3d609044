"""c007: a video that is ready is encoded once more in HEVC and in AV1, where the settings or an operator want that: it is ready
without them, its playlists then offer all three, what was handed out before stays as it was, and every decoder shows the same film."""
import glob
import json
import os
import subprocess
import sys
import unittest

for folder in ("harness", "media"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import corpus  # noqa: E402  (the folders must be on the path first)
import likeness  # noqa: E402
import mpv  # noqa: E402
from patience import PATIENCE  # noqa: E402
from stage import BIN, CLIP, Stage  # noqa: E402
from api import Api, ApiError  # noqa: E402

FILM = corpus.Film((640, 360), 25, 6)
SSIM = {"h264": 0.95, "hevc": 0.95, "av1": 0.95}
NAMES = {"h264": "avc1.", "hevc": "hvc1.1.6.L", "av1": "av01.0."}
ENTRIES = {"h264": "h264", "hevc": "hevc", "av1": "av1"}      # as FFmpeg calls them


def film(folder):
    """Our own clip in colours, and in a size that has two rungs."""
    path = os.path.join(folder, "film.mp4")
    likeness.ffmpeg("-i", CLIP, "-vf", "colorchannelmixer=gg=.7:bb=.3,scale=640:360", "-c:v", "libx264", "-preset", "veryfast", "-crf", "16",
                    "-colorspace", "bt709", "-c:a", "aac", path)
    return path


class Codecs(unittest.TestCase):
    def broken(self, *files):
        run = subprocess.run([os.path.join(BIN, "kinobus"), "validate", "--json", *files], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        rules = json.loads(run.stdout)["rules"]
        return {(r["rule"], r["level"]): r["findings"] for r in rules if r["state"] == "broken" and (r["level"] == "must" or r["rule"] in (31, 47))
                and "highest HD" not in json.dumps(r)}

    def edition(self, p, tail, video, n):
        """Waits until the playlists of this edition are what a player gets, and answers where they lie."""
        alice = p.login()
        while not alice.post(f"/api/v1/videos/{video}/playback")["hls_url"].endswith(f"master-{n}.m3u8"):
            tail.expect("catalog.video_changed", video_id=video)
        (folder,) = glob.glob(os.path.join(p.state, "blobs", "media", video, "*"))
        return folder

    def shows_the_film(self, path, folder, codec):
        for short in (360, 240):
            playlist = os.path.join(folder, "v", f"{codec}-{short}", "index.m3u8")
            (stream,) = likeness.streams(playlist)
            self.assertEqual((stream["codec_name"], stream["height"], stream["profile"]), (ENTRIES[codec], short, {"h264": "High"}.get(codec, "Main")))
            done = subprocess.run(["ffmpeg", "-v", "warning", "-i", playlist, "-f", "framecrc", "-"], capture_output=True, text=True, timeout=PATIENCE, check=True)
            self.assertEqual(done.stderr, "")
            self.assertEqual(len([row for row in done.stdout.splitlines() if row[0] != "#"]), 6 * 25)
        y, uv, n = likeness.pictures(path, os.path.join(folder, "v", f"{codec}-360", "index.m3u8"), FILM)
        print(f"{codec}: {n} pictures, SSIM of Y {y:.3f}, of U and V {uv:.3f}", flush=True)
        self.assertGreaterEqual(min(y, uv), SSIM[codec])

    def test_by_the_settings_each_video_gets_them_behind_all_else(self):
        with Stage(env={"KINOBUS_CATALOG_EXTRA_CODECS": "both"}) as p:
            path, alice, tail = film(p.state), p.login(), p.tail("catalog.*", "transcode.run_done")
            video = alice.upload(path, title="A film", visibility="public")
            tail.expect("catalog.video_ready", video_id=video)
            made = [m["body"] for m in tail.seen if m.get("name") == "transcode.run_done" and m.get("kind") == "event"]
            self.assertEqual([r["dir"] for run in made for r in run.get("renditions", ()) if "h264" not in r["dir"] and "aac" not in r["dir"]], [])
            before = Api(p.url).post(f"/api/v1/videos/{video}/playback")
            first = {n: Api(p.url).want("GET", before[n]).body for n in ("hls_url", "dash_url")}
            folder = self.edition(p, tail, video, 3)
            self.assertEqual(alice.get(f"/api/v1/videos/{video}")["runs_done"], alice.get(f"/api/v1/videos/{video}")["runs_total"])
            with open(os.path.join(folder, "master-3.m3u8"), encoding="utf-8") as f:
                variants = [line for line in f if line.startswith("#EXT-X-STREAM-INF")]
            for codec, name in NAMES.items():
                self.assertEqual(len([v for v in variants if f'CODECS="{name}' in v]), 2, codec)
                self.shows_the_film(path, folder, codec)
            self.assertIn("avc1.", variants[0])
            for name in ("", "master-3.m3u8", "master-2.m3u8", "master.m3u8"):
                self.assertEqual(self.broken(os.path.join(folder, name)), {}, name)
            after = Api(p.url).post(f"/api/v1/videos/{video}/playback")
            self.assertEqual(self.broken(*(p.url + after[n] for n in ("hls_url", "dash_url"))), {})
            self.assertEqual({n: Api(p.url).want("GET", before[n]).body for n in first}, first)
            for n in ("hls_url", "dash_url"):
                self.assertEqual(mpv.play(p.url + after[n], 3), (0, ""))
            self.and_the_same_again(p, tail, path, video)

    def and_the_same_again(self, p, tail, path, video):
        """Whoever made them, and however often."""
        again = p.login().upload(path, title="Once more", visibility="public")
        tail.expect("catalog.video_ready", video_id=again)
        self.edition(p, tail, again, 3)
        self.assertEqual(p.outputs(again), p.outputs(video))

    def test_by_hand_one_gets_it_once(self):
        with Stage() as p:
            alice, tail = p.login(), p.tail("catalog.*")
            video = p.clip(by=alice)
            with self.assertRaises(ApiError) as refused:
                Api(p.url).post(f"/api/v1/videos/{video}/codecs", {"codec": "av1"})
            self.assertIn(refused.exception.status, (401, 403))
            for codec, status in (("h264", 400), ("vp9", 400)):
                self.assertEqual(alice.send("POST", f"/api/v1/videos/{video}/codecs", {"codec": codec}).status, status)
            alice.post(f"/api/v1/videos/{video}/codecs", {"codec": "av1"})
            self.assertEqual(alice.send("POST", f"/api/v1/videos/{video}/codecs", {"codec": "av1"}).status, 409)
            self.assertIn("av1", [part["what"] for part in alice.get(f"/api/v1/videos/{video}/why")["parts"]])
            folder = self.edition(p, tail, video, 2)
            self.assertEqual(self.broken(folder), {})
            (part,) = [part for part in alice.get(f"/api/v1/videos/{video}/why")["parts"] if part["what"] == "av1"]
            self.assertEqual(part["state"], "whole")

    def test_only_what_is_watched_gets_them(self):
        with Stage(env={"KINOBUS_CATALOG_EXTRA_CODECS": "hevc", "KINOBUS_CATALOG_EXTRA_CODECS_AFTER_PLAYS": "2"}) as p:
            alice, tail = p.login(), p.tail("catalog.*")
            video = p.clip(by=alice)
            parts = [part["what"] for part in alice.get(f"/api/v1/videos/{video}/why")["parts"]]
            self.assertNotIn("hevc", parts)
            for _ in range(2):
                Api(p.url).post(f"/api/v1/videos/{video}/playback")
            self.edition(p, tail, video, 2)


if __name__ == "__main__":
    unittest.main()
