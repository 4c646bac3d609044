"""What the benchmarks of uploads and of delivery share: nginx in a folder of its own, CPU of processes, rows of figures."""
import json
import os
import socket
import statistics
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def cpu(pids):
    """Seconds that these processes have worked so far, the kernel's work for them counted."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


class Nginx:
    """One worker, no log of requests; `locations` is the inside of its server block."""

    def __init__(self, folder, locations):
        self.port, self.folder = free_port(), folder
        for name in ("temp", "body", "proxy"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"""daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
                events {{ worker_connections 2048; }}
                http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_max_body_size 0;
                    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/temp;
                    uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
                    types {{ application/vnd.apple.mpegurl m3u8; video/iso.segment m4s; }}
                    server {{ listen 127.0.0.1:{self.port} backlog=1024; {locations} }} }}""")
        self.process = subprocess.Popen(["nginx", "-c", conf, "-p", folder, "-e", os.path.join(folder, "error.log")])
        wait_port(self.port)

    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Figures:
    """Rounds of figures of several names; rows of medians, and ratios to the first name or to one that is named."""

    def __init__(self):
        self.taken = {}

    def add(self, name, **figures):
        for figure, value in figures.items():
            self.taken.setdefault((name, figure), []).append(value)

    def median(self, name, figure):
        return statistics.median(self.taken[name, figure])

    def ratio(self, figure, ours, peer):
        """Median, least and most of the ratios of one round each; of a figure that is 0 somewhere, nothing."""
        both = [a / b for a, b in zip(self.taken[ours, figure], self.taken[peer, figure]) if b]
        return [round(f(both), 3) if both else None for f in (statistics.median, min, max)]

    def rows(self, figure, unit, ours, peers):
        out = []
        for peer in peers:
            ratio, least, most = self.ratio(figure, ours, peer)
            out.append({"figure": figure, "unit": unit, "ours": self.median(ours, figure), "peer": self.median(peer, figure),
                        "ours_name": ours, "peer_name": peer, "ratio_median": ratio, "ratio_min": least, "ratio_max": most, "rounds": len(self.taken[ours, figure])})
        return out


def show(rows, as_json):
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for r in rows:
        ratio = f", ratio {r['ratio_median']} ({r['ratio_min']} to {r['ratio_max']})" if r["ratio_median"] is not None else ""
        print(f"{r['ours_name']} beside {r['peer_name']}: {r['figure']} {r['ours']:.4g} and {r['peer']:.4g} {r['unit']}{ratio}, "
              f"{r['rounds']} rounds", flush=True)
