"""A store that speaks S3, for tests: strict where stores may be lax, and it fails when it is told to.

    store = S3Store(page=3)                  # in this process, on a port of its own; objects in memory
    store.uri                                # s3://videos?endpoint=...&credentials=FILE
    store.fail(match="PUT ", status=503, times=2)
    python3 s3_store.py [--plain] [--page N] # a process: tells its URI in a line, then obeys lines of JSON on its input

It checks each signature (SigV4, written from AWS's description; of PUT in the query, too), the SHA-256 of each body, and that a multipart upload's parts
are those that it answered. Names, pages and conditions are S3's; --plain leaves `If-None-Match` unheard, as older stores do.
What pages of other origins may ask is said by cors=, as PutBucketCors takes it in JSON; without it none may.
A fault is of requests whose "METHOD /path?query" holds `match`, as many as `times`: `status` answers that, `cut` ends the
connection after so many bytes of the answer's body, `lose` ends it once the request was carried out, `wait` answers so many
seconds late, `swallow` ends it before the request was read.
"""
import calendar
import datetime
import email.utils
import fnmatch
import hashlib
import hmac
import http.server
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

KEY, SECRET, BUCKET, REGION = "KINOBUSTEST", "a_secret_of_tests/with+signs=", "videos", "eu-test-1"
READER = "KINOBUSREADER"        # who may get objects, and nothing else


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Refusal(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.server.store.open.add(self.connection)

    def finish(self):
        self.server.store.open.discard(self.connection)
        super().finish()

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (OSError, ValueError):       # cut, by either side
            self.close_connection = True

    # ---- who asks

    def signature(self, body):
        """Raises unless the request is signed as it should be."""
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
        if "X-Amz-Algorithm" in query:
            self.signed_query(query)
            return
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                             r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", self.headers.get("Authorization", ""))
        if not match:
            raise Refusal(403, "AccessDenied", "no signature, or none of SigV4")
        key, day, region, names, signature = match.groups()
        date, told = self.headers["X-Amz-Date"], self.headers["x-amz-content-sha256"]
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names.split(";")):
            raise Refusal(403, "AccessDenied", "headers that must be signed are not")
        self.proved(key, day, region, names, date, told, self.path.partition("?")[2], signature)
        if abs(self.moment(date) - time.time()) > 900:
            raise Refusal(403, "RequestTimeTooSkewed", "the clocks differ")
        if hashlib.sha256(body).hexdigest() != told:
            raise Refusal(400, "XAmzContentSHA256Mismatch", "The body is not what was signed.")

    def signed_query(self, query):
        """A URL that somebody with the secret handed out."""
        key, day, region, *rest = query["X-Amz-Credential"].split("/")
        words = [word for word in self.path.partition("?")[2].split("&") if not word.startswith("X-Amz-Signature=")]
        if query["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256" or rest != ["s3", "aws4_request"] or not 1 <= int(query["X-Amz-Expires"]) <= 604800:
            raise Refusal(400, "AuthorizationQueryParametersError", "not as it should be")
        self.proved(key, day, region, query["X-Amz-SignedHeaders"], query["X-Amz-Date"], "UNSIGNED-PAYLOAD", "&".join(words),
                    query["X-Amz-Signature"])
        if not 0 <= time.time() + 900 - self.moment(query["X-Amz-Date"]) <= int(query["X-Amz-Expires"]) + 900:
            raise Refusal(403, "AccessDenied", "Request has expired")

    @staticmethod
    def moment(date):
        return calendar.timegm(datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").timetuple())

    def proved(self, key, day, region, signed, date, told, query, signature):
        secret, names = self.server.store.keys.get(key), signed.split(";")
        if secret is None:
            raise Refusal(403, "InvalidAccessKeyId", "The key is not known here.")
        if region != REGION:
            raise Refusal(400, "AuthorizationHeaderMalformed", f"the region is {REGION}")
        if names != sorted(names) or "host" not in names or date[:8] != day:
            raise Refusal(403, "AccessDenied", "headers that must be signed are not")
        if key == READER and (self.command not in ("GET", "HEAD") or "/raw/" not in self.path and "/media/" not in self.path):
            raise Refusal(403, "AccessDenied", "He may read objects.")
        path = self.path.partition("?")[0]
        words = sorted((urllib.parse.unquote(k), urllib.parse.unquote(v)) for k, _, v in
                       (word.partition("=") for word in query.split("&") if word))
        quoted = "&".join(f"{urllib.parse.quote(k, '-_.~')}={urllib.parse.quote(v, '-_.~')}" for k, v in words)
        headers = "".join(f"{name}:{' '.join((self.headers[name] or '').split())}\n" for name in names)
        request = "\n".join((self.command, urllib.parse.quote(urllib.parse.unquote(path), "/-_.~"), quoted, headers, signed, told))
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()))
        made = digest(("AWS4" + secret).encode(), day)
        for word in (region, "s3", "aws4_request"):
            made = digest(made, word)
        if not hmac.compare_digest(digest(made, text).hex(), signature):
            raise Refusal(403, "SignatureDoesNotMatch", "The signature is not that of the request.")

    # ---- pages of other origins

    def cors(self, method, asked=()):
        """What an answer says to a browser, by the first rule that lets this origin do that; None: none does."""
        origin = self.headers.get("Origin", "")
        for rule in self.server.store.cors["CORSRules"]:
            allowed = [name.lower() for name in rule.get("AllowedHeaders", [])]
            if any(fnmatch.fnmatchcase(origin, one) for one in rule["AllowedOrigins"]) and method in rule["AllowedMethods"] \
                    and all(any(fnmatch.fnmatchcase(name, one) for one in allowed) for name in asked):
                headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
                           "Access-Control-Allow-Headers": ", ".join(asked),
                           "Access-Control-Expose-Headers": ", ".join(rule.get("ExposeHeaders", [])), "Vary": "Origin"}
                return {name: value for name, value in headers.items() if value}
        return None

    def do_OPTIONS(self):
        asked = [name.strip().lower() for name in self.headers.get("Access-Control-Request-Headers", "").split(",") if name.strip()]
        headers = self.cors(self.headers.get("Access-Control-Request-Method", ""), asked)
        status = 403 if headers is None else 200
        self.server.store.asked.append(("OPTIONS", self.path, status))
        self.answer(status, headers or {}, b"" if headers else b"<Error><Code>AccessForbidden</Code></Error>")

    # ---- what is asked

    def do(self):
        store, body = self.server.store, b""
        fault = store.fault(f"{self.command} {self.path}")
        if fault.get("swallow"):
            self.close_connection = True
            return
        if length := int(self.headers.get("Content-Length") or 0):
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True
                return
        store.gone.wait(fault.get("wait", 0))
        try:
            if "status" in fault:
                raise Refusal(fault["status"], fault.get("code", "SlowDown" if fault["status"] == 503 else "Told"), "as it was told to")
            self.signature(body)
            path, _, query = self.path.partition("?")
            bucket, _, key = urllib.parse.unquote(path[1:]).partition("/")
            if bucket != BUCKET:
                raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
            query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
            with store.lock:
                answer = self.object(store, key, query, body) if key else self.bucket(store, query)
        except Refusal as refusal:
            answer = refusal.status, {"Content-Type": "application/xml"}, (
                f"<?xml version=\"1.0\"?>\n<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message></Error>").encode()
        store.asked.append((self.command, self.path, answer[0]))
        if fault.get("lose"):
            self.close_connection = True
            return
        status, headers, body = answer
        if self.headers.get("Origin"):
            headers = {**headers, **(self.cors(self.command) or {})}
        self.answer(status, headers, body, cut=fault.get("cut"))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do

    def answer(self, status, headers, body, cut=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def bucket(self, store, query):
        if self.command != "GET":
            raise Refusal(405, "MethodNotAllowed")
        prefix, out = query.get("prefix", ""), []
        if "uploads" in query:
            for upload, (key, _, begun, _) in sorted(store.uploads.items()):
                if key.startswith(prefix):
                    out.append(f"<Upload><Key>{escape(key)}</Key><UploadId>{escape(upload)}</UploadId><Initiated>{begun}</Initiated></Upload>")
            text = f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{''.join(out)}</ListMultipartUploadsResult>"
            return 200, {"Content-Type": "application/xml"}, text.encode()
        if query.get("list-type") != "2":
            raise Refusal(501, "NotImplemented")
        names = sorted(name for name in store.objects if name.startswith(prefix) and name > query.get("continuation-token", ""))
        page = names[:min(store.page, int(query.get("max-keys", 1000)))]
        for name in page:
            data, _, modified = store.objects[name]
            stamp = datetime.datetime.fromtimestamp(modified, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            out.append(f"<Contents><Key>{escape(name)}</Key><LastModified>{stamp}</LastModified>"
                       f"<ETag>&quot;{hashlib.md5(data).hexdigest()}&quot;</ETag><Size>{len(data)}</Size></Contents>")
        more = len(names) > len(page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return 200, {"Content-Type": "application/xml"}, (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>videos</Name>'
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{''.join(out)}</ListBucketResult>").encode()

    def refuse_taken(self, store, key):
        condition = self.headers.get("If-None-Match")
        if condition and not store.plain and key in store.objects:
            raise Refusal(412, "PreconditionFailed", "It is there.")

    def meta(self):
        return {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}

    def object(self, store, key, query, body):
        if self.command == "PUT" and "uploadId" in query:
            return self.part(store, key, query, body)
        if self.command == "PUT":
            self.refuse_taken(store, key)
            store.objects[key] = body, self.meta(), int(time.time())
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        if self.command == "POST" and "uploads" in query:
            upload = f"upload<{len(store.uploads)}>&{os.urandom(6).hex()}"
            store.uploads[upload] = key, {}, datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"), self.meta()
            return 200, {}, (f"<InitiateMultipartUploadResult><Key>{escape(key)}</Key>"
                             f"<UploadId>{escape(upload)}</UploadId></InitiateMultipartUploadResult>").encode()
        if self.command == "POST":
            return self.complete(store, key, query, body)
        if self.command == "DELETE" and "uploadId" in query:
            if not store.uploads.pop(query["uploadId"], None):
                raise Refusal(404, "NoSuchUpload")
            return 204, {}, b""
        if self.command == "DELETE":
            store.objects.pop(key, None)
            return 204, {}, b""
        if self.command == "GET" and "uploadId" in query:
            return self.parts(store, key, query)
        return self.get(store, key)

    def parts(self, store, key, query):
        upload = store.uploads.get(query["uploadId"])
        if not upload or upload[0] != key:
            raise Refusal(404, "NoSuchUpload")
        numbers = sorted(n for n in upload[1] if n > int(query.get("part-number-marker", 0)))
        page = numbers[:min(store.page, int(query.get("max-parts", 1000)))]
        out = "".join(f"<Part><PartNumber>{n}</PartNumber><LastModified>{upload[2]}</LastModified>"
                      f"<ETag>&quot;{hashlib.md5(upload[1][n]).hexdigest()}&quot;</ETag><Size>{len(upload[1][n])}</Size></Part>" for n in page)
        more = len(numbers) > len(page)
        return 200, {"Content-Type": "application/xml"}, (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Key>{escape(key)}</Key><IsTruncated>{'true' if more else 'false'}</IsTruncated>"
            f"<NextPartNumberMarker>{page[-1] if page else 0}</NextPartNumberMarker>{out}</ListPartsResult>").encode()

    def part(self, store, key, query, body):
        upload = store.uploads.get(query["uploadId"])
        if not upload or upload[0] != key:
            raise Refusal(404, "NoSuchUpload")
        upload[1][int(query["partNumber"])] = body
        return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""

    def complete(self, store, key, query, body):
        upload = store.uploads.get(query.get("uploadId"))
        if not upload or upload[0] != key:
            raise Refusal(404, "NoSuchUpload")
        self.refuse_taken(store, key)
        told = re.findall(rb"<Part><PartNumber>(\d+)</PartNumber><ETag>\"([0-9a-f]{32})\"</ETag></Part>", body)
        parts = [upload[1][int(n)] for n, tag in told if hashlib.md5(upload[1].get(int(n), b"")).hexdigest() == tag.decode()]
        if len(parts) != len(upload[1]) or any(len(part) < 5 << 20 for part in parts[:-1]):
            raise Refusal(400, "InvalidPart", "a part is missing, another one, or too small")
        del store.uploads[query["uploadId"]]
        store.objects[key] = b"".join(parts), upload[3], int(time.time())
        return 200, {}, f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key></CompleteMultipartUploadResult>".encode()

    def get(self, store, key):
        if key not in store.objects:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
        data, meta, modified = store.objects[key]
        headers = {**meta, "ETag": f'"{hashlib.md5(data).hexdigest()}"', "Last-Modified": email.utils.formatdate(modified, usegmt=True)}
        if self.command == "HEAD":
            return 200, {**headers, "Content-Length": str(len(data))}, b""
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not match:
            return 200, headers, data
        first, last = int(match[1]), min(int(match[2]), len(data) - 1)
        if first >= len(data):
            raise Refusal(416, "InvalidRange")
        return 206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first:last + 1]


class S3Store:
    def __init__(self, address="127.0.0.1", port=0, page=1000, plain=False, cors=None):
        self.lock, self.gone = threading.RLock(), threading.Event()
        self.objects, self.uploads, self.asked, self.faults, self.open = {}, {}, [], [], set()
        self.keys, self.page, self.plain = {KEY: SECRET, READER: "another_secret"}, page, plain
        self.cors = cors or {"CORSRules": []}
        self.folder = tempfile.mkdtemp(prefix="kinobus-s3-")
        self.credentials = os.path.join(self.folder, "credentials")
        self.write_credentials(SECRET)
        self.write(self.credentials + ".readers", READER, self.keys[READER])
        self.address = address
        self.start(port)

    def start(self, port=None):
        """Also again, after stop()."""
        http.server.ThreadingHTTPServer.request_queue_size = 128
        self.server = http.server.ThreadingHTTPServer((self.address, self.port if port is None else port), Handler)
        self.server.store, self.server.daemon_threads = self, True
        self.port = self.server.server_address[1]
        self.uri = f"s3://{BUCKET}/films?endpoint=http://{self.address}:{self.port}&region={REGION}&credentials={self.credentials}&readers={self.credentials}.readers"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Nobody answers there any more; what lies there stays."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def end(self):
        self.gone.set()
        self.stop()
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)

    def write_credentials(self, secret):
        self.write(self.credentials, KEY, secret)

    @staticmethod
    def write(path, key, secret):
        with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        os.rename(path + ".new", path)

    def fail(self, match="", times=1, **how):
        self.faults.append({"match": match, "times": times, **how})

    def fault(self, request):
        with self.lock:
            for fault in self.faults:
                if fault["times"] and fault["match"] in request:
                    fault["times"] -= 1
                    return fault
        return {}


def main():
    words = sys.argv[1:]
    page = int(words[words.index("--page") + 1]) if "--page" in words else 1000
    store = S3Store(page=page, plain="--plain" in words)
    print(store.uri, flush=True)
    for line in sys.stdin:          # ends with whoever started it
        said = json.loads(line)
        if "secret" in said:
            store.write_credentials(said["secret"])
        elif "clear" in said:
            store.faults.clear()
        else:
            store.fail(**said)
        print("ok", flush=True)
    store.end()


if __name__ == "__main__":
    main()
