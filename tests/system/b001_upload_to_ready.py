"""b001: a film is uploaded, can be watched, becomes ready, and is still there after a restart."""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE  # noqa: E402  (the folder must be on the path first)
from stage import BIN, CLIP, Stage  # noqa: E402


class UploadToReady(unittest.TestCase):
    def test_a_film_goes_from_upload_to_ready_and_survives_a_restart(self):
        with Stage() as p:
            tail = p.tail()
            alice = p.login()
            video = alice.upload(CLIP, title="A film", visibility="public")
            tail.expect("catalog.video_playable", video_id=video)
            tail.expect("catalog.video_ready", video_id=video)
            seen = alice.get(f"/api/v1/videos/{video}")
            self.assertEqual((seen["state"], seen["owner_name"]), ("ready", "Administrator"))
            self.watch(p, alice, video)

            p.stop()
            p.start()
            p.wait_ready()
            again = p.login()
            self.assertEqual(again.get(f"/api/v1/videos/{video}")["title"], "A film")
            self.watch(p, again, video)

    def watch(self, p, api, video):
        """Follows the playlists like a player: master, one media playlist of each kind, first and last segment."""
        playing = api.post(f"/api/v1/videos/{video}/playback")
        self.assertTrue(playing["final"])
        base = playing["hls_url"].rsplit("/", 1)[0]
        master = api.send("GET", playing["hls_url"])
        self.assertEqual(master.status, 200)
        self.assertEqual(master.headers["Content-Type"], "application/vnd.apple.mpegurl")
        lines = master.body.decode().splitlines()
        self.assertEqual(lines[0], "#EXTM3U")
        for leaf in [line for line in lines if line and not line.startswith("#")]:
            playlist = api.send("GET", f"{base}/{leaf}")
            self.assertEqual(playlist.status, 200, leaf)
            text = playlist.body.decode()
            self.assertIn("#EXT-X-ENDLIST", text)
            segments = [line for line in text.splitlines() if line and not line.startswith("#")]
            folder = leaf.rsplit("/", 1)[0]
            for name in ("init.mp4", segments[0], segments[-1]):
                answer = api.send("GET", f"{base}/{folder}/{name}")
                self.assertEqual(answer.status, 200, name)
                self.assertGreater(len(answer.body), 100)
        mpd = api.send("GET", playing["dash_url"])
        self.assertEqual(mpd.status, 200)
        self.assertIn("http://dashif.org/guidelines/thumbnail_tile", mpd.body.decode())
        board = api.send("GET", playing["storyboard_url"]).body.decode()
        tiles = re.findall(r"(sb-000\.jpg)#xywh=(\d+),0,160,90$", board, re.M)
        self.assertEqual([int(x) for _, x in tiles], [160 * n for n in range(len(tiles))])
        self.assertGreater(len(tiles), 1)
        image = api.send("GET", playing["storyboard_url"].replace("storyboard.vtt", "sb-000.jpg")).body
        self.assertEqual((image[:2], image[-2:]), (b"\xff\xd8", b"\xff\xd9"))
        folder = os.path.join(p.state, "blobs", "media", video, "1")
        done = subprocess.run([os.path.join(BIN, "kinobus"), "validate", folder], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(api.send("GET", playing["poster_url"]).body[:2], b"\xff\xd8")


if __name__ == "__main__":
    unittest.main()
