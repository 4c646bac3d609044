"""The Range torture set, written from RFC 9110 §13 and §14: whatever a client asks, the answer is what the standard says, byte for
byte, of an object on the disk and of one in memory. And a random one against a model of the standard."""
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from stage import Api, Stage  # noqa: E402  (the folder must be on the path first)

SIZE = 1000
DATA = random.Random(9110).randbytes(SIZE)
MOST = 16       # ranges in one answer; more are answered by the whole

WHOLE, NONE = "whole", "none"
CASES = [       # Range, and what comes: WHOLE, NONE (416), or the ranges in order, joined where they touch
    ("bytes=0-0", [(0, 0)]), ("bytes=0-499", [(0, 499)]), ("bytes=500-999", [(500, 999)]), ("bytes=500-", [(500, 999)]),
    ("bytes=-500", [(500, 999)]), ("bytes=-1", [(999, 999)]), ("bytes=-1000", [(0, 999)]), ("bytes=-1001", [(0, 999)]),
    ("bytes=0-", [(0, 999)]), ("bytes=0-999", [(0, 999)]), ("bytes=0-1000", [(0, 999)]), ("bytes=999-", [(999, 999)]),
    ("bytes=999-5000", [(999, 999)]), ("bytes=0-18446744073709551615", [(0, 999)]), ("bytes=0-99999999999999999999999", [(0, 999)]),
    ("bytes=-99999999999999999999999", [(0, 999)]), ("bytes=00000-00009", [(0, 9)]), ("BYTES=0-9", [(0, 9)]), ("Bytes=0-9", [(0, 9)]),
    ("bytes=1000-", NONE), ("bytes=1000-2000", NONE), ("bytes=-0", NONE), ("bytes=99999999999999999999999-", NONE),
    ("bytes=1000-,2000-", NONE), ("bytes=18446744073709551616-18446744073709551617", NONE),
    ("bytes=9-0", WHOLE), ("bytes=", WHOLE), ("bytes=-", WHOLE), ("bytes=a-b", WHOLE), ("bytes=0x0-0x9", WHOLE), ("bytes=0-9x", WHOLE),
    ("bytes=+0-9", WHOLE), ("bytes=0--9", WHOLE), ("bytes=0-9-", WHOLE), ("bytes 0-9", WHOLE), ("bytes:0-9", WHOLE), ("0-9", WHOLE),
    ("lines=0-9", WHOLE), ("bytes=0-9;q=1", WHOLE), ("bytes=0-9,x", WHOLE), ("bytes=5-1,0-9", WHOLE), ("bytes=0.5-9", WHOLE),
    ("bytes=0-9, 20-29", [(0, 9), (20, 29)]), ("bytes=20-29,0-9", [(0, 9), (20, 29)]), ("bytes=0-9,5-19", [(0, 19)]), ("bytes=0-9,10-19", [(0, 19)]),
    ("bytes=0-,0-,0-", [(0, 999)]), ("bytes=-1,0-0", [(0, 0), (999, 999)]), ("bytes=0-9,5000-", [(0, 9)]), ("bytes=,0-9,,20-29,", [(0, 9), (20, 29)]),
    ("bytes=" + ",".join(f"{i * 2}-{i * 2}" for i in range(MOST)), [(i * 2, i * 2) for i in range(MOST)]),
    ("bytes=" + ",".join(f"{i * 2}-{i * 2}" for i in range(MOST + 1)), WHOLE), ("bytes=" + ",".join(["0-"] * 1000), [(0, 999)]),
]


def parts_of(answer):
    """[(from, to, bytes)] of a 206."""
    kind = answer.headers["Content-Type"]
    if not kind.startswith("multipart/byteranges"):
        first, last, size = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers["Content-Range"]).groups()
        return [(int(first), int(last), int(size), answer.body)]
    boundary, out = re.search(r"boundary=(\S+)", kind)[1].encode(), []
    sections = answer.body.split(b"--" + boundary)
    if sections[0].strip() or sections[-1] != b"--\r\n":
        raise AssertionError("the multipart does not begin or end as it should")
    for section in sections[1:-1]:
        head, _, body = section.partition(b"\r\n\r\n")
        first, last, size = re.search(rb"(?i)content-range: bytes (\d+)-(\d+)/(\d+)", head).groups()
        out.append((int(first), int(last), int(size), body[:-2]))
    return out


