"""How a person starts a platform and stops it: what `kinobus up` prints, and who may sign in first."""
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE  # noqa: E402  (the folder must be on the path first)
from stage import BIN, free_port  # noqa: E402
from api import Api, ApiError  # noqa: E402  (the stage put its folder on the path)


class Start(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kinobus-start-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state, self.port = os.path.join(self.folder, "var"), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("KINOBUS_")}
        self.addCleanup(self.kinobus, "down")

    def kinobus(self, *words):
        return subprocess.run([os.path.join(BIN, "kinobus"), *words, "--state", self.state], env=self.env, cwd=self.folder,
                              capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

    def up(self, *words, within=PATIENCE):
        return self.kinobus("up", "--detach", "--port", str(self.port), "--within", str(within), *words)

    def test_the_first_start_prints_a_password_that_signs_in_and_later_ones_do_not(self):
        first = self.up()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn(f"open:     {self.url}/\n", first.stdout)
        password = first.stdout.split("sign in:  admin@localhost, password ")[1].split(" ")[0]
        Api(self.url).login("admin@localhost", password)
        kept = os.path.join(self.state, "admin-password")
        self.assertEqual(stat.S_IMODE(os.stat(kept).st_mode), 0o600)
        again = self.up()
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertIn("already running", again.stderr)
        self.assertEqual(self.kinobus("down").returncode, 0)
        second = self.up("--json")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(sorted(json.loads(second.stdout)), ["pid", "state", "url"])
        Api(self.url).login("admin@localhost", password)

    def test_what_it_says_to_scripts_is_json_whatever_the_folder_is_called(self):
        self.state = os.path.join(self.folder, 'the "new" one')
        started = json.loads(self.up("--json").stdout)
        self.assertEqual((started["state"], started["url"]), (self.state, self.url + "/"))
        self.assertEqual(started["admin_password_file"], os.path.join(self.state, "admin-password"))
        self.assertTrue(all(row["alive"] for row in json.loads(self.kinobus("status", "--json").stdout)["processes"]))

    def test_the_first_password_may_come_from_a_file(self):
        with open(os.path.join(self.folder, "secret"), "w", encoding="utf-8") as f:
            f.write("a tram at night\n")
        started = self.up("--admin-password-file", "secret")
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn(f"sign in:  admin@localhost, password in {self.folder}/secret\n", started.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.state, "admin-password")))
        Api(self.url).login("admin@localhost", "a tram at night")
        with self.assertRaises(ApiError):
            Api(self.url).login("admin@localhost", "a tram by day")

    def test_what_is_wrong_is_said_before_anything_starts(self):
        missing = self.up("--admin-password-file", "nowhere")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("nowhere: No such file", missing.stderr)
        os.makedirs(self.state, exist_ok=True)
        with open(os.path.join(self.state, "kinobus.conf"), "w", encoding="utf-8") as f:
            f.write("# mine\nfront.prot = 8080\n")
        wrong = self.up()
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("kinobus.conf:2: front has no setting 'prot'", wrong.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.state, "auth")))
        self.assertEqual(self.kinobus("status").returncode, 3)

    def test_who_does_not_become_ready_is_named_with_its_reason(self):
        named = rf"front-1: .*cannot listen on 127.0.0.1:{self.port}: is the port taken\?"
        with socket.create_server(("127.0.0.1", self.port)):
            for within in (8, 40, 200):         # the front must have come to it by then
                late = self.up(within=within)
                self.assertEqual(late.returncode, 1)
                if re.search(named, late.stderr):
                    break
                self.kinobus("down")
        self.assertRegex(late.stderr, named)


if __name__ == "__main__":
    unittest.main()
