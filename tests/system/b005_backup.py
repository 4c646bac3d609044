"""b005: a platform is copied while it works, and the copy, put back elsewhere, is the platform as it was."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import until  # noqa: E402  (the folder must be on the path first)
from stage import Stage  # noqa: E402


class Backup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kinobus-backup-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_what_was_there_is_there_again(self):
        copy, state = os.path.join(self.folder, "copy"), os.path.join(self.folder, "state")
        with Stage() as p:
            alice = p.login()
            video = p.clip("Kept for ever", by=alice)
            until("it is found", lambda: alice.get("/api/v1/search?q=kept")["items"])
            p.cli("backup", copy)
            alice.want("DELETE", f"/api/v1/videos/{video}?now=true")     # after the copy: the copy does not know
            refused = p.cli("restore", copy, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("is not empty", refused.stderr)
            again = Stage(state=state)
            again.password = p.password
            os.mkdir(state)
            again.cli("restore", copy)
            with again:
                bob = again.login()
                self.assertEqual(bob.get(f"/api/v1/videos/{video}")["title"], "Kept for ever")
                self.assertEqual([h["video_id"] for h in bob.get("/api/v1/search?q=kept")["items"]], [video])
                playing = bob.post(f"/api/v1/videos/{video}/playback")
                self.assertIn(b"#EXTM3U", bob.send("GET", playing["hls_url"]).body)
                again.clip("And it goes on", by=bob)


if __name__ == "__main__":
    unittest.main()
