"""f009: two fronts and three hosts that encode, while hosts are cut off, come back and die: an upload goes on at whichever front
there is, each video is made of what was sent, and the same bytes come out as where nothing happens.

One of the encoding hosts is not told where the platform's disk is: what it reads and makes goes through the second front.
"""
import base64
import os
import sys
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from hosts import Net, enter  # noqa: E402  (the folders must be on the path first)
from patience import PATIENCE, until  # noqa: E402
from spread import FRONT, SHARE, Hosts  # noqa: E402
from stage import media, persist  # noqa: E402
from api import Api, ApiError  # noqa: E402  (stage puts its folder there)

LONG = bool(os.environ.get("KINOBUS_LONG"))
FILM = media("bbb_720p24_60s.mp4" if LONG else "flower_540p30_5s.mp4")
PIECES = 16
TUS = {"Tus-Resumable": "1.0.0"}


class Spread(Hosts):
    def __init__(self, net):
        super().__init__(net, encoders=("attic", "cellar", "loft"))
        self.urls = [f"http://{net.address[host]}:{FRONT}" for host in ("web", "shop")]

    def start(self):
        super().start()
        self.join("front", "shop", "--share", SHARE)

    def join(self, role, host, *more):
        if host == "loft":
            more = (*more, "--set", f"transcode.blobs=http://{self.net.address['shop']}:{FRONT}",
                    "--state", os.path.join(self.state, "nothing of the platform"))
        super().join(role, host, *more)

    def die(self, host):
        self.others[host].kill()
        self.others[host].wait(PATIENCE)


class Client:
    """One that sends a film to whichever front answers, as behind a balancer: from where the upload stands."""

    def __init__(self, p, title):
        self.p, self.title, self.at, self.moved = p, title, 0, 0
        self.fronts = [Api(url, timeout=5) for url in p.urls]       # from one that is cut off no word comes: the other is tried
        self.video = self.persist(lambda api: api.post("/api/v1/videos", {"title": title, "visibility": "public"}))["id"]
        p.journal.append({"kind": "client", "did": "create", "video": self.video, "status": 201})

    def persist(self, act):
        def attempt():
            api = self.fronts[self.at]
            try:
                if not api.token:
                    api.login("admin@localhost", self.p.password)
                return act(api)
            except (OSError, ApiError):
                self.at = 1 - self.at
                self.moved += 1
                raise

        return persist("trying at two fronts", attempt, again=(409, 423, 429))

    def send(self, path, then=None):
        """then(part): called after each piece, with how many of PIECES have been sent."""
        with open(path, "rb") as f:
            data = f.read()
        answer = self.persist(lambda api: api.want("POST", "/api/v1/uploads", headers={
            **TUS, "Upload-Length": str(len(data)), "Content-Length": "0", "Upload-Metadata": self.metadata()}))
        where, step = urllib.parse.urlsplit(answer.headers["Location"]).path, -(-len(data) // PIECES)

        def piece(api):
            offset = int(api.want("HEAD", where, headers=TUS).headers["Upload-Offset"])
            if offset < len(data):
                api.want("PATCH", where, data[offset:offset + step], {
                    **TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"})
            return offset

        sent = 0
        while (offset := self.persist(piece)) < len(data):
            sent = offset // step + 1
            if then:
                then(sent)
        self.p.journal.append({"kind": "client", "did": "upload", "video": self.video, "status": 204})
        return self.video

    def metadata(self):
        return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in (("video_id", self.video), ("filename", "film.mp4")))


class TwoFronts(unittest.TestCase):
    def setUp(self):
        self.net = Net(["bus", "web", "shop", "attic", "cellar", "loft"])
        self.addCleanup(self.net.end)

    def plays(self, p, video):
        """From each front, and the same."""
        lists = []
        for url in p.urls:
            api = Api(url).login("admin@localhost", p.password)
            lists.append(api.want("GET", api.post(f"/api/v1/videos/{video}/playback")["hls_url"]).body)
        self.assertEqual(lists[0], lists[1])
        self.assertIn(b"#EXT-X-STREAM-INF", lists[0])

    def test_hosts_that_are_cut_off_and_die_cost_nothing_but_time(self):
        with Spread(self.net) as p:
            everybody = {"web", "shop", "attic", "cellar", "loft"}
            p.until_joined(*everybody)
            tail = p.tail()
            calm = Client(p, "Nothing happens").send(FILM)
            self.assertEqual(p.ready(calm), "ready")
            wanted = p.outputs(calm)
            self.assertTrue(wanted)
            self.plays(p, calm)

            client = Client(p, "The front is cut off")
            video = client.send(FILM, lambda sent: sent == PIECES // 2 and self.net.cut("web"))
            self.assertGreater(client.moved, 0)
            p.url = p.urls[1]
            self.assertEqual(p.ready(video), "ready")
            self.net.heal("web")
            until("the front is back", p.joined, lambda joined: "web" in joined)
            self.assertEqual(p.outputs(video), wanted)
            self.plays(p, video)

            client = Client(p, "A front dies, and a host that encodes")
            video = client.send(FILM, lambda sent: sent == PIECES // 2 and p.die("web"))
            self.assertGreater(client.moved, 0)
            tail.wait(lambda m: m.get("kind") == "job" and m.get("name") == "transcode.encode_run" and video in str(m.get("body")),
                      "a run of it is given to a host")
            p.die("attic")
            self.net.cut("cellar")
            self.assertEqual(p.ready(video), "ready")      # by the loft, which has no disk of it
            self.assertEqual(p.outputs(video), wanted)
            self.net.heal("cellar")
            p.join("front", "web", "--share", SHARE)
            p.join("transcode", "attic")
            p.until_joined(*everybody)
            self.plays(p, video)
            self.assertEqual(p.findings(tail), [])


if __name__ == "__main__":
    enter()
    unittest.main()
