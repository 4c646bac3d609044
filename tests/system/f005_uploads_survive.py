"""f005: the front, the broker and the catalog are killed in turn while files are sent: the clients go on, and no byte
that was acknowledged is lost."""
import base64
import hashlib
import os
import random
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE  # noqa: E402  (the folder must be on the path first)
from stage import Stage, persist  # noqa: E402
from api import ApiError  # noqa: E402  (stage puts its folder there)

LONG = bool(os.environ.get("KINOBUS_LONG"))
UPLOADS, BYTES, TUS = "/api/v1/uploads", "application/offset+octet-stream", {"Tus-Resumable": "1.0.0"}
CLIENTS, SIZE = 4, 6_000_000
VICTIMS = ["front", "broker", "catalog"] * (6 if LONG else 2)
BETWEEN = 3_000_000     # bytes that are acknowledged between one death and the next


class Flow:
    """What has been acknowledged to all clients together; whoever kills waits for more of it."""

    def __init__(self):
        self.bytes, self.changed, self.over = 0, threading.Condition(), False

    def add(self, n):
        with self.changed:
            self.bytes += n
            self.changed.notify_all()

    def wait(self, upto):
        with self.changed:
            if not self.changed.wait_for(lambda: self.bytes >= upto, PATIENCE):
                raise AssertionError(f"nothing moves: {self.bytes} bytes were acknowledged, {upto} were waited for")


class Client(threading.Thread):
    def __init__(self, stage, flow, seed):
        super().__init__()
        self.stage, self.flow, self.random, self.wrong, self.sent = stage, flow, random.Random(seed), [], []

    def persist(self, act):
        return persist("a request", act, again=(401, 409, 423, 429))

    def run(self):
        try:
            self.api = self.persist(self.stage.login)
            while not self.flow.over:
                self.send()
        except Exception as error:      # told by the test: a thread has nobody to tell
            self.wrong.append(repr(error))

    def offset(self, where):
        return int(self.persist(lambda: self.api.want("HEAD", where, None, TUS)).headers["Upload-Offset"])

    def send(self):
        data = self.random.randbytes(SIZE)
        name = base64.b64encode(b"killed.mp4").decode()
        answer = self.persist(lambda: self.api.want("POST", UPLOADS, b"", {**TUS, "Upload-Length": str(SIZE), "Upload-Metadata": f"filename {name}"}))
        where, video, told = answer.headers["Location"], answer.headers["Kinobus-Video"], 0
        while told < SIZE:
            at = self.offset(where)
            if at < told:
                self.wrong.append(f"{where}: {told} bytes were acknowledged, {at} are there")
                return
            self.flow.add(at - told)
            told = at
            if at == SIZE:
                break
            piece = data[at:at + self.random.choice((70_000, 400_000, 1_500_000, SIZE))]
            try:
                answer = self.api.want("PATCH", where, piece, {**TUS, "Content-Type": BYTES, "Upload-Offset": str(at)})
                self.flow.add(int(answer.headers["Upload-Offset"]) - told)
                told = int(answer.headers["Upload-Offset"])
            except (OSError, ApiError) as error:
                if isinstance(error, ApiError) and error.status in (401, 403):
                    self.api = self.persist(self.stage.login)
        self.sent.append((video, where.rsplit("/", 1)[1], hashlib.sha256(data).hexdigest()))


class UploadsSurvive(unittest.TestCase):
    def test_clients_go_on_whoever_is_killed(self):
        seed = int(os.environ.get("KINOBUS_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}", file=sys.stderr)
        with Stage() as p:
            flow = Flow()
            clients = [Client(p, flow, seed + i) for i in range(CLIENTS)]
            for client in clients:
                client.start()
            try:
                for victim in VICTIMS:
                    flow.wait(flow.bytes + BETWEEN)
                    p.kill(victim)
                flow.wait(flow.bytes + BETWEEN)
            finally:
                flow.over = True
                for client in clients:
                    client.join()
            self.assertEqual([w for c in clients for w in c.wrong], [], f"seed {seed}")
            sent = [s for c in clients for s in c.sent]
            self.assertGreaterEqual(len(sent), CLIENTS)
            alice = p.login()
            for video, upload, sum_ in sent:
                with open(os.path.join(p.state, "blobs", "raw", video, upload), "rb") as f:
                    self.assertEqual(hashlib.sha256(f.read()).hexdigest(), sum_, f"seed {seed}: {video}")
                self.assertEqual(alice.get(f"/api/v1/videos/{video}")["upload"], "complete")


if __name__ == "__main__":
    unittest.main()
