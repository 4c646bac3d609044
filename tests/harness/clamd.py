"""ClamAV's daemon, the real one, in a folder of its own and with one signature: that of the EICAR test file.

    with Clamd() as clamd:
        ...                                  # KINOBUS_CATALOG_CLAMD = clamd.place

Nothing is downloaded: ops/install unpacks its package, and clamd starts with any one database.
"""
import os
import shutil
import socket
import struct
import subprocess
import tempfile

from patience import PATIENCE, until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(TOP, "build", "unpacked", "clamav-daemon", "usr", "sbin", "clamd")
EICAR = b"".join((rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-", b"FILE!$H+H*"))     # never as one, or a scanner finds this file
SIGNATURE = "Eicar-Test-Signature"


def with_box(clip, inside):
    """The MP4 with a box behind it that every player skips."""
    return clip + struct.pack(">I4s", len(inside) + 8, b"free") + inside


class Clamd:
    def __init__(self, stream_bytes=1 << 20):
        self.folder = tempfile.mkdtemp(prefix="kinobus-clamd-")
        self.path = os.path.join(self.folder, "clamd.ctl")
        self.place, self.process = "unix:" + self.path, None
        os.mkdir(os.path.join(self.folder, "db"))
        self.write("db/eicar.ndb", f"{SIGNATURE}:0:*:{EICAR.hex()}\n")
        self.write("clamd.conf", f"LocalSocket {self.path}\nDatabaseDirectory {self.folder}/db\nTemporaryDirectory {self.folder}\n"
                                 f"LogFile {self.folder}/clamd.log\nForeground yes\nStreamMaxLength {stream_bytes}\nConcurrentDatabaseReload no\n")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Until it answers."""
        if not os.path.exists(PROGRAM):
            raise AssertionError("clamd is not there: ops/install --test unpacks it")
        self.process = subprocess.Popen([PROGRAM, "--config-file", os.path.join(self.folder, "clamd.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("clamd answers", self.ping, lambda answer: answer == b"PONG\0", despite=OSError, tell=self.log)
        return self

    def ping(self):
        assert self.process.poll() is None, f"clamd ended\n{self.log()}"
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.path)
            s.sendall(b"zPING\0")
            return s.recv(16)

    def log(self):
        with open(os.path.join(self.folder, "clamd.log"), encoding="utf-8") as f:
            return f.read()[-2000:]

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.process = None
        if os.path.exists(self.path):
            os.unlink(self.path)
