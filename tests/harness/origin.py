"""A web server that films are fetched from, with all the ways of being one: it knows ranges or does not, cuts the connection,
lies about lengths, sends slowly, on and on, or something else than before.

    with Origin() as origin:
        url = origin.add("film.mp4", data, cut=100_000)

    authority = Authority(folder)           # vouches for servers, of its own making
    Origin(tls=authority.vouch("127.0.0.1"))
"""
import http.server
import os
import re
import socket
import ssl
import struct
import subprocess
import threading

from patience import PATIENCE

PIECE = 64 * 1024


class File:
    """ranges   whether a Range is honoured; etag, modified: what is said of it, None: nothing
    cut      break the connection after so many bytes of a body; "reset": with RST and at once
    told     "length", "chunked", "end" (of the connection), or a number: the length that is claimed
    gate     (bytes, Event): what is beyond so many bytes of the file is sent once the event is set
    status   answered instead; redirect: where to; headers: more of them; endless: the data again and again
    drip     (bytes, Event): so few at a time, until the event"""

    def __init__(self, data, *, ranges=True, etag='"one"', modified=None, cut=None, told="length", gate=None, status=None,
                 redirect=None, headers=(), endless=False, drip=None):
        self.__dict__.update({k: v for k, v in locals().items() if k != "self"})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def range_of(self, file):
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        if not asked or not file.ranges or condition not in (None, file.etag, file.modified):
            return None
        return int(re.fullmatch(r"bytes=(\d+)-", asked)[1])

    def do_GET(self):
        origin, file = self.server.origin, self.server.origin.files.get(self.path.split("?")[0])
        origin.note(self)
        if file is None:
            return self.answer(404, [("Content-Length", "0")])
        if file.redirect:
            return self.answer(302, [("Location", file.redirect), ("Content-Length", "0")])
        if file.status:
            return self.answer(file.status, [("Content-Length", "0")])
        start, size, headers = self.range_of(file), len(file.data), list(file.headers)
        headers += [(name, value) for name, value in (("ETag", file.etag), ("Last-Modified", file.modified)) if value]
        if start is not None and start >= size:
            return self.answer(416, [("Content-Range", f"bytes */{size}"), ("Content-Length", "0")])
        if start is not None:
            headers.append(("Content-Range", f"bytes {start}-{size - 1}/{size}"))
        at = start or 0
        if isinstance(file.told, int) or file.told == "length":
            headers.append(("Content-Length", str(file.told if isinstance(file.told, int) else size - at)))
        else:
            headers.append(("Transfer-Encoding", "chunked") if file.told == "chunked" else ("Connection", "close"))
        self.close_connection = file.told != "length"
        self.answer(200 if start is None else 206, headers)
        self.send(file, at)
        return None

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def send(self, file, at):
        sent, size = 0, len(file.data)
        while at < size or file.endless:
            if file.gate and at >= file.gate[0]:
                file.gate[1].wait(PATIENCE)
            n = min(PIECE, size - at % size if file.endless else size - at)
            if file.gate and at < file.gate[0]:
                n = min(n, file.gate[0] - at)
            if file.cut is not None and file.cut != "reset":
                n = min(n, file.cut - sent)
            if file.drip and not file.drip[1].is_set():
                file.drip[1].wait(0.1)
                n = min(n, file.drip[0])
            if n <= 0 or file.cut == "reset":
                return self.cut()
            piece = file.data[at % size:at % size + n]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if file.told == "chunked" else piece)
            at, sent = at + n, sent + n
        if file.told == "chunked":
            self.wfile.write(b"0\r\n\r\n")
        return None

    def cut(self):
        self.close_connection = True
        self.wfile.flush()
        if self.server.origin.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):    # whoever goes away is expected to
        pass


class Authority:
    def __init__(self, folder):
        self.folder, self.file = folder, os.path.join(folder, "authority.pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=An authority of tests",
                     "-keyout", self.file + ".key", "-out", self.file)

    def openssl(self, *words, **how):
        return subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder, **how)

    def vouch(self, address):
        """A file for the server at an address: its key, and the certificate that says so."""
        made = os.path.join(self.folder, f"{address}.pem")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a server", "-keyout", made, "-out", made + ".req")
        with open(made + ".ext", "w", encoding="ascii") as f:
            f.write(f"subjectAltName=IP:{address}\n")
        signed = self.openssl("x509", "-req", "-days", "2", "-in", made + ".req", "-CA", self.file, "-CAkey", self.file + ".key", "-CAcreateserial",
                              "-extfile", made + ".ext").stdout
        with open(made, "ab") as f:
            f.write(signed)
        return made


class Origin:
    def __init__(self, resets=False, tls=None):
        """tls: a file with a key and the certificate that it is proved by."""
        self.files, self.heard, self.resets, self.scheme = {}, [], resets, "https" if tls else "http"
        self.more = threading.Condition()
        self.server = Server(("0.0.0.0", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.origin = self
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        for file in self.files.values():
            for waits in (file.gate, file.drip):
                if waits:
                    waits[1].set()
        self.server.shutdown()
        self.server.server_close()

    def add(self, name, data=b"", **how):
        self.files["/" + name] = File(data, **how)
        return self.url(name)

    def url(self, name, host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}/{name}"

    def note(self, request):
        with self.more:
            self.heard.append((request.path, request.headers.get("Range"), request.headers.get("If-Range")))
            self.more.notify_all()

    def asked(self, name):
        """The ranges that were asked for of a file, in order; None: all of it."""
        with self.more:
            return [wanted for path, wanted, _ in self.heard if path.split("?")[0] == "/" + name]

    def wait(self, name, times=1):
        with self.more:
            assert self.more.wait_for(lambda: sum(p.split("?")[0] == "/" + name for p, _, _ in self.heard) >= times, PATIENCE), \
                f"{name} was not asked for {times} times"
