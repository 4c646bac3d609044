"""The front by itself, with a broker and nobody else on the bus: what HTTP forbids, what it asks for, and how it stops."""
import gzip
import json
import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import PATIENCE, until  # noqa: E402  (the folder must be on the path first)
from stage import BIN, free_port  # noqa: E402

VIDEO = "video_01h455vb4pex5vsknk084sn02q"
SCRIPT = "console.log('kinobus');\n" * 400


def answer_of(data):
    """(status, headers by lower-case name, body) of the first answer in data."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), value.strip())
    return int(lines[0].split(" ")[1]), headers, body


class Front:
    """A front with its broker, in a folder of its own."""

    def __init__(self, **settings):
        self.state, self.port, self.children = tempfile.mkdtemp(prefix="kinobus-front-"), free_port(), []
        self.settings = settings

    def __enter__(self):
        os.makedirs(os.path.join(self.state, "keys"), 0o700)
        os.makedirs(os.path.join(self.state, "web", "assets"))
        for role in ("front", "broker"):
            path = os.path.join(self.state, "keys", role)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
                f.write(secrets.token_hex(32))
        self.write("web/index.html", "<!doctype html><title>Kinobus</title>")
        self.write("web/assets/app-0a1b2c3d.js", SCRIPT)
        self.write("web/.hidden", "no")
        os.symlink("/etc/passwd", os.path.join(self.state, "web", "link.txt"))
        self.run("kinobus-broker", "--state", self.state)
        self.front = self.run("kinobus-front", "--state", self.state, "--web", os.path.join(self.state, "web"))
        try:
            until("the front listens", lambda: self.get("/healthz")[0], lambda status: status == 200, despite=OSError)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *error):
        for child in reversed(self.children):
            child.terminate()
            child.wait(PATIENCE)
        if error and error[0]:
            sys.stderr.write("\n".join(self.log().splitlines()[-20:]) + "\n")
        shutil.rmtree(self.state, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.state, "kinobus-front.log"), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(os.path.join(self.state, name), "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, program, *args):
        env = {**os.environ, "KINOBUS_FRONT_PORT": str(self.port),
               "KINOBUS_FRONT_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
               **{f"KINOBUS_FRONT_{name.upper()}": value for name, value in self.settings.items()}}
        with open(os.path.join(self.state, program + ".log"), "ab") as log:
            child = subprocess.Popen([os.path.join(BIN, program), *args], env=env, stdout=log, stderr=log,
                                     stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def raw(self, data):
        """Everything that comes back until the front closes."""
        with self.connect() as s:
            s.sendall(data)
            parts = []
            while True:
                try:
                    part = s.recv(65536)
                except ConnectionResetError:
                    break
                if not part:
                    break
                parts.append(part)
        return b"".join(parts)

    def get(self, path, method="GET", body=None, **headers):
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return answer_of(self.raw("\r\n".join(lines + ["", ""]).encode() + (body or b"")))


POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"     # what a smuggler wants to have answered as well

SMUGGLING = {
    "two lengths that differ": POST + b"Content-Length: 3\r\nContent-Length: 60\r\n\r\n{} " + HIDDEN,
    "two lengths that agree": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n{} " + HIDDEN,
    "a list of lengths": POST + b"Content-Length: 3, 60\r\n\r\n{} " + HIDDEN,
    "a signed length": POST + b"Content-Length: +3\r\n\r\n{} " + HIDDEN,
    "a length with rubbish": POST + b"Content-Length: 3x\r\n\r\n{} " + HIDDEN,
    "a length in hex": POST + b"Content-Length: 0x3\r\n\r\n{} " + HIDDEN,
    "a length of 2^64 + 3": POST + b"Content-Length: 18446744073709551619\r\n\r\n{} " + HIDDEN,
    "an empty length": POST + b"Content-Length:\r\n\r\n{} " + HIDDEN,
    "a space before the colon": POST + b"Content-Length : 3\r\n\r\n{} " + HIDDEN,
    "chunked": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "identity": POST + b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\n{} " + HIDDEN,
    "chunked that is misspelt": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked behind a tab": POST + b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded line": POST + b"X-A: b\r\n Content-Length: 3\r\n\r\n{} " + HIDDEN,
    "a folded length": POST + b"Content-Length:\r\n 3\r\n\r\n{} " + HIDDEN,
    "a line that ends in LF": POST + b"X-A: b\nContent-Length: 3\r\n\r\n{} " + HIDDEN,
    "a head that ends in LF LF": POST + b"Content-Length: 3\n\n{} " + HIDDEN,
    "a request line that ends in LF": b"GET /healthz HTTP/1.1\nHost: x\r\n\r\n" + HIDDEN,
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n" + HIDDEN,
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + HIDDEN,
    "headers past the 64th": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 64 + b"Content-Length: 40\r\n\r\n" + HIDDEN,
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: \0\r\n\r\n" + HIDDEN,
    "two spaces": b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "no version": b"GET /healthz\r\nHost: x\r\n\r\n" + HIDDEN,
    "another version": b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n" + HIDDEN,
}


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.front = Front().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.front.__exit__()

    def problem(self, answer, status, code):
        self.assertEqual(answer[0], status, answer)
        self.assertEqual(answer[1]["content-type"], "application/problem+json")
        document = json.loads(answer[2])
        self.assertEqual(document["status"], status)
        self.assertEqual(document["type"], "urn:kinobus:problem:" + code)
        self.assertTrue(document["title"])
        return document

    def test_nothing_can_be_smuggled(self):
        for name, data in SMUGGLING.items():
            with self.subTest(name):
                got = self.front.raw(data)
                status, headers, body = answer_of(got)
                self.assertIn(status, (400, 431))
                self.assertEqual(headers["connection"], "close")
                self.assertEqual(headers["content-type"], "application/problem+json")
                self.assertEqual(len(body), int(headers["content-length"]), "a second answer followed")

    def test_requests_that_are_whole_follow_each_other_on_one_connection(self):
        login = POST + b"Content-Length: 2\r\n\r\n{}"
        with self.front.connect() as s:
            s.sendall(login + login + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b"".join(iter(lambda: s.recv(65536), b""))
        self.assertEqual(got.count(b"HTTP/1.1 400 Bad Request"), 2)
        self.assertEqual(got.count(b"HTTP/1.1 200 OK"), 1)

    def test_paths_with_tricks_lead_nowhere(self):
        for path in ("/../keys/front", "/assets/../../keys/front", "/%2e%2e/keys/front", "/..%2fkeys/front", "/%00", "//etc",
                     "/a%5cb", "/%c0%ae%c0%ae/", "/assets/%2e%2e/index.html"):
            with self.subTest(path):
                self.problem(self.front.get(path), 400, "malformed")
        for path in ("/.hidden", "/link.txt", "/assets/nothing.js", "/assets/.x"):
            with self.subTest(path):
                self.problem(self.front.get(path), 404, "not_found")

    def test_a_body_that_is_too_large_is_not_read(self):
        got = self.front.raw(POST + b"Content-Length: 900000000\r\n\r\n" + b" " * 1000)
        self.problem(answer_of(got), 413, "too_large")

    def test_json_that_nests_is_refused_before_it_is_parsed(self):
        for text in (b"[" * 100000, b'{"email":' * 20000):
            self.problem(self.front.get("/api/v1/auth/login", "POST", text, Content_Type="application/json"), 400, "malformed")

    def test_a_field_that_is_wrong_is_named(self):
        def login(body):
            return self.front.get("/api/v1/auth/login", "POST", body, Content_Type="application/json")

        self.assertEqual(self.problem(login(b'{"password":"x"}'), 400, "invalid")["errors"][0]["field"], "email")
        self.assertEqual(self.problem(login(b'{"email":1,"password":"x"}'), 400, "invalid")["errors"][0]["field"], "email")
        self.assertEqual(self.problem(login(b'{"email":"a","password":"x","client":"%s"}' % (b"c" * 121)), 400, "invalid")
                         ["errors"][0]["field"], "client")
        for body in (b"", b"null", b"[]", b"{", b'{"email":"a","email":"b","password":"x"}', b'{"email":"\xff","password":"x"}'):
            with self.subTest(body):
                self.assertEqual(login(body)[0], 400)
        self.problem(self.front.get("/api/v1/auth/login", "POST", b"a=b", Content_Type="application/x-www-form-urlencoded"),
                     415, "unsupported_media")

    def test_a_service_that_is_not_there_is_said_to_be_away(self):
        document = self.problem(self.front.get("/api/v1/videos"), 503, "unavailable")
        self.assertTrue(document["retryable"])
        document = self.problem(self.front.get("/readyz"), 503, "unavailable")
        self.assertIn("catalog", document["detail"])

    def test_a_target_that_is_no_path_is_answered(self):
        for target in ("http://x/healthz", "http://elsewhere.example/", "http://127.0.0.1:1/a", "https://x", "x:80", "*"):
            with self.subTest(target):
                answer = self.front.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
                status, headers, body = answer_of(answer)
                self.assertEqual((status, headers["content-type"], headers["connection"]), (400, "application/problem+json", "close"))
                self.assertEqual(json.loads(body)["code"], "malformed")
        self.assertEqual(answer_of(self.front.raw(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"))[0], 400)

    def test_what_the_server_can_is_told(self):
        status, headers, body = answer_of(self.front.raw(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"))
        self.assertEqual((status, body), (204, b""))
        self.assertIn("PATCH", headers["allow"])
        after = self.front.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual((after.count(b"HTTP/1.1 200 "), after.count(b"HTTP/1.1 204 "), after.count(b"HTTP/1.1 ")), (1, 1, 2))

    def test_nobody_is_a_friend_unless_it_is_said(self):
        for answer in (self.front.get("/api/v1/videos", Origin="https://app.example"),
                       self.front.get("/api/v1/videos", "OPTIONS", Origin="https://app.example", Access_Control_Request_Method="POST")):
            self.assertFalse([name for name in answer[1] if name.startswith("access-control-")])

    def test_methods_that_an_address_does_not_have_are_told(self):
        for path, method, allow in (("/api/v1/videos", "PUT", "GET, HEAD, POST"), ("/healthz", "POST", "GET, HEAD"),
                                    ("/api/v1/uploads", "GET", "OPTIONS, POST"), ("/media/a/b/1/x", "POST", "GET, HEAD"),
                                    ("/", "DELETE", "GET, HEAD")):
            with self.subTest(path):
                answer = self.front.get(path, method)
                self.problem(answer, 405, "method_not_allowed")
                self.assertEqual(answer[1]["allow"], allow)

    def test_who_is_not_known_is_told_so(self):
        for path in ("/api/v1/users/me", "/api/v1/events", "/api/v1/notifications"):
            answer = self.front.get(path)
            self.problem(answer, 401, "unauthenticated")
            self.assertEqual(answer[1]["www-authenticate"], "Bearer")
        self.problem(self.front.get("/api/v1/videos", Authorization="Basic YTpi"), 401, "unauthenticated")

    def test_without_keys_nothing_is_taken_for_bad(self):
        for header in ("Bearer x", "Bearer a.b.c", "Bearer " + "a" * 3000):
            self.problem(self.front.get("/api/v1/videos", Authorization=header), 503, "unavailable")
        token = "1.1.public.99999999999." + "A" * 43
        self.problem(self.front.get(f"/media/{token}/{VIDEO}/1/master.m3u8"), 503, "unavailable")

    def test_media_without_its_right_is_refused(self):
        token = "1.1.public.1." + "A" * 43     # ended in 1970
        self.problem(self.front.get(f"/media/{token}/{VIDEO}/1/master.m3u8"), 403, "forbidden")
        self.problem(self.front.get(f"/media/x/{VIDEO}/1/master.m3u8"), 403, "forbidden")
        self.problem(self.front.get(f"/media/{token}/{VIDEO}/x/master.m3u8"), 404, "not_found")

    def test_every_answer_is_safe_and_can_be_traced(self):
        theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        seen = set()
        for path in ("/", "/healthz", "/api/v1/videos", "/nothing.txt", "/api/v1/nothing", "/api/openapi.json"):
            _, headers, _ = self.front.get(path, Traceparent=theirs, X_Request_Id="mine")
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertIn("frame-ancestors 'none'", headers["content-security-policy"])
            self.assertTrue(headers["traceparent"].startswith(theirs[:36]))
            self.assertNotEqual(headers["traceparent"], theirs)
            self.assertRegex(headers["x-request-id"], "^req_[0-9a-z]{26}$")
            self.assertNotIn("access-control-allow-origin", headers)
            seen.add(headers["x-request-id"])
        self.assertEqual(len(seen), 6)

    def test_the_app_and_its_files(self):
        for path in ("/", "/watch/video_x", "/library"):
            status, headers, body = self.front.get(path)
            self.assertEqual((status, headers["content-type"], headers["cache-control"]), (200, "text/html; charset=utf-8", "no-cache"))
            self.assertIn(b"Kinobus", body)
        status, headers, body = self.front.get("/assets/app-0a1b2c3d.js")
        self.assertEqual((status, body), (200, SCRIPT.encode()))
        self.assertIn("immutable", headers["cache-control"])
        self.assertEqual(self.front.get("/assets/app-0a1b2c3d.js", If_None_Match=headers["etag"])[0], 304)
        self.assertEqual(self.front.get("/assets/app-0a1b2c3d.js", If_Match='"x"')[0], 412)
        status, headers, body = self.front.get("/assets/app-0a1b2c3d.js", "HEAD")
        self.assertEqual((status, int(headers["content-length"]), body), (200, len(SCRIPT), b""))

    def test_ranges_are_those_of_the_standard(self):
        path, script = "/assets/app-0a1b2c3d.js", SCRIPT.encode()
        status, headers, body = self.front.get(path, Range="bytes=0-99999")
        self.assertEqual((status, body, headers["content-range"]), (206, script, f"bytes 0-{len(script) - 1}/{len(script)}"))
        status, headers, body = self.front.get(path, Range="bytes=-5")
        self.assertEqual((status, body), (206, script[-5:]))
        status, headers, _ = self.front.get(path, Range=f"bytes={len(script)}-")
        self.assertEqual((status, headers["content-range"]), (416, f"bytes */{len(script)}"))
        status, headers, body = self.front.get(path, Range="bytes=0-1,10-11")
        self.assertEqual(status, 206)
        self.assertTrue(headers["content-type"].startswith("multipart/byteranges; boundary="))
        self.assertEqual(len(body), int(headers["content-length"]))
        self.assertIn(script[10:12], body)
        etag = self.front.get(path)[1]["etag"]
        self.assertEqual(self.front.get(path, Range="bytes=0-1", If_Range=etag)[0], 206)
        self.assertEqual(self.front.get(path, Range="bytes=0-1", If_Range='"other"')[0], 200)

    def test_texts_are_compressed_for_who_takes_it(self):
        path = "/assets/app-0a1b2c3d.js"
        status, headers, body = self.front.get(path, Accept_Encoding="br, gzip;q=0.5")
        self.assertEqual((status, headers["content-encoding"], headers["vary"]), (200, "gzip", "Accept-Encoding"))
        self.assertEqual(gzip.decompress(body), SCRIPT.encode())
        _, headers, _ = self.front.get(path, Accept_Encoding="gzip;q=0")
        self.assertNotIn("content-encoding", headers)

    def test_tus_says_what_it_can(self):
        status, headers, _ = self.front.get("/api/v1/uploads", "OPTIONS")
        self.assertEqual((status, headers["tus-version"]), (204, "1.0.0"))
        self.assertIn("concatenation", headers["tus-extension"])
        answer = self.front.get("/api/v1/uploads", "POST", b"", Tus_Resumable="0.2.0", Upload_Length="1")
        self.problem(answer, 412, "precondition")
        self.assertEqual(answer[1]["tus-version"], "1.0.0")

    def test_counters_are_told_in_the_form_of_prometheus(self):
        status, headers, body = self.front.get("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/plain; version=0.0.4"))
        lines = body.decode().splitlines()
        self.assertTrue(any(line.startswith('kinobus_requests_total{actor="front"') for line in lines))
        self.assertEqual(len([line for line in lines if line.startswith("# TYPE")]),
                         len({line.split()[2] for line in lines if line.startswith("# TYPE")}))
        self.problem(self.front.get("/metrics", X_Forwarded_For="1.2.3.4"), 404, "not_found")

    def test_the_api_describes_itself(self):
        status, headers, body = self.front.get("/api/openapi.json")
        self.assertEqual((status, headers["content-type"]), (200, "application/json"))
        self.assertIn("/api/v1/videos", json.loads(body)["paths"])


class Friends(unittest.TestCase):
    """Pages of other origins, which front.cors_origins lists."""

    @classmethod
    def setUpClass(cls):
        cls.front = Front(cors_origins="https://app.example, http://localhost:3000").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.front.__exit__(None, None, None)

    def test_a_browser_is_told_what_a_friend_may_do(self):
        for path in ("/api/v1/videos", "/api/v1/uploads", "/api/v1/uploads/x", "/media/a/b/1/c", "/api/nothing"):
            with self.subTest(path):
                status, headers, _ = self.front.get(path, "OPTIONS", Origin="https://app.example",
                                                    Access_Control_Request_Method="PATCH", Access_Control_Request_Headers="upload-offset")
                self.assertEqual((status, headers["access-control-allow-origin"], headers["vary"]), (204, "https://app.example", "Origin"))
                self.assertIn("PATCH", headers["access-control-allow-methods"])
                self.assertIn("Upload-Offset", headers["access-control-allow-headers"])
                self.assertNotIn("access-control-allow-credentials", headers)

    def test_a_friend_reads_answers_and_refusals(self):
        for path in ("/healthz", "/api/v1/videos", "/api/nothing", "/api/openapi.json", "/media/a/b/1/c"):
            headers = self.front.get(path, Origin="http://localhost:3000")[1]
            self.assertEqual(headers["access-control-allow-origin"], "http://localhost:3000", path)
            self.assertIn("Upload-Offset", headers["access-control-expose-headers"])

    def test_others_are_told_nothing(self):
        for origin in ("https://evil.example", "https://app.example.evil.example", "https://app.exampl", "https://APP.example",
                       "http://app.example", "null", "https://app.example, http://localhost:3000", ",", ""):
            for method in ("GET", "OPTIONS"):
                headers = self.front.get("/api/v1/videos", method, Origin=origin, Access_Control_Request_Method="POST")[1]
                self.assertFalse([name for name in headers if name.startswith("access-control-")], origin)
                self.assertEqual(headers["vary"], "Origin")

    def test_a_friend_may_write_with_a_token_and_with_no_cookie(self):
        body = b'{"email":"a@example.org","password":"x"}'
        how = {"Origin": "https://app.example", "Sec_Fetch_Site": "cross-site", "Content_Type": "application/json"}
        self.assertEqual(self.front.get("/api/v1/auth/login", "POST", body, **how)[0], 503)     # nobody is there to ask
        self.assertEqual(self.front.get("/api/v1/auth/login", "POST", body, **{**how, "Origin": "https://evil.example"})[0], 403)


class Door(unittest.TestCase):
    """front.threads: so many connections, and who comes beyond them is told so at once."""

    def inside(self, front):
        """A connection that was let in and may stay: those of before may not have ended yet."""
        def enter():
            connection = front.connect()
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.recv(65536)
            if answer.startswith(b"HTTP/1.1 200 ") and b"Connection: keep-alive" in answer:
                return connection
            connection.close()
            return None

        return until("a place is free", enter)

    def test_who_comes_beyond_the_limit_is_told_so_at_once(self):
        with Front(threads="8", edge_secret="s3cret") as front:       # it keeps idle connections for a minute, as for an edge
            inside = [self.inside(front) for _ in range(6)]
            inside += [front.connect() for _ in range(2)]     # silent ones hold a place, too
            silent = front.raw(b"")
            early = front.raw(POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 200000)
            for answer in (silent, early):
                status, headers, body = answer_of(answer)
                self.assertEqual((status, headers["connection"], headers["retry-after"]), (503, "close", "1"))
                document = json.loads(body)
                self.assertEqual((document["code"], document["refused_by"], document["retryable"]), ("busy", "front", True))
                self.assertIn("8 (front.threads)", document["detail"])
            inside[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(inside[0].recv(12), b"HTTP/1.1 200", "who is inside stays")
            for connection in inside[4:]:
                connection.close()
            inside.append(self.inside(front))
            counted = [line for line in front.get("/metrics")[2].decode().splitlines()
                       if line.startswith("kinobus_connections_refused_total{")]
            self.assertGreaterEqual(int(counted[0].split()[-1]), 2)
            for connection in inside:
                connection.close()

    def test_connections_do_not_stay_where_places_are_few(self):
        with Front(threads="8", edge_secret="s3cret") as front:
            kept = [self.inside(front) for _ in range(6)]
            with front.connect() as last:
                last.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b"".join(iter(lambda: last.recv(65536), b""))
            self.assertEqual(answer_of(answer)[1]["connection"], "close")
            for connection in kept:
                connection.close()

    def test_the_descriptors_that_the_limit_takes_are_asked_for_at_the_start(self):
        with tempfile.TemporaryDirectory(prefix="kinobus-front-") as state:
            os.makedirs(os.path.join(state, "keys"))
            with open(os.path.join(state, "keys", "front"), "w", encoding="ascii") as f:
                f.write(secrets.token_hex(32))
            done = subprocess.run([os.path.join(BIN, "kinobus-front"), "--state", state, "--set", "front.threads=512",
                                   "--set", f"front.port={free_port()}"], timeout=PATIENCE, capture_output=True, text=True, check=False,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000)))
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn("front.threads = 512 needs more open files", done.stdout + done.stderr)


class Limits(unittest.TestCase):
    def test_who_asks_too_often_waits(self):
        with Front(trust_loopback="false", anyone_per_minute="1", login_per_minute="2", register_per_hour="3") as front:
            codes = [front.get("/api/v1/users/me")[0] for _ in range(4)]
            self.assertEqual(codes, [401] * 2 + [429] * 2)
            _, headers, body = front.get("/api/v1/users/me", Authorization="Basic guess")
            self.assertGreaterEqual(int(headers["retry-after"]), 1)
            self.assertEqual(json.loads(body)["code"], "rate_limited")
            codes = [front.get("/api/v1/auth/login", "POST", b"{}", Content_Type="application/json")[0] for _ in range(6)]
            self.assertEqual(codes, [400] * 4 + [429] * 2)
            codes = [front.get("/api/v1/auth/register", "POST", b"{}", Content_Type="application/json")[0] for _ in range(4)]
            self.assertEqual(codes, [400] * 3 + [429])
            self.assertEqual(front.get("/healthz")[0], 200)

    def test_only_the_edge_may_speak_for_others(self):
        with Front(edge_secret="s3cret", anyone_per_minute="1") as front:
            for n in range(4):      # by the edge: each client has a bucket of its own
                self.assertEqual(front.get("/api/v1/users/me", X_Edge="s3cret", X_Forwarded_For=f"10.0.0.{n}")[0], 401)
            codes = [front.get("/api/v1/users/me", X_Edge="guess", X_Forwarded_For=f"10.0.1.{n}")[0] for n in range(4)]
            self.assertEqual(codes, [401, 401, 429, 429])

    def test_what_media_is_checked_with_is_for_the_edge_alone(self):
        with Front(edge_secret="s3cret") as front:
            for headers in ({}, {"X_Edge": ""}, {"X_Edge": "guess"}, {"X_Edge": "s3cre"}, {"X_Edge": "s3crets"},
                            {"X_Edge": "s3cret", "X_Forwarded_For": "10.0.0.1"}):       # passed on for somebody
                self.assertEqual(front.get("/edge/rights", **headers)[0], 404, headers)
            self.assertEqual(front.get("/edge/rights", X_Edge="s3cret")[0], 503)        # it knows no keys itself
        with Front() as front:
            for headers in ({}, {"X_Edge": ""}, {"X_Edge": "s3cret"}):
                self.assertEqual(front.get("/edge/rights", **headers)[0], 404, headers)

    def test_other_sites_change_nothing(self):
        with Front() as front:
            login = b'{"email":"a","password":"b"}'
            for headers, status in (({"Sec_Fetch_Site": "cross-site"}, 403), ({"Sec_Fetch_Site": "same-site"}, 403),
                                    ({"Sec_Fetch_Site": "none"}, 403), ({"Origin": "https://evil.example"}, 403),
                                    ({"Origin": "null"}, 403), ({"Sec_Fetch_Site": "same-origin"}, 503),
                                    ({"Origin": f"http://127.0.0.1:{front.port}"}, 503), ({}, 503)):
                with self.subTest(headers):
                    answer = front.get("/api/v1/auth/login", "POST", login, Content_Type="application/json", **headers)
                    self.assertEqual(answer[0], status)


class Stopping(unittest.TestCase):
    def test_told_to_stop_it_ends_what_it_began_and_leaves(self):
        with Front() as front:
            slow = front.connect()
            slow.sendall(POST + b"Content-Length: 2\r\n\r\n{")
            until("the request began", lambda: front.get("/metrics")[2].split(b"# TYPE kinobus_in_flight gauge\n")[1][:80],
                  lambda told: b'"} 2\n' in told)
            front.front.send_signal(signal.SIGTERM)
            until("the front begins to stop", front.log, lambda text: "what=stopping" in text)
            slow.sendall(b"}")
            with slow:
                got = b"".join(iter(lambda: slow.recv(65536), b""))
            self.assertEqual(answer_of(got)[0], 400)    # {} lacks fields: it was read to its end and answered
            self.assertEqual(front.front.wait(PATIENCE), 0)

    def test_a_port_that_is_taken_is_said(self):
        with Front() as front:
            second = front.run("kinobus-front", "--state", front.state)
            self.assertEqual(second.wait(PATIENCE), 75)
            self.assertIn("is the port taken?", front.log())


if __name__ == "__main__":
    unittest.main()
