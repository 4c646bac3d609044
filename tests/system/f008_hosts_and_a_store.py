"""f008: a host that encodes, does not see the platform's disk, and puts what it makes into an S3 store: the originals it has from
there once they are copied, and by a front while they still grow.
"""
import hashlib
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), HERE]
from f006_no_shared_disk import FILM, GROWING, Apart  # noqa: E402  (the folders must be on the path first)
from hosts import OURSELVES, Net, enter  # noqa: E402
from patience import until  # noqa: E402
from s3_store import S3Store  # noqa: E402
from spread import Hosts  # noqa: E402


class InStore(Apart):
    """The attic encodes into the store; with a front behind it, or without."""

    def __init__(self, net, store, by_front):
        self.store = store
        super().__init__(net, env={"KINOBUS_CATALOG_FAR": store.uri, "KINOBUS_CATALOG_KEEP_LOCAL_H": "0",
                                   "KINOBUS_TRANSCODE_BLOBS_PATIENCE_S": "2"})
        self.settings = ["transcode.blobs=" + store.uri, *(["transcode.blobs_front=" + self.settings[0].split("=")[1]] if by_front else [])]

    def made_there(self, video):
        """Segments and initialisations in the store, as outputs() tells of those in the folder."""
        prefix = f"films/media/{video}/1/"
        with self.store.lock:
            return {key.removeprefix(prefix): hashlib.sha256(data).hexdigest() for key, (data, _, _) in self.store.objects.items()
                    if key.startswith(prefix) and key.endswith((".m4s", ".mp4"))}

    def lies_there(self, video):
        """Waits until it lies in the store alone."""
        api = self.login()

        def word():
            parts = api.get(f"/api/v1/videos/{video}/why")["parts"]
            return next(part["state"] for part in parts if part["what"] == "copies")

        until("all of it lies in the store", word, lambda word: word == "far")


class HostsAndAStore(unittest.TestCase):
    def setUp(self):
        self.net = Net(["bus", "web", "attic"])
        self.addCleanup(self.net.end)
        self.store = S3Store(address=OURSELVES)
        self.addCleanup(self.store.end)

    def shared(self, path):
        with Hosts(self.net, encoders=("attic",)) as p:
            video = p.film("Shared", path)
            self.assertEqual(p.ready(video), "ready")
            return p.outputs(video)

    def settled(self, p, video):
        self.assertEqual(p.ready(video), "ready")
        p.lies_there(video)
        return p.made_there(video)

    def test_the_same_bytes_come_out_also_of_a_film_that_still_arrives(self):
        wanted, growing = self.shared(FILM), self.shared(GROWING)
        with InStore(self.net, self.store, by_front=True) as p:
            tail = p.tail()
            self.assertEqual(self.settled(p, p.film("Into the store", FILM)), wanted)
            self.assertEqual(os.listdir(p.folders["attic"]), ["join"])      # it keeps nothing
            self.assertFalse(any(verb == "PUT" for verb, _, _ in p.recorder.asked))
            self.assertEqual(self.settled(p, p.grow(GROWING)), growing)
            self.assertTrue(any(verb == "GET" for verb, _, _ in p.recorder.asked))
            self.assertEqual(p.findings(tail), [])

    def test_without_a_front_the_original_is_waited_for_and_a_store_that_fails_too(self):
        wanted = self.shared(FILM)
        with InStore(self.net, self.store, by_front=False) as p:
            tail = p.tail()
            self.assertEqual(self.settled(p, p.film("By the store alone", FILM)), wanted)
            self.assertEqual(p.recorder.asked, [])
            video = p.film("Away for a while", FILM)
            until("a segment is put", lambda: any(verb == "PUT" and video in path and path.endswith(".m4s") for verb, path, _ in self.store.asked))
            self.store.stop()
            until("a job is handed back for want of the store", lambda: "ERR_UNAVAILABLE" in p.said("attic"))
            self.store.start()
            self.assertEqual(self.settled(p, video), wanted)
            self.assertEqual(p.findings(tail), [])


if __name__ == "__main__":
    enter()
    unittest.main()
