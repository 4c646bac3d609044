"""b006: what the platform makes of a film breaks no must of the checklist, in the media store and over HTTP."""
import glob
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from stage import BIN, Stage  # noqa: E402  (the folder must be on the path first)


def broken(*words):
    run = subprocess.run([os.path.join(BIN, "kinobus"), "validate", "--json", *words], capture_output=True, text=True, timeout=120,
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
                    with self.subTest(where=where[0]):
                        found = broken(*where)
                        self.assertEqual({rule: told for rule, told in found.items() if rule[1] == "must"}, {})
                        self.assertNotIn((47, "should"), found)      # ours are musts to us


if __name__ == "__main__":
    unittest.main()
