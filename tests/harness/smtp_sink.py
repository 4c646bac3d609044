"""A mail server for tests, on the standard library: it takes mail for anybody and keeps it in memory.

    with Sink() as sink:
        ...                                  # KINOBUS_FETCHER_SMTP_URL = sink.url
        mail = sink.wait()                   # the next one it took, as an email.message.EmailMessage

`before` is called with the bytes of a mail before it is answered: what it returns is the answer, None hangs up.
"""
import email
import email.policy
import queue
import socket
import threading

from patience import PATIENCE

TAKEN = "250 taken"


class Sink:
    def __init__(self, before=None):
        self.before, self.took, self.offered = before or (lambda mail: TAKEN), queue.Queue(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            with peer, peer.makefile("rwb") as stream:
                self.talk(stream)
        except OSError:
            pass      # who sent it is gone

    def talk(self, stream):
        def say(line):
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        say("220 sink")
        for line in stream:
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                say("354 go on")
                mail = self.read_mail(stream)
                self.offered.append(mail)
                answer = self.before(mail)
                if answer is None:
                    return
                say(answer)
                if answer.startswith("250"):
                    self.took.put(mail)
            else:
                say("221 bye" if verb == b"QUIT" else "250 well")
                if verb == b"QUIT":
                    return

    @staticmethod
    def read_mail(stream):
        lines = []
        for line in stream:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        raise OSError("the mail was not ended")

    def wait(self):
        try:
            mail = self.took.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no mail came within {PATIENCE} s; {len(self.offered)} were offered") from None
        return email.message_from_bytes(mail, policy=email.policy.default)
