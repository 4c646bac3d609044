"""Connections that cost a server more than they give it: idle ones, readers that hardly read, senders that hardly send."""
import os
import resource
import socket

from patience import PATIENCE, until
from stage import Api

SIZE = 2_000_000


class Client:
    """One connection that has asked for something."""

    def __init__(self, port, request, buffer=None):
        self.s = socket.socket()
        if buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.s.settimeout(PATIENCE)
        self.s.connect(("127.0.0.1", port))
        self.s.sendall(request)

    def status(self):
        return int(self.s.recv(200).split(b" ")[1])

    def take(self, n):
        """Up to n bytes of what is there; None: the other side has ended it."""
        self.s.setblocking(False)
        try:
            return self.s.recv(n) or None
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            return None


class Crowd:
    """Clients of a site, all of them served; they go with it. Call turn() often: each time a few of them move a little. move(client):
    who stands in its place from then on."""

    def __init__(self, clients, move=None):
        self.clients, self.move, self.at = clients, move, 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for client in self.clients:
            client.s.close()

    def turn(self):
        for _ in range(min(len(self.clients), 100) if self.move else 0):
            at = self.at % len(self.clients)
            self.clients[at] = self.move(self.clients[at])
            self.at += 1

    def there(self):
        """How many have not been sent away."""
        return sum(client.take(1) is not None for client in self.clients)


def room(n):
    """Open files for so many connections."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if files < n + 1000:
        raise AssertionError(f"{n} connections need more open files than {files} (ulimit -n)")


def film(stage):
    """The address of a film's folder, and the bytes of long.m4s in it."""
    right = stage.address(stage.clip())
    lies = os.urandom(SIZE)
    with open(os.path.join(stage.folder(right), "long.m4s"), "wb") as f:
        f.write(lies)
    return right, lies


def asked(clients):
    refused = [status for status in (client.status() for client in clients) if status != 200]
    if refused:
        raise AssertionError(f"{len(refused)} of {len(clients)} were answered {sorted(set(refused))}")
    return clients


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def idle(site, right, n):
    return Crowd(asked([Client(site.port, get(f"{right}/master.m3u8")) for _ in range(n)]))


def readers(site, right, n):
    def reader():
        return Client(site.port, get(f"{right}/long.m4s"), buffer=4096)

    def move(client):
        if client.take(512) is not None:
            return client
        client.s.close()        # it was sent away, as it may be after a while: another one comes
        return reader()

    return Crowd(asked([reader() for _ in range(n)]), move)


def until_open(stage, n):
    def shown():
        return [line for line in Api(stage.url).send("GET", "/metrics").body.decode().splitlines() if line.startswith("kinobus_uploads_open{")]

    until(f"there are {n} uploads", shown, lambda lines: any(line.endswith(f" {n}") for line in lines))


def senders(site, stage, n):
    """Uploads whose bytes flow, as the front sees it."""
    api = Api(site.url, stage.login().token)
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "100000", "Content-Length": "0"}
    where = [api.want("POST", "/api/v1/uploads", headers=tus).headers["Location"] for _ in range(n)]
    until_open(stage, 0)        # those of another crowd have gone
    clients = [Client(site.port, (f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nTus-Resumable: 1.0.0\r\n"
                                  "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 100000\r\n\r\n").encode())
               for path in where]
    until_open(stage, n)

    def move(client):
        client.s.sendall(b"x")
        return client

    return Crowd(clients, move)
