"""f003: a platform on several hosts: the broker and the owners on one, the front on another, two that encode; what the
network does to them loses nothing and does nothing twice.

The hosts are network namespaces, so that they see the same folder of media: bytes of media do not travel over the bus.
All that the front and the encoding hosts say to the platform goes over tcp. One of these is cut off while it works, and
comes back; with --long packets are lost, the rate is small, connections are late or half open, and one is thrown out.
"""
import os
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from hosts import Net, Proxy, enter  # noqa: E402  (the folders must be on the path first)
from patience import PATIENCE, until  # noqa: E402
from spread import PORT, Hosts  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))


class OverTheNetwork(unittest.TestCase):
    def setUp(self):
        self.net = Net(["bus", "web", "attic", "cellar"])

    def tearDown(self):
        self.net.end()

    def test_a_host_that_is_cut_off_while_it_works_comes_back_and_nothing_is_lost_or_done_twice(self):
        with Hosts(self.net) as p:
            p.until_joined("web", "attic", "cellar")
            tail = p.tail()
            video = p.film("Cut off")
            tail.wait(lambda m: m.get("kind") == "job" and m.get("name") == "transcode.encode_run", "a run given to a host")
            self.net.cut("attic")
            self.assertEqual(p.ready(video), "ready")
            p.until_joined("web", "cellar")
            self.assertEqual(p.ready(p.film("Without the attic")), "ready")
            self.net.heal("attic")
            healed = time.monotonic()
            until("the attic is back", p.joined, lambda joined: "attic" in joined)
            print(f"the attic was back {time.monotonic() - healed:.1f} s after the link", file=sys.stderr)
            self.assertEqual(p.ready(p.film("Together again")), "ready")
            self.assertEqual(p.findings(tail), [])

    def test_a_host_that_is_thrown_out_stays_out_and_the_others_work_on(self):
        with Hosts(self.net) as p:
            p.until_joined("web", "attic", "cellar")
            tail = p.tail()
            video = p.film("Thrown out")
            tail.wait(lambda m: m.get("kind") == "job" and m.get("name") == "transcode.encode_run", "a run given to a host")
            p.cli("key", "revoke", "transcode/attic")
            self.assertEqual(p.others["attic"].wait(PATIENCE), 78)
            p.join("transcode", "attic")        # its file is there, and worth nothing
            self.assertEqual(p.others["attic"].wait(PATIENCE), 78)
            self.assertEqual(p.ready(video), "ready")
            self.assertEqual(p.findings(tail), [])

    def faults(self, begin, end, proxies=None):
        """A film under a fault of the attic's and the front's network, and one behind it."""
        with Hosts(self.net, proxies=proxies) as p:
            tail = p.tail()
            begin()
            self.assertEqual(p.ready(p.film("Under the fault")), "ready")
            end()
            p.until_joined("web", "attic", "cellar")
            self.assertEqual(p.ready(p.film("Behind it")), "ready")
            self.assertEqual(p.findings(tail), [])

    def lossy(self, percent):
        for host in ("attic", "cellar", "web"):
            self.net.lose(host, percent)

    def slow(self, rate):
        for host in ("attic", "cellar"):
            self.net.slow(host, rate)


class Long(OverTheNetwork):
    """What takes minutes: with --long."""

    def test_packets_that_get_lost(self):
        self.faults(lambda: self.lossy(20), lambda: self.lossy(0))

    def test_a_network_of_a_megabit(self):
        self.faults(lambda: self.slow("1mbit"), lambda: self.slow(None))

    def test_links_that_come_and_go(self):
        stop = threading.Event()

        def flap():
            for n in range(1000):
                host = ("attic", "cellar")[n % 2]
                self.net.cut(host)
                stop.wait((0.1, 1, 7)[n % 3])
                self.net.heal(host)
                if stop.wait(1):
                    return

        flapping = threading.Thread(target=flap)
        self.faults(flapping.start, lambda: (stop.set(), flapping.join()))

    def test_connections_that_are_late_and_half_open(self):
        proxy = Proxy((self.net.address["bus"], PORT), delay=0.1)
        self.addCleanup(proxy.end)
        self.faults(lambda: None, proxy.stall, proxies={"attic": proxy.endpoint, "cellar": proxy.endpoint})


def load_tests(loader, tests, pattern):
    return loader.loadTestsFromTestCase(Long if LONG else OverTheNetwork)


if __name__ == "__main__":
    enter()
    unittest.main()
