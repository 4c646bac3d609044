"""What an operator sees and steers: settings, queues, messages past and present, rights, faults made on purpose, and a
supervisor that was killed."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE, until  # noqa: E402  (the folder must be on the path first)
from stage import BIN, CLIP, Stage, free_port  # noqa: E402


LISTS = {"queue": "transcode.probe", "stream": "catalog", "group": "catalog:catalog", "peer": "catalog",
         "service": "catalog"}


def on_terminal(columns, *words, enough=None):
    """What a command prints on a terminal of this width, and its exit code. enough: ^C once this was seen."""
    pid, fd = pty.fork()
    if pid == 0:
        sys.stdin.readline()                       # until the terminal has its size
        os.execv(words[0], words)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    os.write(fd, b"\n")
    out = b""
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:                            # its last process closed it
            break
        out += more
        if enough and enough in out:
            os.write(fd, b"\x03")
            enough = None
        if not more:
            break
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return out.decode(), code


class Damage(unittest.TestCase):
    def test_what_the_disk_changed_is_found_and_told(self):
        with Stage(env={"KINOBUS_CATALOG_SCRUB_EVERY_MS": "1000"}) as p:
            tail = p.tail("catalog.*")
            video = p.login().upload(CLIP, title="A film", visibility="public")
            tail.expect("catalog.video_ready", video_id=video)
            self.assertIn("nothing was found damaged", p.cli("damaged").stdout)
            made = sorted(name for name in p.outputs(video) if name.endswith(".m4s"))
            segment = os.path.join(p.state, "blobs", "media", video, "1", made[0])
            with open(segment, "r+b") as f:
                f.seek(100)
                byte = f.read(1)[0]
                f.seek(100)
                f.write(bytes([byte ^ 4]))
            told = tail.expect("catalog.object_damaged", video_id=video)
            self.assertIn(made[0], json.dumps(told))
            self.assertIn(made[0], p.cli("damaged").stdout)
            why = p.cli("why", video).stdout
            self.assertIn("damaged", why)
            self.assertIn(made[0] + " is changed", why)
            with open(segment, "r+b") as f:
                f.seek(100)
                f.write(bytes([byte]))
            until("it is not said to be damaged any more", lambda: p.cli("damaged").stdout, lambda said: "nothing was found damaged" in said)


class Paused(unittest.TestCase):
    def test_a_queue_is_paused_over_a_start_of_the_broker_until_it_goes_on(self):
        name = "transcode.encode_run"

        def asked(*words):
            return json.loads(p.cli(*words, "--json").stdout)

        def queue():
            return next(row for row in asked("queue") if row["name"] == name)

        with Stage() as p:
            tail = p.tail()
            self.assertEqual(asked("queue", "pause", name), {"changed": 1})
            self.assertIn("is paused already", p.cli("queue", "pause", name).stdout)
            video = p.login().upload(CLIP, title="Paused", visibility="private")
            tail.expect(name, kind="put", video_id=video)
            p.kill("broker-1")
            until("the broker is back", lambda: p.cli("queue", check=False), lambda done: done.returncode == 0)
            tail, row = p.tail(), queue()
            self.assertGreater(row["paused_ms"], 0)
            self.assertGreater(row["ready"], 0)
            self.assertEqual(row["leased"], 0)
            self.assertEqual({job["state"] for job in asked("why", video)["jobs"] if job["queue"] == name}, {"paused"})
            self.assertIn("paused", p.cli("why", video).stdout)
            self.assertEqual(asked("queue", "resume", name), {"changed": 1})
            tail.expect("catalog.video_ready", video_id=video)
            self.assertEqual(queue()["paused_ms"], 0)
            self.assertIn("is not paused", p.cli("queue", "resume", name).stdout)
            self.assertIn("there is no queue 'nothing'", p.cli("queue", "pause", "nothing", check=False).stderr)
            self.assertEqual(p.cli("stream", "pause", "catalog", check=False).returncode, 2)


class Lost(unittest.TestCase):
    def test_a_question_outlives_the_process_that_had_it(self):
        with Stage() as p:
            tail = p.tail("catalog.list_videos")
            os.kill(p.pids()["catalog-1"], signal.SIGSTOP)
            with subprocess.Popen([f"{BIN}/kinobus", "call", "catalog.list_videos", "--json", "--state", p.state],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
                tail.expect("catalog.list_videos", kind="call")
                p.kill("catalog")
                out, told = asked.communicate(timeout=PATIENCE)
            self.assertEqual(asked.returncode, 0, told)
            self.assertIn("items", json.loads(out))


class Operator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.listen = f"tcp://127.0.0.1:{free_port()}"
        cls.stage = Stage(env={"KINOBUS_BROKER_LISTEN": cls.listen}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def asked(self, *words, code=0):
        done = self.stage.cli(*words, "--json", check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def setting(self, *words):
        return {(row["actor"], row["name"]): row for row in self.asked("config", *words)}

    def test_a_setting_changes_at_run_time_and_goes_back(self):
        self.assertEqual(self.setting("catalog", "slots")["catalog", "slots"]["source"], "built-in")
        self.asked("config", "catalog", "slots", "99")
        row = self.setting("catalog", "slots")["catalog", "slots"]
        self.assertEqual((row["value"], row["source"]), ("99", "bus"))
        self.asked("config", "catalog", "slots", "--unset")
        self.assertEqual(self.setting("catalog", "slots")["catalog", "slots"]["source"], "built-in")

    def test_a_value_that_is_not_valid_is_refused_and_what_was_there_stays(self):
        self.asked("config", "index", "slots", "98")
        self.assertIn("did not take it", self.asked("config", "index", "slots", "lots", code=1))
        self.assertEqual(self.setting("index", "slots")["index", "slots"]["value"], "98")
        self.asked("config", "index", "slots", "--unset")

    def test_a_setting_that_does_not_exist_is_a_wrong_word(self):
        self.assertIn("no setting", self.asked("config", "catalog", "colour", code=2))

    def test_an_actor_that_sleeps_is_told_for_when_it_wakes(self):
        row = self.setting("fetcher", "smtp_timeout_s")["fetcher", "smtp_timeout_s"]
        self.assertEqual((row["value"], row["source"]), ("45", "built-in"))
        self.asked("config", "fetcher", "smtp_timeout_s", "90")
        row = self.setting("fetcher")["fetcher", "smtp_timeout_s"]
        self.assertEqual((row["value"], row["source"]), ("90", "bus"))
        everything = self.setting()
        self.assertEqual(everything["fetcher", "smtp_timeout_s"]["value"], "90")
        self.assertEqual({actor for actor, _ in everything}, {"auth", "catalog", "fetcher", "front", "index", "notify", "playback", "transcode"})
        self.assertIn("must be at least 5", self.asked("config", "fetcher", "smtp_timeout_s", "1", code=1))
        self.assertEqual(self.setting("fetcher", "smtp_timeout_s")["fetcher", "smtp_timeout_s"]["value"], "90")
        self.asked("config", "fetcher", "smtp_timeout_s", "--unset")
        self.assertEqual(self.setting("fetcher", "smtp_timeout_s")["fetcher", "smtp_timeout_s"]["source"], "built-in")
        self.assertIn("no setting 'colour'", self.asked("config", "fetcher", "colour", "red", code=2))
        self.assertIn("it goes by catalog.clamd", self.asked("config", "fetcher", "clamd", "unix:/x", code=2))
        self.assertIn("no process of nobody", self.asked("config", "nobody", code=1))

    def test_a_key_lets_its_role_join_until_it_is_revoked(self):
        path = os.path.join(self.stage.state, "desk.join")
        made = self.asked("key", "make", "cli/desk", self.listen, path)
        self.assertEqual((made["role"], made["name"], made["file"]), ("cli", "desk", path))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertIn("revoke", self.asked("key", "make", "cli/desk", self.listen, path + "2", code=1))
        self.assertFalse(os.path.exists(path + "2"))
        self.assertEqual([(row["role"], row["name"], row["session"]) for row in self.asked("key", "ls")], [("cli", "desk", False)])
        peers = self.asked("call", "$sys.peers", "--join", path)
        self.assertEqual([row["address"] for row in peers if row["name"] == "desk"], ["127.0.0.1"])
        os.chmod(path, 0o640)
        self.assertIn("chmod 600", self.asked("queue", "--join", path, code=3))
        os.chmod(path, 0o600)
        self.asked("key", "revoke", "cli/desk")
        self.assertIn("does not know this secret or key", self.asked("queue", "--join", path, code=1))
        self.assertIn("key ls", self.asked("key", "revoke", "cli/desk", code=1))
        self.assertEqual(self.asked("key", "ls"), [])

    def test_words_that_make_no_key_are_told(self):
        for words, told in ((("make", "cli", self.listen), "ROLE/NAME"), (("make", "cli/a b", self.listen), "letters"),
                            (("make", "nobody/desk", self.listen), "no program"), (("make", "cli/desk", "10.0.0.1"), "tcp://HOST:PORT"),
                            (("lend",), "make, ls or revoke")):
            self.assertIn(told, self.asked("key", *words, code=2))
        self.assertIn("has no key", self.asked("key", "revoke", "cli/nobody", code=1))
        self.assertEqual(self.asked("key", "ls"), [])

    def test_every_actor_stands_in_the_registry_with_what_it_serves(self):
        peers = {row["role"]: row for row in self.asked("call", "$sys.peers")}
        self.assertLessEqual({"auth", "catalog", "front", "index", "playback", "transcode"}, set(peers))
        self.assertEqual(peers["catalog"]["offers"], 1)
        self.assertEqual(peers["transcode"]["takes"], 2)
        self.assertEqual(peers["catalog"]["pid"], self.stage.pids()["catalog-1"])

    def test_why_names_the_jobs_of_a_video(self):
        video = self.stage.clip("Why", "private")
        why = self.asked("why", video)
        self.assertEqual(why["state"], "ready")
        self.assertEqual(why["jobs"], [])           # nothing is left of them
        queues = {row["name"]: row for row in self.asked("queue")}
        self.assertEqual(queues["transcode.encode_run"]["dead"], 0)
        self.assertGreater(queues["transcode.encode_run"]["acks"], 0)

    def uploaded(self, title):
        tail = self.stage.tail()
        video = self.stage.login().upload(CLIP, title=title, visibility="private")
        tail.expect("catalog.video_ready", video_id=video)
        tail.drain()
        return video, tail.seen

    def lines(self, *words, code=0):
        done = self.stage.cli(*words, "--json", check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_what_is_no_call_is_told_what_it_is(self):
        self.assertIn("is a job", self.asked("call", "transcode.probe", "{}", code=2))
        self.assertIn("is an event", self.asked("call", "catalog.video_ready", "{}", code=2))
        self.assertIn("there is no call 'catalog.sing'", self.asked("call", "catalog.sing", "{}", code=2))

    def test_every_command_tells_what_it_does(self):
        commands = re.findall(r"^  ([a-z]+) ", self.stage.cli("help").stdout, re.M)
        self.assertLessEqual({"top", "tail", "trace", "queue", "dead", "acl", "chaos"}, set(commands))
        for command in commands:
            self.assertIn(f"kinobus {command}", self.stage.cli(command, "--help").stdout)

    def test_what_is_on_the_bus_is_listed_and_each_is_shown(self):
        for kind, name in LISTS.items():
            rows = self.asked(kind, "ls")
            self.assertEqual(rows, sorted(rows, key=lambda row: row.get("stream") or row.get("role") or row["name"]))
            shown = self.asked(kind, "show", name)
            self.assertIn(name, (shown[0].get("role"), shown[0].get("name")))
            self.assertIn(name, self.stage.cli(kind, "show", name).stdout)
            self.assertIn(f"there is no {kind} 'nothing'", self.asked(kind, "show", "nothing", code=1))
            self.assertEqual(self.stage.cli(kind, "shew", name, check=False).returncode, 2)

    def test_tables_fit_the_terminal_and_nothing_is_left_out_of_a_pipe(self):
        for columns in (60, 80, 200):
            for kind in LISTS:
                out, code = on_terminal(columns, f"{BIN}/kinobus", kind, "ls", "--state", self.stage.state)
                plain = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()[1:]     # behind the line that was typed
                self.assertEqual(code, 0)
                self.assertGreater(len(plain), 1)
                self.assertLessEqual(max(map(len, plain)), columns, out)
                self.assertIn("\x1b[1m", out)
        self.assertIn("INSTANCE", self.stage.cli("peer").stdout)
        self.assertNotIn("\x1b", self.stage.cli("peer").stdout)

    def test_top_refreshes_on_a_terminal_until_it_is_interrupted(self):
        out, code = on_terminal(80, f"{BIN}/kinobus", "top", "--every", "1s", "--state", self.stage.state,
                                enough=b"SERVICE")
        self.assertEqual(code, 0)
        self.assertIn("transcode.encode_run", out)
        self.assertTrue(out.rstrip().endswith("\x1b[?25h"))             # the cursor is back

    def test_top_into_a_pipe_looks_once_and_counts(self):
        out = self.stage.cli("top", "--every", "1s").stdout
        self.assertRegex(out, r"(?s)^broker .*commits .*QUEUE +READY.*SERVICE +CALLS/S")
        self.uploaded("Counted")
        seen = self.asked("top", "--every", "1s", "--times", "1")
        self.assertGreater(seen["broker"]["in_per_s"], 0)
        queues = {row["name"]: row for row in self.asked("queue")}
        self.assertEqual(queues["transcode.encode_run"]["run"]["n"], queues["transcode.encode_run"]["acks"])
        self.assertGreater(queues["transcode.encode_run"]["run"]["p50_us"], 0)
        self.assertLessEqual(queues["transcode.encode_run"]["run"]["p99_us"],
                             queues["transcode.encode_run"]["run"]["max_us"])
        self.assertGreater({row["name"]: row for row in self.asked("service")}["catalog"]["latency"]["n"], 0)

    def test_the_first_line_says_that_the_tap_is_there_however_busy_the_bus_is(self):
        alice, stop = self.stage.login(), threading.Event()

        def ask():
            while not stop.is_set():
                alice.get("/api/v1/videos")

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(5):
                head, *rows = self.lines("tail", "--count", "20")
                self.assertEqual(head["kind"], "tap")
                self.assertEqual(len(rows), 20)
        finally:
            stop.set()
            asking.join()

    def test_tail_goes_back_in_time_and_on_without_a_gap_or_a_repetition(self):
        first, _ = self.uploaded("Before")
        tail = self.stage.tail("catalog.video_created", "--kind", "append", "--since", "1h")
        second, _ = self.uploaded("After")
        tail.expect("catalog.video_created", video_id=second)
        tail.drain()
        videos = [m["body"]["video_id"] for m in tail.seen]
        self.assertEqual(videos[-2:], [first, second])
        self.assertEqual(len(set(videos)), len(videos))

    def test_tail_shows_the_last_ones_and_ends(self):
        video, _ = self.uploaded("Last")
        head, *rows = self.lines("tail", "catalog.video_created", "catalog.video_ready", "-n", "2", "--wait", "0")
        self.assertEqual(head["kind"], "tap")
        self.assertEqual([row["name"] for row in rows], ["catalog.video_created", "catalog.video_ready"])
        self.assertEqual({row["body"]["video_id"] for row in rows}, {video})
        out = self.stage.cli("tail", "catalog.video_ready", "-n", "1", "--wait", "0", "-f", "%k|%n|%K|%%").stdout
        self.assertEqual(out, f"append|catalog.video_ready|{video}|%\n")
        self.assertEqual(self.lines("tail", "--since", "1d", "--not", ">", "--wait", "0")[1:], [])
        self.lines("tail", "catalog.video_ready", "-n", "1", "--count", "5", "--wait", "0", code=1)

    def test_tail_chooses_by_error(self):
        tail = self.stage.tail("--error", "not_found")
        self.asked("call", "catalog.get_video", '{"id":"video_00000000000000000000000001"}', code=1)
        self.assertEqual(tail.expect("catalog.get_video")["outcome"], "ERR_NOT_FOUND")
        self.assertEqual(len(tail.seen), 1)

    def test_the_bus_is_timed_and_nothing_stays_of_it(self):
        rows = self.asked("bench", "--for", "1s", "--window", "8", "catalog", "broker", "commit")
        self.assertEqual([(row["figure"], row["in_flight"]) for row in rows],
                         [(name, n) for name in ("broker", "catalog", "commit") for n in (1, 8)])
        for row in rows:
            self.assertEqual(row["failed"], 0)
            self.assertTrue(0 < row["p50_us"] <= row["p99_us"] and row["n"] > 0 and row["per_s"] > 0, row)
        self.assertEqual(self.asked("call", "$sys.values", '{"name":"cli.bench"}'), [])
        self.assertIn("nobody offers nobody", self.asked("bench", "nobody", code=2))
        self.assertIn("does not fit", self.asked("bench", "--window", "0", code=2))

    def test_words_that_mean_nothing_are_refused(self):
        for words in (["tail", "--kind", "nothing"], ["tail", "--error", "nothing"], ["tail", "--since", "soon"],
                      ["tail", "-f", "%x"], ["top", "--every", "x"], ["trace", "xyz"], ["chaos", "hit", "any"],
                      ["dead", "drop", "transcode.probe"], ["dead", "show", "transcode.probe", "x"]):
            self.assertEqual(self.stage.cli(*words, check=False).returncode, 2, words)
        self.assertIn("no such name", self.asked("dead", "ls", "nothing.here", code=1))

    def test_a_trace_is_followed_across_actors(self):
        video, seen = self.uploaded("Traced")
        trace = next(m["trace"] for m in seen if m["name"] == "transcode.probe" and m["kind"] == "put")
        rows = self.lines("trace", trace, "--wait", "0")
        self.assertLessEqual({"transcode.probe_done", "transcode.run_done", "catalog.video_ready"},
                             {row["name"] for row in rows})
        self.assertEqual({row["trace"] for row in rows}, {trace})
        self.assertIn(video, {row["key"] for row in rows})
        self.assertIn("nothing of the trace", self.asked("trace", "f" * 32, "--wait", "0", code=1))

    def test_no_password_and_no_token_is_ever_shown(self):
        tail = self.stage.tail()
        alice = self.stage.login()
        alice.get("/api/v1/videos")
        tail.expect("auth.login", kind="reply")
        tail.drain()
        asked = next(m for m in tail.seen if m["name"] == "auth.login" and m["kind"] == "call")
        self.assertEqual(asked["body"]["password"], "***")
        shown = json.dumps(tail.seen)
        self.assertNotIn(self.stage.password, shown)
        self.assertNotIn(alice.token, shown)
        self.assertNotIn(alice.token.split(".")[-1], shown)
        self.asked("config", "catalog", "slots", "97")      # a setting may be one: what it was set to is not shown
        self.assertEqual(tail.wait(lambda m: m["name"] == "settings.catalog", "setting")["body"], "***")
        self.asked("config", "catalog", "slots", "--unset")
        past = self.stage.cli("tail", "--since", "1d", "--wait", "0", "--json").stdout
        self.assertNotIn(self.stage.password, past)

    def test_a_right_is_explained_by_the_row_that_gives_it(self):
        self.assertEqual(self.asked("acl", "check", "cli", "tap", "catalog.video_ready"),
                         {"allowed": True, "rule": "allow cli tap >"})
        done = self.stage.cli("acl", "check", "front", "put", "transcode.probe", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no row allows it", done.stdout)
        for words in (["nobody", "call", "a.b"], ["front", "shout", "a.b"], ["front", "call", "A B"]):
            self.assertEqual(self.stage.cli("acl", "check", *words, check=False).returncode, 2, words)

    def test_a_secret_that_the_broker_does_not_know_is_told_apart_from_a_broker_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as other:
            os.mkdir(os.path.join(other, "keys"))
            with open(os.path.join(other, "keys", "cli"), "w", encoding="utf-8") as f:
                f.write("not it")
            os.symlink(os.path.join(self.stage.state, "bus.sock"), os.path.join(other, "bus.sock"))
            wrong = subprocess.run([f"{BIN}/kinobus", "queue", "--state", other], capture_output=True, text=True,
                                   check=False, timeout=PATIENCE)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("does not know this secret", wrong.stderr)

    def test_chaos_kills_what_its_seed_draws_and_the_platform_comes_back(self):
        before = self.stage.pids()
        done = self.asked("chaos", "kill", "catalog", "--seed", "1")
        self.assertEqual((done["process"], done["pid"]), ("catalog-1", before["catalog-1"]))
        self.until_started_again("catalog-1", before)
        drawn = [self.asked("chaos", "stop", "any", "--seed", "7", "--for", "1s")["process"] for _ in range(2)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertIn("no process of nothing", self.asked("chaos", "kill", "nothing", code=3))

    def test_a_broker_that_does_not_answer_is_told_and_it_goes_on_afterwards(self):
        self.asked("chaos", "stop", "broker")
        try:
            self.assertIn("no broker answers", self.asked("queue", code=3))
        finally:
            self.asked("chaos", "cont", "broker")
        self.stage.wait_ready()
        self.assertTrue(self.asked("queue"))

    def test_a_platform_outlives_its_supervisor_and_the_next_one_adopts_it(self):
        before = self.stage.pids()
        self.stage.supervisor.send_signal(signal.SIGKILL)
        self.stage.supervisor.wait()
        self.assertEqual(self.stage.pids(), before)
        self.stage.start()
        self.stage.wait_ready()
        self.assertEqual(self.stage.pids(), before)
        self.stage.kill("index")                     # what is adopted is watched, too
        self.until_started_again("index-1", before)

    def until_started_again(self, process, before):
        until(f"{process} is started again", lambda: self.stage.pids().get(process, before[process]), lambda pid: pid != before[process])
        self.stage.wait_ready()


if __name__ == "__main__":
    unittest.main()
