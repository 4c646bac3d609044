"""`kinobus tail --json` of a platform: every message of the bus, as dictionaries, in order."""
import json
import queue
import subprocess
import threading
import time

from patience import PATIENCE


class Tail:
    def __init__(self, argv):
        self.seen, self.more = [], queue.Queue()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        first = self.more.get(timeout=PATIENCE)     # the broker has the tap: all that happens from now on is seen
        if not first or first.get("kind") != "tap":
            raise AssertionError(f"the tail did not begin: {first}")

    def read(self):
        for line in self.process.stdout:
            try:
                self.more.put(json.loads(line))
            except ValueError:
                pass
        self.more.put(None)

    def next(self, wanted, within):
        """The first message, among those not looked at yet, for which wanted(message) holds; None when none came."""
        until = time.monotonic() + within
        while True:
            try:
                message = self.more.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return None
            if message is None:
                raise AssertionError("the tail ended")
            self.seen.append(message)
            if wanted(message):
                return message

    def wait(self, wanted, what):
        """As next(), but that none comes is a failure."""
        message = self.next(wanted, PATIENCE)
        if not message:
            last = "\n".join(json.dumps(m)[:300] for m in self.seen[-12:])
            raise AssertionError(f"no {what} within {PATIENCE} s; the last messages were:\n{last}")
        return message

    def expect(self, name, kind=None, **fields):
        """Waits for a message of this name whose body has these fields."""
        def wanted(m):
            body = m.get("body") or {}
            return m.get("name") == name and (kind is None or m.get("kind") == kind) \
                and all(body.get(k) == v for k, v in fields.items())
        return self.wait(wanted, f"{kind or 'message'} {name} {fields or ''}")

    def drain(self):
        """Everything that is there already joins what was seen."""
        while True:
            try:
                message = self.more.get_nowait()
            except queue.Empty:
                return
            if message:
                self.seen.append(message)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
