"""b006: what the platform makes of a film breaks no must of the checklist, in the media store and over HTTP."""
import glob
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE  # noqa: E402  (the folder must be on the path first)
from stage import BIN, Stage  # noqa: E402


def broken(*words):
    run = subprocess.run([os.path.join(BIN, "kinobus"), "validate", "--json", *words], capture_output=True, text=True, timeout=PATIENCE,
                         check=False)
    assert run.returncode in (0, 1), run.stderr
    return {(r["rule"], r["level"]): r["findings"] for r in json.loads(run.stdout)["rules"] if r["state"] == "broken"}


class WhatWeMake(unittest.TestCase):
    def test_it_keeps_every_must(self):
        with Stage() as p:
            alice = p.login()
            video = p.clip(by=alice)
            playing = alice.post(f"/api/v1/videos/{video}/playback")
            for version in glob.glob(os.path.join(p.state, "blobs", "media", video, "*")):
                for where in ((version,), (os.path.join(version, "preview.m3u8"),), (p.url + playing["hls_url"], p.url + playing["dash_url"])):
                    self.check(where)

    def test_what_is_watched_while_it_grows_does_too(self):
        """A film that is long enough for a preview of its own, and for one in two sizes, with a second sound in six channels."""
        with Stage() as p:
            path, alice, tail = os.path.join(p.state, "film.mkv"), p.login(), p.tail("catalog.*")
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=854x480:rate=10:duration=64", "-f", "lavfi", "-i", "sine=330:d=64",
                            "-map", "0", "-map", "1", "-map", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac",
                            "-ac:a:1", "6", path], check=True)
            video = alice.upload(path, title="A film", visibility="public")
            tail.expect("catalog.video_ready", video_id=video)
            version = glob.glob(os.path.join(p.state, "blobs", "media", video, "*"))[0]
            for name in ("", "preview.m3u8", "preview-2.m3u8"):
                self.check((os.path.join(version, name),))

    def check(self, where):
        with self.subTest(where=where[0]):
            found = broken(*where)
            self.assertEqual({rule: told for rule, told in found.items() if rule[1] == "must"}, {})
            self.assertNotIn((47, "should"), found)      # ours are musts to us


if __name__ == "__main__":
    unittest.main()