class Ranges(unittest.TestCase):
    @classmethod
    def make(cls):
        return Stage()

    @classmethod
    def setUpClass(cls):
        cls.stage = cls.make().__enter__()
        cls.right = cls.stage.address(cls.stage.clip())
        for name in ("on-disk.m4s", "in-memory.m3u8"):
            with open(os.path.join(cls.stage.folder(cls.right), name), "wb") as f:
                f.write(DATA)

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def fetch(self, name, method="GET", **headers):
        return Api(self.stage.url).send(method, f"{self.right}/{name}", None, {k.replace("_", "-"): v for k, v in headers.items()})

    def check(self, name, header, wanted, **headers):
        answer, head = self.fetch(name, Range=header, **headers), self.fetch(name, "HEAD", Range=header, **headers)
        told = (answer.status, answer.headers["Content-Length"], answer.headers["Content-Range"])
        self.assertEqual((head.status, head.headers["Content-Range"], head.body), (200, None, b""), "ranges are of GET alone")
        self.assertTrue(head.headers["Content-Encoding"] or head.headers["Content-Length"] == str(SIZE))
        if wanted == WHOLE:
            self.assertEqual((told, answer.body == DATA), ((200, str(SIZE), None), True))
        elif wanted == NONE:
            self.assertEqual((told[0], told[2]), (416, f"bytes */{SIZE}"))
        else:
            self.assertEqual(answer.status, 206)
            self.assertEqual(int(told[1]), len(answer.body))
            self.assertEqual([(f, t, s) for f, t, s, _ in parts_of(answer)], [(f, t, SIZE) for f, t in wanted])
            for first, last, _, body in parts_of(answer):
                self.assertEqual(body, DATA[first:last + 1])

    def test_what_is_asked_comes_byte_for_byte(self):
        for name in ("on-disk.m4s", "in-memory.m3u8"):
            for header, wanted in CASES:
                with self.subTest(f"{name}: {header[:60]}"):
                    self.check(name, header, wanted)

    def model(self, specs):
        """What the standard says of well-formed ranges."""
        found = []
        for first, last in specs:
            if first is None:
                first, last = max(SIZE - last, 0), SIZE - 1 if last else -1
            last = min(SIZE - 1 if last is None else last, SIZE - 1)
            if first <= last:
                found.append((first, last))
        joined = []
        for first, last in sorted(found):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return joined or NONE

    def test_random_sets_are_those_of_the_model(self):
        seed = int(os.environ.get("KINOBUS_SEED", random.randrange(1 << 30)))
        rnd = random.Random(seed)
        for _ in range(150):
            specs = []
            for _ in range(rnd.randrange(1, 8)):
                first = rnd.randrange(0, 1300)
                specs.append(rnd.choice([(first, first + rnd.randrange(0, 400)), (first, None), (None, rnd.randrange(0, 1300))]))
            header = "bytes=" + ",".join(f"{'' if f is None else f}-{'' if t is None else t}" for f, t in specs)
            with self.subTest(f"seed {seed}: {header}"):
                self.check(rnd.choice(("on-disk.m4s", "in-memory.m3u8")), header, self.model(specs))

    def test_a_condition_decides_before_a_range_does(self):
        for name in ("on-disk.m4s", "in-memory.m3u8"):
            whole = self.fetch(name)
            etag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
            some, all_, old = [(0, 9)], WHOLE, "Thu, 01 Jan 1998 00:00:00 GMT"
            with self.subTest(name):
                for header, wanted in ((etag, some), (date, some), (f"W/{etag}", all_), ('"other"', all_), (old, all_), ("rubbish", all_), ("*", all_)):
                    self.check(name, "bytes=0-9", wanted, If_Range=header)
                for headers, status in (({"If_None_Match": etag}, 304), ({"If_None_Match": f'"x", W/{etag}'}, 304), ({"If_None_Match": "*"}, 304),
                                        ({"If_None_Match": '"x"'}, 206), ({"If_Match": '"x"'}, 412), ({"If_Match": f"W/{etag}"}, 412), ({"If_Match": etag}, 206),
                                        ({"If_Match": "*"}, 206), ({"If_Modified_Since": date}, 304), ({"If_Modified_Since": old}, 206),
                                        ({"If_Unmodified_Since": old}, 412), ({"If_Unmodified_Since": date}, 206),
                                        ({"If_None_Match": '"x"', "If_Modified_Since": date}, 206), ({"If_Match": etag, "If_Unmodified_Since": old}, 206)):
                    self.assertEqual(self.fetch(name, Range="bytes=0-9", **headers).status, status, headers)
                self.assertEqual(self.fetch(name, Range="bytes=5000-", If_Match='"x"').status, 412)
                self.assertEqual(self.fetch(name, Range="bytes=5000-", If_Range='"x"').status, 200)

    def test_a_range_is_of_what_lies_there_and_not_of_its_compressed_form(self):
        self.check("in-memory.m3u8", "bytes=0-9", [(0, 9)], Accept_Encoding="gzip")


if __name__ == "__main__":
    unittest.main()
