"""An upload beside a raw write of the same bytes, the reference server of tus, and nginx's own PUT.

    ops/bench upload [--mib N] [--rounds N] [--json]

The file lies in the page cache; one client sends it in PATCHes of 16 MiB over one connection. In turn, in each round:
`dd bs=16M oflag=dsync` of the same bytes to the same disk, ours, @tus/server with its file store, nginx with its module for
PUT (one request for the whole file). Ours alone and dd promise that what was answered is on the disk; the two others leave
that to the kernel, so each is told twice: until the last answer (`rate`), and until the disk has it too (`durable`). What the
file holds is no film, so that nothing but its upload takes part. CPU is that of the server:
of ours front, catalog and broker.
"""
import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "harness")]
from web import Figures, Nginx, cpu, show  # noqa: E402  (the folders must be on the path first)
from stage import Stage  # noqa: E402

PATCH = 16 << 20
TUS = {"Tus-Resumable": "1.0.0"}


def send(port, path, headers, source, size, piece, method="PATCH"):
    """The bytes of `source` over one connection, in requests of `piece`; from the page cache into the socket, uncopied."""
    connection = http.client.HTTPConnection("127.0.0.1", port)     # no timeout: sendfile wants a socket that blocks
    for at in range(0, size, piece):
        length = min(piece, size - at)
        connection.putrequest(method, path)
        for name, value in {**headers, "Upload-Offset": str(at), "Content-Length": str(length)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        sent = 0
        while sent < length:
            sent += os.sendfile(connection.sock.fileno(), source.fileno(), at + sent, length - sent)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (201, 204):
            raise SystemExit(f"{method} {path}: {answer.status}")
    connection.close()


def create(port, path, headers, size):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, headers={**TUS, **headers, "Upload-Length": str(size), "Content-Length": "0"})
    answer = connection.getresponse()
    answer.read()
    where = answer.headers["Location"]
    connection.close()
    return where if where.startswith("/") else "/" + where.split("/", 3)[3], answer.headers.get("Kinobus-Video")


def measured(figures, name, size, pids, work, folder):
    """Wall and CPU of work(), which the processes of pids() do, and which leaves its file in `folder`; as MB/s, and as CPU
    seconds for a GB."""
    os.sync()
    busy, began = cpu(pids()), time.monotonic()
    work()
    took, busy = time.monotonic() - began, cpu(pids()) - busy
    largest = max((os.path.join(f, n) for f, _, names in os.walk(folder) for n in names), key=os.path.getsize)
    if os.path.getsize(largest) != size:
        raise SystemExit(f"{name} holds {os.path.getsize(largest)} bytes, not {size}")
    with open(largest, "rb") as f:
        os.fdatasync(f.fileno())
    figures.add(name, rate=size / took / 1e6, durable=size / (time.monotonic() - began) / 1e6, cpu=busy / (size / 1e9))


def gone(folder):
    """Waits until what was deleted is: the next in turn must not share the disk with that."""
    until = time.monotonic() + 60
    while any(names for _, _, names in os.walk(folder)):
        if time.monotonic() > until:
            raise SystemExit("the video is not deleted")
        time.sleep(0.05)


def dd(figures, source, folder, size):
    to = os.path.join(folder, "raw")
    os.sync()
    began = time.monotonic()
    child = subprocess.Popen(["dd", f"if={source.name}", f"of={to}", "bs=16M", "oflag=dsync", "status=none"])
    _, status, usage = os.wait4(child.pid, 0)
    took = time.monotonic() - began
    if status:
        raise SystemExit("dd failed")
    figures.add("dd", rate=size / took / 1e6, durable=size / took / 1e6, cpu=(usage.ru_utime + usage.ru_stime) / (size / 1e9))
    os.remove(to)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench upload", description=__doc__.split("\n")[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    size, figures = args.mib << 20, Figures()
    subprocess.run([os.path.join(HERE, "../../../web/app/install"), os.path.join(HERE, "../../node")], check=True)
    with Stage() as p, tempfile.TemporaryDirectory(dir=p.state) as folder, \
            tempfile.NamedTemporaryFile(dir=p.state) as source:
        for _ in range(args.mib):
            source.write(os.urandom(1 << 20))
        source.flush()
        os.fsync(source.fileno())
        names = {name: os.path.join(folder, name) for name in ("tus", "put", "nginx", "raw-dd")}
        for name in names.values():
            os.makedirs(name)
        node = subprocess.Popen(["node", os.path.join(HERE, "reference.mjs"), names["tus"]], stdout=subprocess.PIPE)
        nginx = Nginx(names["nginx"], f"location / {{ root {names['put']}; dav_methods PUT; client_body_in_file_only off; }}")
        try:
            port = int(node.stdout.readline())
            alice = p.login()
            for _ in range(args.rounds):
                dd(figures, source, names["raw-dd"], size)
                headers = {**TUS, "Authorization": "Bearer " + alice.token, "Content-Type": "application/offset+octet-stream"}
                where, video = create(p.port, "/api/v1/uploads", headers, size)
                measured(figures, "kinobus", size, lambda: [p.pids()[n] for n in ("front-1", "catalog-1", "broker-1")],
                         lambda: send(p.port, where, headers, source, size, PATCH), os.path.join(p.state, "blobs", "raw"))
                alice.want("DELETE", f"/api/v1/videos/{video}?now=true")
                gone(os.path.join(p.state, "blobs", "raw"))
                headers = {**TUS, "Content-Type": "application/offset+octet-stream"}
                where, _ = create(port, "/files", headers, size)
                measured(figures, "@tus/server", size, lambda: [node.pid],
                         lambda: send(port, where, headers, source, size, PATCH), names["tus"])
                measured(figures, "nginx PUT", size, nginx.pids,
                         lambda: send(nginx.port, "/film.mp4", {}, source, size, size, "PUT"), names["put"])
                for name in ("tus", "put"):
                    shutil.rmtree(names[name])
                    os.makedirs(names[name])
        finally:
            node.terminate()
            node.wait()
            nginx.stop()
    peers = ["dd", "@tus/server", "nginx PUT"]
    show([row for figure, unit in (("durable", "MB/s"), ("rate", "MB/s"), ("cpu", "s/GB"))
          for row in figures.rows(figure, unit, "kinobus", peers)], args.json)


if __name__ == "__main__":
    main()
