"""f002: a mail is sent when the fetcher dies after the server has it and before it has said so; every try is the same
mail, so that a receiver drops the second copy. And the link in it works."""
import os
import re
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE  # noqa: E402  (the folder must be on the path first)
from stage import Stage  # noqa: E402
from api import Api  # noqa: E402
from smtp_sink import TAKEN, Sink  # noqa: E402


class MailOnce(unittest.TestCase):
    def setUp(self):
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.kill_first = False

    def before(self, mail):
        if not self.kill_first:
            return TAKEN
        self.kill_first = False
        self.reached.set()
        self.go_on.wait(PATIENCE)
        return None     # there is nobody left to hear an answer

    def stage(self, **server):
        return Stage(env={**server, "KINOBUS_NOTIFY_MAIL_FROM": "kinobus@example.org", "KINOBUS_AUTH_VERIFY_MAIL": "true",
                          "KINOBUS_FRONT_PUBLIC_URL": "https://video.example.org"})

    @staticmethod
    def register(stage, name):
        Api(stage.url).post("/api/v1/auth/register",
                            {"email": f"{name}@example.org", "password": "correct horse", "name": name})

    def test_a_new_account_is_verified_by_the_link_in_its_mail(self):
        with Sink(self.before) as sink, self.stage() as stage:
            stage.cli("config", "fetcher", "smtp_url", sink.url)    # while it sleeps: told for when it wakes
            stage.cli("config", "fetcher", "smtp_tls", "never")
            self.register(stage, "ann")
            mail = sink.wait()
            self.assertEqual(mail["To"], "ann@example.org")
            self.assertEqual(mail["From"], "kinobus@example.org")
            token = re.search(r"https://video\.example\.org/verify\?token=(\S+)", mail.get_content())[1]
            user = Api(stage.url).post("/api/v1/auth/verify", {"token": token})
            self.assertTrue(user["verified"])

    def test_a_kill_before_the_answer_sends_the_same_mail_again(self):
        self.kill_first = True
        with Sink(self.before) as sink, self.stage(KINOBUS_FETCHER_SMTP_URL=sink.url, KINOBUS_FETCHER_SMTP_TLS="never") as stage:
            tail = stage.tail("kind=ack")
            self.register(stage, "bob")
            self.assertTrue(self.reached.wait(PATIENCE), "no mail was offered")
            stage.kill("fetcher")
            self.go_on.set()
            mail = sink.wait()      # after the lease of the one that died
            self.assertTrue(mail["Message-ID"])
            tail.expect("fetcher.send_mail", kind="ack")
            self.assertEqual(len(sink.offered), 2)
            self.assertEqual(sink.offered[0], sink.offered[1])
            self.assertTrue(sink.took.empty())


if __name__ == "__main__":
    unittest.main()
