"""Hosts for tests: network namespaces on one bridge, in a world of their own that ends with the test, however it ends.

    if __name__ == "__main__":
        enter()                              # this process again, in new namespaces; exit code 1 where that is forbidden
        ...
    net = Net(["bus", "attic"])              # 10.99.0.1, 10.99.0.2; the test itself is 10.99.0.254
    net.popen("attic", ["kinobus-transcode", "--join", ...])
    net.cut("attic"); net.heal("attic")

Every host sees the same files: only the network lies between them. Links fail by `ip link`, packets are lost by
nftables, and rates are bounded by a token bucket; what the kernel has no module for (delay, a connection that is half
open) is done by Proxy.
"""
import os
import socket
import subprocess
import sys
import threading
import time

OURSELVES = "10.99.0.254"
MARK = "KINOBUS_TEST_NAMESPACES"


def enter():
    """Root or not, the test becomes root of a network and a list of mounts that nobody else sees."""
    if os.environ.get(MARK):
        return
    unshare = ["unshare", "--net", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        sys.exit("this test needs network namespaces, and this machine does not let this user make them: run it as root, or "
                 f"allow user namespaces (sysctl kernel.unprivileged_userns_clone=1). {tried.stderr.strip()}")
    os.execvpe(unshare[0], [*unshare, sys.executable, *sys.argv], {**os.environ, MARK: "1"})


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Net:
    def __init__(self, names):
        if not os.environ.get(MARK):
            raise AssertionError("call enter() first: the network of the machine is not ours")
        os.makedirs("/run/netns", exist_ok=True)
        run("mount", "-t", "tmpfs", "none", "/run/netns")     # names of ours alone
        self.address = {name: f"10.99.0.{n + 1}" for n, name in enumerate(names)}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "hub", "type", "bridge")
        run("ip", "address", "add", OURSELVES + "/24", "dev", "hub")
        run("ip", "link", "set", "hub", "up")
        for name, address in self.address.items():
            run("ip", "netns", "add", name)
            run("ip", "link", "add", "to-" + name, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", "to-" + name, "master", "hub", "up")
            run("ip", "-n", name, "address", "add", address + "/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")

    def end(self):
        for name in self.address:
            run("ip", "link", "delete", "to-" + name)         # the kernel takes a namespace apart later, when it likes
            run("ip", "netns", "delete", name)
        run("ip", "link", "delete", "hub")
        run("umount", "/run/netns")

    def popen(self, name, argv, **more):
        return subprocess.Popen(["ip", "netns", "exec", name, *argv], **more)

    def cut(self, name):
        run("ip", "link", "set", "to-" + name, "down")

    def heal(self, name):
        run("ip", "link", "set", "to-" + name, "up")

    def lose(self, name, percent):
        """So many of a hundred packets that come in or go out are lost; 0: none any more."""
        run("ip", "netns", "exec", name, "nft", "flush ruleset")
        for hook in ("input", "output") if percent else ():
            run("ip", "netns", "exec", name, "nft",
                f"add table inet {hook}; add chain inet {hook} c {{ type filter hook {hook} priority 0; }}; "
                f"add rule inet {hook} c numgen random mod 100 < {percent} drop")

    def slow(self, name, rate):
        """Both ways no more than this rate, as tc writes it; None: as fast as it goes."""
        for argv in (["tc", "-n", name, "qdisc"], ["tc", "qdisc"]):
            device = "eth0" if "-n" in argv else "to-" + name
            if rate:
                run(*argv, "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "32kb", "latency", "1s")
            else:
                run(*argv, "delete", "dev", device, "root")


class Proxy:
    """Hands on TCP connections to `to`, late if wanted; those that it stalls stay open, and nothing comes through."""

    def __init__(self, to, delay=0.0):
        self.to, self.delay, self.stalled = to, delay, threading.Event()
        self.listener = socket.create_server((OURSELVES, 0))
        self.endpoint = f"tcp://{OURSELVES}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.to, timeout=10)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b, self.stalled), daemon=True).start()

    def pump(self, source, sink, stalled):
        try:
            while data := source.recv(65536):
                if stalled.is_set():
                    continue          # swallowed: neither side learns anything
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(data)
        except OSError:
            pass
        if not stalled.is_set():
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            source.close()

    def stall(self):
        """All connections of now are half open from now on; new ones are well."""
        stalled, self.stalled = self.stalled, threading.Event()
        stalled.set()

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
