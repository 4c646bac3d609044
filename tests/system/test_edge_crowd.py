"""A crowd at the edge: idle viewers, readers that hardly read, senders that hardly send. A viewer among them is served all the same.
Some hundreds of them; with KINOBUS_LONG, 10,000 idle ones, 5,000 slow readers, and as many slow senders as the front has places."""
import contextlib
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from stage import Api  # noqa: E402  (the folder must be on the path first)
from edge import EdgeStage, Site  # noqa: E402
import crowd  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
IDLE, READERS, SENDERS, FETCHES = (10000, 5000, 64, 300) if LONG else (600, 300, 16, 60)


class Crowds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        crowd.room(IDLE)
        cls.stack = contextlib.ExitStack()
        cls.stage = cls.stack.enter_context(EdgeStage(env={"KINOBUS_FRONT_UPLOADS": str(SENDERS)}))
        cls.right, cls.lies = crowd.film(cls.stage)
        folder = os.path.join(cls.stage.state, "site")
        os.mkdir(folder)
        cls.site = cls.stack.enter_context(Site(folder, [f"127.0.0.1:{cls.stage.port}"], cls.stage.secret(),
                                                blobs=os.path.join(cls.stage.state, "blobs"), connections=16384))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def viewer(self, among):
        """One among them: every fetch of hers is right."""
        api = Api(self.site.url)
        for i in range(FETCHES):
            answer = api.send("GET", f"{self.right}/{'long.m4s' if i % 5 == 0 else 'master.m3u8'}")
            self.assertEqual(answer.status, 200)
            if i % 5 == 0:
                self.assertEqual(answer.body, self.lies)
            else:
                self.assertTrue(answer.body.startswith(b"#EXTM3U"))
            among.turn()
        self.assertEqual(api.send("GET", "/api/v1/videos").status, 200)

    def test_idle_viewers_are_in_nobodys_way(self):
        with crowd.idle(self.site, self.right, IDLE) as among:
            self.viewer(among)

    def test_slow_readers_are_in_nobodys_way(self):
        with crowd.readers(self.site, self.right, READERS) as among:
            self.viewer(among)
            self.assertGreater(among.there(), READERS // 2, "there was no crowd")

    def test_slow_senders_are_in_nobodys_way(self):
        with crowd.senders(self.site, self.stage, SENDERS) as among:
            self.viewer(among)
            self.assertEqual(among.there(), SENDERS, "one was cut off though nobody waits for its place")


if __name__ == "__main__":
    unittest.main()
