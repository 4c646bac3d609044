"""A whole platform in a folder of its own, for system stories: real processes, a free port, and its bus to listen to.

    with Stage() as p:
        alice = p.login()
        tail = p.tail()
        video = alice.upload(CLIP, title="A film", visibility="public")
        tail.expect("catalog.video_ready", video_id=video)
"""
import hashlib
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "ops"), os.path.join(TOP, "tests", "harness")]
from api import Api, ApiError  # noqa: E402  (the folders must be on the path first)
from patience import PATIENCE, until  # noqa: E402
from tail import Tail  # noqa: E402

BIN = os.environ.get("KINOBUS_BIN", os.path.join(TOP, "build", "bin"))
CLIP = os.path.join(TOP, "tests", "media", "counter.mp4")
MEDIA = os.path.join(os.path.dirname(TOP), "shared", "media")


def media(name, otherwise=CLIP):
    """A file of the shared test videos where they are, else the project's own clip."""
    for folder in ("clean", "hostile"):
        path = os.path.join(MEDIA, folder, name)
        if os.path.exists(path):
            return path
    return otherwise


def free_port():
    """One that nobody listens at, and that the kernel gives to no client meanwhile: those begin at 32768."""
    while True:
        port = random.randrange(16384, 32768)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def persist(what, act, again=(401, 429)):
    """What act() answers, once it works: no connection, a 5xx, or one of the statuses `again` is tried again."""
    def attempt():
        try:
            return act(), None
        except (OSError, ApiError) as error:
            if isinstance(error, ApiError) and not (error.status in again or error.status >= 500):
                raise
            return None, error

    return until(what, attempt, lambda answer: answer[1] is None)[0]


class Stage:
    def __init__(self, env=None, state=None):
        self.state = state or tempfile.mkdtemp(prefix="kinobus-")
        self.port, self.own, self.tails = free_port(), state is None, []
        self.password = secrets.token_urlsafe(12)
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "KINOBUS_FRONT_PORT": str(self.port), "KINOBUS_FRONT_PUBLIC_URL": self.url,
                    "KINOBUS_AUTH_ADMIN_PASSWORD_FILE": os.path.join(self.state, "admin-password"), **(env or {})}
        self.supervisor = None

    def __enter__(self):
        with open(os.path.join(self.state, "admin-password"), "w", encoding="utf-8") as f:
            f.write(self.password + "\n")
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error):
        for tail in self.tails:
            tail.close()
        self.stop()
        if error[0]:
            sys.stderr.write(self.logs())
        if self.own:
            shutil.rmtree(self.state, ignore_errors=True)

    def start(self):
        with open(os.path.join(self.state, "supervisor.log"), "ab") as log:
            self.supervisor = subprocess.Popen([os.path.join(BIN, "kinobus-supervisor"), "--state", self.state],
                                               env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def stop(self):
        if self.supervisor and self.supervisor.poll() is None:
            self.supervisor.terminate()
            try:
                self.supervisor.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.supervisor.kill()
                self.supervisor.wait()
        for pid in self.pids().values():      # what a killed supervisor left behind
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def wait_ready(self):
        def ready():
            if self.supervisor.poll() is not None:
                raise AssertionError(f"the supervisor ended with {self.supervisor.returncode}\n{self.logs()}")
            return Api(self.url).send("GET", "/readyz")

        until("the platform is ready", ready, lambda answer: answer.status == 200, despite=OSError, tell=self.logs)

    def pids(self):
        """Living processes by the names of their pid files: {"catalog-1": 1234, ...}."""
        found, run = {}, os.path.join(self.state, "run")
        for name in sorted(os.listdir(run)) if os.path.isdir(run) else ():
            if not name.endswith(".pid") or name == "supervisor.pid":
                continue
            try:
                with open(os.path.join(run, name), encoding="utf-8") as f:
                    pid = int(f.read().split()[0])
                os.kill(pid, 0)
            except (OSError, ValueError, IndexError):
                continue
            found[name[:-4]] = pid
        return found

    def kill(self, name):
        pid = self.pids()[name if "-" in name else name + "-1"]
        os.kill(pid, signal.SIGKILL)
        return pid

    def login(self, email="admin@localhost", password=None):
        return Api(self.url).login(email, password or self.password)

    def tail(self, *patterns):
        tail = Tail([os.path.join(BIN, "kinobus"), "tail", "--json", "--state", self.state, *patterns])
        self.tails.append(tail)
        return tail

    def clip(self, title="A film", visibility="public", by=None):
        """The id of the project's own clip, uploaded (by the administrator, if nobody is named) and ready."""
        tail = self.tail("catalog.*")
        video = (by or self.login()).upload(CLIP, title=title, visibility=visibility)
        tail.expect("catalog.video_ready", video_id=video)
        self.tails.remove(tail)
        tail.close()
        return video

    def address(self, video):
        """Where the files of a public video are served: the path that anybody gets who asks to watch it."""
        return Api(self.url).post(f"/api/v1/videos/{video}/playback")["hls_url"].rsplit("/", 1)[0]

    def folder(self, address):
        """Where the files lie that are served there."""
        return os.path.join(self.state, "blobs", "media", *address.split("/")[3:])

    def cli(self, *words, check=True):
        return subprocess.run([os.path.join(BIN, "kinobus"), *words, "--state", self.state], check=check,
                              capture_output=True, text=True, timeout=PATIENCE)

    def heard(self, tail):
        """The log of the bus in lines of JSON: what the tail saw, then all that the streams hold, which is also what was said
        while the tail had no broker, or has not told yet."""
        tail.drain()
        return [json.dumps(m) for m in tail.seen] \
            + self.cli("tail", "--since", "1d", "--wait", "0", "--json").stdout.splitlines()

    def outputs(self, video):
        """What was made of a video: the hashes of its segments and initialisations by their names."""
        folder, made = os.path.join(self.state, "blobs", "media", video, "1"), {}
        for at, _, names in os.walk(folder):
            for name in names:
                if name.endswith((".m4s", ".mp4")):
                    with open(os.path.join(at, name), "rb") as f:
                        made[os.path.join(os.path.relpath(at, folder), name)] = hashlib.sha256(f.read()).hexdigest()
        return made

    def logs(self, lines=15):
        """The ends of all logs, for whoever reads a failure."""
        text = []
        for folder in (self.state, os.path.join(self.state, "log")):
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                if name.endswith(".log"):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                        text.append(f"--- {name}\n" + "".join(f.readlines()[-lines:]))
        return "\n".join(text) + "\n"
