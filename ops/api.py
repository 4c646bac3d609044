"""A small client of Kinobus' public HTTP API, on Python's standard library: for the demo, the tests and scripts."""
import base64
import http.client
import json
import os
import ssl
import urllib.parse

CHUNK = 1 << 20


class ApiError(Exception):
    """An answer that was not the wanted one; `problem` is its RFC 9457 document when it had one."""

    def __init__(self, method, path, status, body):
        try:
            self.problem = json.loads(body)
        except ValueError:
            self.problem = {}
        self.status = status
        said = self.problem.get("detail") or self.problem.get("title") or body[:200].decode("utf-8", "replace")
        super().__init__(f"{method} {path}: {status} {said}")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:200]}"


class Api:
    """timeout: seconds without a byte, after which nobody is believed to be there. ca: a file with the certificate that is believed,
    where the machine's own do not vouch for it."""

    def __init__(self, url, token=None, timeout=600, ca=None):
        parts = urllib.parse.urlsplit(url)
        self.tls = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None
        self.host, self.port, self.token, self.timeout = parts.hostname, parts.port or (443 if self.tls else 80), token, timeout

    def connect(self):
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)

    def send(self, method, path, body=None, headers=None):
        """One request, one Answer, whatever its status. A dict is sent as JSON; bytes and files as they are."""
        headers = dict(headers or {})
        if self.token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self.connect()
        try:
            connection.connect()
            try:
                connection.request(method, path, body=body, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                pass        # it has read enough, and may have said why
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def want(self, method, path, body=None, headers=None):
        """As send(), but anything above 399 is an ApiError."""
        answer = self.send(method, path, body, headers)
        if answer.status >= 400:
            raise ApiError(method, path, answer.status, answer.body)
        return answer

    def get(self, path):
        return self.want("GET", path).json

    def post(self, path, body=None):
        return self.want("POST", path, body if body is not None else {}).json

    def login(self, email, password):
        self.token = self.post("/api/v1/auth/login", {"email": email, "password": password})["access_token"]
        return self

    def upload(self, path, title=None, video_id=None, visibility=None, piece=8 * CHUNK, progress=None):
        """Uploads a file by tus, in PATCHes of `piece` bytes; returns the id of its video."""
        size = os.path.getsize(path)
        fields = {"filename": os.path.basename(path), "title": title, "video_id": video_id, "visibility": visibility}
        metadata = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in fields.items() if v)
        answer = self.want("POST", "/api/v1/uploads", headers={
            "Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": metadata, "Content-Length": "0"})
        where = urllib.parse.urlsplit(answer.headers["Location"]).path
        video = answer.headers.get("Kinobus-Video") or video_id
        offset = 0
        with open(path, "rb") as f:
            while offset < size:
                f.seek(offset)
                data = f.read(piece)
                answer = self.want("PATCH", where, body=data, headers={
                    "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream"})
                offset = int(answer.headers["Upload-Offset"])
                if progress:
                    progress(offset, size)
        return video
