"""A platform spread over hosts of their own: the broker and the owners on one, the front on another, and those that encode.

    net = Net(["bus", "web", "attic", "cellar"])
    with Hosts(net) as p:
        p.until_joined("web", "attic", "cellar")
        assert p.ready(p.film("A film")) == "ready"

The hosts are network namespaces (hosts.py), so that all see the same folder of media unless it is hidden from them.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "fault")]
from check import check  # noqa: E402  (the folders must be on the path first)
from patience import PATIENCE, until  # noqa: E402
from stage import BIN, CLIP, Stage  # noqa: E402

PORT, FRONT = 5570, 8080
SHARE = os.path.join(os.path.dirname(BIN), "share")


class Hosts(Stage):
    """A stage whose processes stand on hosts of their own."""

    def __init__(self, net, encoders=("attic", "cellar"), proxies=None, env=None):
        self.net, self.encoders, self.proxies = net, encoders, proxies or {}
        self.broker, self.journal, self.others = f"tcp://{net.address['bus']}:{PORT}", [], {}
        url = f"http://{net.address['web']}:{FRONT}"
        super().__init__(env={"KINOBUS_SUPERVISOR_FRONT_INSTANCES": "0", "KINOBUS_SUPERVISOR_TRANSCODE_INSTANCES": "0",
                              "KINOBUS_BROKER_LISTEN": self.broker, "KINOBUS_FRONT_PORT": str(FRONT),
                              "KINOBUS_FRONT_ADDRESS": "0.0.0.0", "KINOBUS_FRONT_PUBLIC_URL": url, **(env or {})})
        self.url = url

    def start(self):
        with open(os.path.join(self.state, "supervisor.log"), "ab") as log:
            self.supervisor = self.net.popen("bus", [os.path.join(BIN, "kinobus-supervisor"), "--state", self.state], env=self.env,
                                             stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until("the broker listens", lambda: os.path.exists(os.path.join(self.state, "keys/bus/broker.pub")))
        self.join("front", "web", "--share", SHARE)
        for host in self.encoders:
            self.join("transcode", host)

    def join(self, role, host, *more):
        """What an operator does: an identity here, its one file there, and the program."""
        path = os.path.join(self.state, host + ".join")
        if not os.path.exists(path):
            self.cli("key", "make", f"{role}/{host}", self.proxies.get(host, self.broker), path)
        with open(os.path.join(self.state, host + ".log"), "ab") as log:
            self.others[host] = self.net.popen(
                host, [os.path.join(BIN, "kinobus-" + role), "--join", path, "--state", self.state, *more], env=self.env,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def stop(self):
        for child in self.others.values():
            if child.poll() is None:
                child.terminate()
        for child in self.others.values():
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        super().stop()

    def joined(self):
        return {row["name"] for row in json.loads(self.cli("key", "ls", "--json").stdout) if row["session"]}

    def until_joined(self, *hosts):
        """These, and no others."""
        until(f"those that joined are {hosts}", self.joined, lambda joined: joined == set(hosts))

    def film(self, title, path=CLIP, **more):
        alice = self.login()
        video = alice.post("/api/v1/videos", {"title": title, "visibility": "public"})["id"]
        self.journal.append({"kind": "client", "did": "create", "video": video, "status": 201})
        alice.upload(path, video_id=video, **more)
        self.journal.append({"kind": "client", "did": "upload", "video": video, "status": 204})
        return video

    def ready(self, video):
        alice = self.login()
        state = until(f"{video} is ready", lambda: alice.get(f"/api/v1/videos/{video}")["state"], lambda state: state in ("ready", "failed"))
        self.journal.append({"kind": "client", "did": "saw", "video": video, "state": state})
        return state

    def findings(self, tail):
        """What the log of the bus and of the client says of anything lost or done twice, once all jobs are at their end."""
        until("every queue is empty", lambda: json.loads(self.cli("queue", "--json").stdout),
              lambda queues: not any(q["ready"] + q["leased"] + q["held"] for q in queues))
        return check(self.heard(tail) + [json.dumps(m) for m in self.journal])
