"""The brokers that the bus is raced with: each started on this machine alone, in a folder of its own, and ended again.

Each is set to confirm a message only when it is on the disk, as ours does, but for the row that says otherwise: a race of
promises that differ means nothing.
"""
import os
import pwd
import signal
import socket
import subprocess
import time

SECRET = "0123456789abcdef0123456789abcdef"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A running server: `where` is what its driver is told, `pids` whose children's work counts as the server's."""
    driver = name = where = ""
    durable = True
    secret = "-"
    counted = True     # strace sees its syncs

    def __init__(self, folder, under=()):
        self.folder, self.under = folder, list(under)
        self.children = []
        self.log = open(os.path.join(folder, "log"), "w", encoding="utf-8")

    def run(self, *argv, env=None):
        """Starts a process; `under` goes before its words, as strace does."""
        child = subprocess.Popen([*self.under, *argv], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                 env={**os.environ, **(env or {})}, start_new_session=True)
        self.children.append(child)
        return child

    def wait_for(self, what, seconds=60):
        """Until what() is true; a server that dies or never answers ends the race with its own last words."""
        end = time.monotonic() + seconds
        while not what():
            if self.children[-1].poll() is not None or time.monotonic() > end:
                self.log.flush()
                with open(self.log.name, encoding="utf-8", errors="replace") as f:
                    raise SystemExit(f"{self.name} does not start:\n" + f.read()[-2000:])
            time.sleep(0.05)

    def below(self, pid):
        """What runs under strace ends by itself, and strace with it; ended first it would leave its child alone."""
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]

    def listens(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def stop(self):
        for child in reversed(self.children):
            for pid in self.below(child.pid) if self.under else [child.pid]:
                os.kill(pid, signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.log.close()


class Kinobus(Server):
    name = driver = "kinobus"
    secret = SECRET

    def __init__(self, folder, programs, policy, under=()):
        super().__init__(folder, under)
        with open(os.path.join(folder, "policy"), "w", encoding="utf-8") as f:
            f.write(policy)
        os.mkdir(os.path.join(folder, "keys"), 0o700)
        with open(os.path.join(folder, "keys", "bench"), "w", encoding="utf-8") as f:
            f.write(SECRET)
        self.where = f"ipc://{folder}/bus.sock"
        self.run(os.path.join(programs, "kinobus-broker"), "--state", folder, "--any-filesystem", "--acl", os.path.join(folder, "policy"),
                 "--set", "broker.peer_per_s=10000000")     # what one peer may say is bounded below what is measured here
        self.wait_for(lambda: os.path.exists(os.path.join(folder, "bus.sock")))


class Redis(Server):
    name, driver = "Redis Streams, appendfsync always", "redis"

    def __init__(self, folder, under=()):
        super().__init__(folder, under)
        port = free_port()
        self.where = f"127.0.0.1:{port}"
        self.run("redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--appendonly", "yes", "--appendfsync",
                 "always", "--save", "")
        self.wait_for(lambda: self.listens(port))


class JetStream(Server):
    name, driver = "NATS JetStream, synchronous directory", "jetstream"
    counted = False     # the file system syncs, or nobody

    def __init__(self, folder, under=()):
        super().__init__(folder, under)
        if self.durable:     # its own writes are not synced before it confirms: the file system does it then
            subprocess.run(["chattr", "+S", folder], check=True)
        port = free_port()
        self.where = f"127.0.0.1:{port}"
        self.run("nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder)
        self.wait_for(lambda: self.listens(port))


class PlainJetStream(JetStream):
    name, durable = "NATS JetStream as it comes (confirms before the disk has it)", False


class RabbitMQ(Server):
    name, driver = "RabbitMQ, quorum queue", "rabbitmq"

    def __init__(self, folder, under=()):
        super().__init__(folder, under)
        port, names, nodes = free_port(), free_port(), free_port()
        env = {"RABBITMQ_MNESIA_BASE": folder, "RABBITMQ_LOG_BASE": folder, "RABBITMQ_NODENAME": f"race{port}@localhost", "HOME": folder,
               "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(nodes),
               "RABBITMQ_ENABLED_PLUGINS_FILE": os.path.join(folder, "plugins"), "RABBITMQ_CONFIG_FILE": os.path.join(folder, "none"),
               "ERL_EPMD_PORT": str(names), "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_LOGS": "-"}
        self.run("epmd", "-address", "127.0.0.1", "-port", str(names), env=env)
        self.wait_for(lambda: self.listens(names))
        self.where = f"127.0.0.1:{port}"
        self.run("/usr/lib/rabbitmq/bin/rabbitmq-server", env=env)
        self.wait_for(lambda: self.listens(port), 120)


class Beanstalkd(Server):
    name, driver = "beanstalkd -f 0", "beanstalkd"

    def __init__(self, folder, under=()):
        super().__init__(folder, under)
        port = free_port()
        self.where = f"127.0.0.1:{port}"
        self.run("beanstalkd", "-l", "127.0.0.1", "-p", str(port), "-b", folder, "-f", "0")
        self.wait_for(lambda: self.listens(port))


class PostgreSQL(Server):
    name, driver = "PostgreSQL, SKIP LOCKED", "postgresql"

    def __init__(self, folder, under=()):
        super().__init__(folder, under)
        programs = sorted(os.listdir("/usr/lib/postgresql"))[-1]
        programs = f"/usr/lib/postgresql/{programs}/bin"
        user = pwd.getpwuid(os.getuid()).pw_name
        self.other = []
        if os.getuid() == 0:     # it refuses to run as root
            user = "postgres"
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
            self.other = ["runuser", "-u", user, "--"]
        data, port = os.path.join(folder, "data"), free_port()
        subprocess.run([*self.other, f"{programs}/initdb", "-D", data, "-A", "trust", "-U", user], stdout=self.log, stderr=self.log,
                       cwd=folder, check=True)
        self.where = f"host=127.0.0.1 port={port} user={user} dbname=postgres"
        self.run(*self.other, f"{programs}/postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder)
        self.wait_for(lambda: subprocess.run([f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0)


class Proxy(Server):
    name, driver = "libzmq's zmq_proxy", "zmq_proxy"

    def __init__(self, folder, under=()):
        super().__init__(folder, under)
        self.where = os.path.join(folder, "proxy")     # the driver starts it


PEERS = [Redis, JetStream, PlainJetStream, RabbitMQ, Beanstalkd, PostgreSQL]
