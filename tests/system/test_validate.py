"""The validator: a presentation that keeps every rule passes clean, and each rule is broken by an edit of its own."""
import gzip
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from presentation import Presentation, sub  # noqa: E402  (the folder must be on the path first)
from patience import PATIENCE  # noqa: E402
from stage import BIN  # noqa: E402

MASTER, VIDEO, SOUND, IFRAMES, MPD = "master.m3u8", "v/a/index.m3u8", "a/en/index.m3u8", "v/a/iframe.m3u8", "manifest.mpd"


def edit(*args):
    return lambda files: sub(files, *args)


def both(*edits):
    def run(files):
        for one in edits:
            one(files)
    return run


def every(name, old, new):
    return lambda files: sub(files, name, old, new, -1)


def drop(name):
    return lambda files: files.pop(name)


def prepend(name, data):
    return lambda files: files.__setitem__(name, data + files[name])


def everywhere(old, new, names=(VIDEO, "v/b/index.m3u8", SOUND)):
    return both(*(every(name, old, new) for name in names))


def variants(pattern, new):
    """Edits what a pattern matches in every EXT-X-STREAM-INF."""
    def run(files):
        text, n = re.subn(r"(?m)^(#EXT-X-STREAM-INF:.*)" + pattern, r"\g<1>" + new, files[MASTER].decode())
        assert n
        files[MASTER] = text.encode()
    return run


def times(name, factor):
    """Multiplies an attribute of every variant."""
    def run(files):
        text = files[MASTER].decode()
        files[MASTER] = re.sub(rf"((?:STREAM-INF:|,){name}=)(\d+)", lambda m: m[1] + str(int(int(m[2]) * factor)), text).encode()
    return run


def live(segments=6, date=True):
    """One media playlist without a type and an end, of that many segments."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:7", '#EXT-X-MAP:URI="init.mp4"']
    for i in range(segments):
        lines += ["#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z"] if date and i == 0 else []
        lines += ["#EXTINF:1.00000,", f"{i % 3 + 1:06}.m4s?{i}"]
    return "\n".join(lines) + "\n"


# number, level, what is wrong in the media, what is edited in the texts
BROKEN = [
    (1, "must", {}, prepend(VIDEO, b"\xef\xbb\xbf")),
    (1, "must", {}, edit(VIDEO, "#EXTM3U\n", "#EXTM3U8\n")),
    (1, "must", {}, edit(VIDEO, "000002.m4s", "000002.m4s\x07")),
    (1, "must", {}, lambda files: files.__setitem__(VIDEO, files[VIDEO] + b"# \xff\n")),
    (1, "must", {}, edit(MASTER, "DEFAULT=YES,", "DEFAULT=YES,,")),
    (1, "must", {}, edit(MASTER, "LANGUAGE=\"en\"", "LANGUAGE=en")),
    (1, "must", {}, edit(MASTER, "BANDWIDTH=", "BANDWIDTH=-")),
    (1, "must", {}, edit(VIDEO, "#EXTINF:6.00000,", "#EXTINF:six,")),
    (1, "must", {}, edit(VIDEO, "#EXTINF:6.00000,\n", "")),
    (2, "must", {}, edit(VIDEO, "VERSION:6", "VERSION:5")),
    (2, "must", {}, edit(IFRAMES, "#EXT-X-VERSION:5\n", "")),
    (2, "must", {}, edit(VIDEO, "#EXT-X-VERSION:6\n", "#EXT-X-VERSION:6\n#EXT-X-VERSION:6\n")),
    (2, "should", {}, edit(VIDEO, "VERSION:6", "VERSION:7")),
    (3, "must", {}, edit(VIDEO, "#EXT-X-ENDLIST", "#EXT-X-STREAM-INF:BANDWIDTH=1\nx.m3u8\n#EXT-X-ENDLIST")),
    (3, "must", {}, edit(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:6")),
    (3, "must", {}, edit(VIDEO, "#EXT-X-TARGETDURATION:6", "#EXT-X-TARGETDURATION:6\n#EXT-X-TARGETDURATION:6")),
    (4, "must", {}, edit(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-INDEPENDENT-SEGMENTS")),
    (4, "should", {}, edit(VIDEO, "#EXT-X-TARGETDURATION", "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION")),
    (6, "must", {}, drop("v/b/000002.m4s")),
    (6, "must", {}, lambda files: files.__setitem__("v/b/000002.m4s", b"")),
    (6, "must", {}, edit(VIDEO, "000002.m4s", "../../../000002.m4s")),
    (6, "must", {}, edit(VIDEO, "000002.m4s", "http://127.0.0.1:9/000002.m4s")),
    (7, "must", {}, edit(VIDEO, "#EXT-X-TARGETDURATION:6\n", "")),
    (7, "must", {}, edit(VIDEO, "TARGETDURATION:6", "TARGETDURATION:0")),
    (8, "must", {}, edit(VIDEO, "TARGETDURATION:6", "TARGETDURATION:5")),
    (9, "should", {}, everywhere("TARGETDURATION:6", "TARGETDURATION:7")),
    (10, "must", {}, edit(SOUND, "TARGETDURATION:6", "TARGETDURATION:7")),
    (11, "must", {}, edit(VIDEO, "#EXTINF:6.00000,", "#EXTINF:5.95000,")),
    (13, "must", {}, edit(VIDEO, "#EXT-X-PLAYLIST-TYPE:VOD\n", "")),
    (13, "must", {}, edit(VIDEO, "#EXT-X-ENDLIST\n", "")),
    (14, "must", {}, edit(SOUND, "TYPE:VOD", "TYPE:EVENT")),
    (14, "must", {"late_audio": 4}, None),
    (16, "must", {}, drop("a/en/000003.m4s")),
    (17, "must", {}, edit(VIDEO, '#EXT-X-MAP:URI="init.mp4"\n', "")),
    (18, "must", {}, edit(VIDEO, "000001.m4s\n", "000001.m4s\n#EXT-X-DISCONTINUITY\n")),
    (18, "must", {}, edit(VIDEO, "000001.m4s\n", '000001.m4s\n#EXT-X-MAP:URI="../../a/en/init.mp4"\n')),
    (19, "should", {}, both(edit("v/b/index.m3u8", "#EXTINF:6.00000", "#EXTINF:4.00000"))),
    (22, "must", {}, edit(MASTER, "FRAME-RATE=25.000,", "")),
    (22, "must", {}, edit(MASTER, "RESOLUTION=320x192,", "")),
    (23, "must", {}, edit(MASTER, 'RESOLUTION=320x192,URI="v/a/iframe', 'URI="v/a/iframe')),
    (23, "must", {}, edit(MASTER, '#EXT-X-I-FRAME-STREAM-INF:', '#EXT-X-I-FRAME-STREAM-INF:AUDIO="aac",')),
    (24, "must", {}, every(MASTER, "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-NOTHING")),
    (24, "should", {}, edit(MASTER, "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-NOTHING")),
    (25, "must", {}, times("BANDWIDTH", 1.2)),
    (25, "must", {}, times("AVERAGE-BANDWIDTH", 0.85)),
    (26, "must", {}, times("BANDWIDTH", 0.95)),
    (27, "should", {"fat_first": 500000}, None),
    (28, "must", {}, edit(MASTER, ",mp4a.40.2", "")),
    (28, "must", {}, edit(MASTER, "avc1.64000d", "avc1.64001f")),
    (28, "must", {}, edit(MASTER, "mp4a.40.2", "mp4a.40.2,hvc1.1.6.L93.B0")),
    (29, "must", {}, edit(MASTER, "RESOLUTION=320x192", "RESOLUTION=320x180")),
    (29, "must", {}, edit(MASTER, "FRAME-RATE=25.000", "FRAME-RATE=24.000")),
    (29, "should", {}, edit(MASTER, "RESOLUTION=640x384", "RESOLUTION=640x360")),
    (30, "must", {"transfer": 16}, None),
    (30, "must", {}, edit(MASTER, "FRAME-RATE=25.000", "FRAME-RATE=25.000,VIDEO-RANGE=PQ")),
    (31, "must", {}, lambda files: files.__setitem__(MASTER, re.sub(rb"#EXT-X-STREAM-INF.*640x384.*\n.*\n", b"", files[MASTER]))),
    (31, "should", {}, edit(MASTER, "RESOLUTION=640x384", "RESOLUTION=1280x768")),
    (31, "should", {}, lambda files: files.__setitem__(MASTER, re.sub(
        rb"(?s)(#EXT-X-STREAM-INF[^\n]*AVERAGE-BANDWIDTH=)\d+(.*?AVERAGE-BANDWIDTH=)\d+", rb"\g<1>9000000\g<2>2100000", files[MASTER],
        count=1))),
    (32, "should", {}, times("BANDWIDTH", 10)),
    (32, "must", {}, lambda files: files.__setitem__(MASTER, files[MASTER] + b'#EXT-X-STREAM-INF:BANDWIDTH=50000,CODECS="mp4a.40.2",'
                                                     b'AUDIO="aac",SUBTITLES="sub",CLOSED-CAPTIONS=NONE\na/en/index.m3u8\n')),
    (33, "should", {}, edit(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS\n", "")),
    (33, "must", {}, both(edit(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
                          edit(VIDEO, "#EXT-X-TARGET", "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGET"))),
    (34, "must", {}, edit(MASTER, ',AUDIO="aac",', ',AUDIO="opus",')),
    (35, "must", {}, edit(MASTER, 'NAME="Forced"', 'NAME="English"')),
    (35, "must", {}, every(MASTER, 'DEFAULT=NO', 'DEFAULT=YES')),
    (35, "must", {}, edit(MASTER, 'GROUP-ID="sub",NAME="Forced"', 'GROUP-ID="sub2",NAME="Forced"')),
    (35, "should", {}, both(every(MASTER, 'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog",', ""),
                            edit(MASTER, "FORCED=YES", "FORCED=NO"))),
    (36, "must", {}, edit(MASTER, 'LANGUAGE="en",', "")),
    (36, "must", {}, edit(MASTER, ',URI="t/forced/index.m3u8"', "")),
    (36, "should", {}, edit(MASTER, 'CHANNELS="2",', "")),
    (37, "must", {}, edit(MASTER, ",CLOSED-CAPTIONS=NONE", "")),
    (37, "must", {}, edit(MASTER, ',VALUE="A film"', ',VALUE="A film",URI="master.m3u8"')),
    (38, "should", {}, variants(',AUDIO="aac"', "")),
    (38, "must", {}, edit(MASTER, "FRAME-RATE=25.000", "FRAME-RATE=25.000,SCORE=1.0")),
    (39, "must", {"brand": b"iso4"}, None),
    (39, "must", {"mvex": False}, None),
    (39, "must", {"samples": True}, None),
    (39, "must", {"duration": 14000}, None),
    (39, "must", {}, lambda files: files.__setitem__("v/a/init.mp4", files["v/a/init.mp4"][:-20])),
    (40, "must", {"no_tfdt": True}, None),
    (40, "must", {"flags_tfhd": 0}, None),
    (40, "must", {"outside": True}, None),
    (40, "must", {}, lambda files: files.__setitem__("v/a/000002.m4s", files["v/a/000002.m4s"][:-50])),
    (40, "should", {"two_runs": True}, None),
    (41, "must", {"tfdt_gap": 1}, None),
    (41, "must", {"late_video": 2}, None),
    (42, "must", {"no_idr": True}, None),
    (42, "should", {"second_idr": False}, None),
    (43, "must", {"level": 60}, None),
    (43, "should", {"level": 42}, None),
    (43, "should", {"profile": 77}, None),
    (44, "must", {"progressive": 0}, None),
    (44, "should", {"entry": "avc3"}, None),
    (44, "should", {"sets_in_sample": True}, None),
    (45, "must", {"sounds": 2}, None),
    (45, "must", {"channels": 6}, None),
    (45, "should", {"object_type": 5, "sound_size": 240}, None),
    (45, "should", {"loudness": False}, None),
    (46, "must", {"turned": True}, None),
    (46, "must", {"aspect": (4, 3)}, None),
    (46, "must", {"colour": 9}, None),
    (47, "should", {"edits": True}, None),
    (47, "should", {"start": 50}, None),
    (48, "must", {}, edit(IFRAMES, "@0", "@4")),
    (48, "must", {}, edit(IFRAMES, "#EXTINF:2.00000", "#EXTINF:1.00000")),
    (48, "must", {}, edit(IFRAMES, '#EXT-X-MAP:URI="init.mp4"\n', "")),
    (48, "must", {}, edit(IFRAMES, "#EXT-X-I-FRAMES-ONLY\n", "")),
    (49, "must", {"iframe_extra": 5}, None),
    (49, "must", {"iframe_slices": 2}, None),
    (50, "must", {}, edit("t/full/1.vtt", "WEBVTT", "WEBVTX")),
    (50, "must", {}, edit("t/full/1.vtt", "X-TIMESTAMP-MAP", "X-TIMESTAMP")),
    (50, "must", {}, edit("t/full/2.vtt", "across", "elsewhere")),
    (50, "must", {}, edit("t/full/index.m3u8", "#EXTINF:8.00000,\n2.vtt\n", "")),
    (51, "must", {}, edit(MASTER, 'AUTOSELECT=YES,FORCED=NO', 'AUTOSELECT=NO,FORCED=NO')),
    (51, "must", {}, both(edit("t/forced/1.vtt", "across", "forced"), edit("t/forced/2.vtt", "across", "forced"))),
    (52, "must", {}, edit(VIDEO, "#EXTINF", '#EXT-X-KEY:METHOD=NONE,URI="k"\n#EXTINF')),
    (52, "must", {}, edit(VIDEO, "#EXTINF", "#EXT-X-KEY:METHOD=AES-128\n#EXTINF")),
    (52, "must", {}, edit(VIDEO, "#EXT-X-MAP", '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXT-X-MAP')),
    (52, "must", {}, edit(VIDEO, "#EXTINF", '#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="k"\n#EXTINF')),
    (52, "must", {"scheme": b"cenc"}, edit(VIDEO, "#EXTINF", '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF')),
    (52, "must", {"scheme": b"cbcs", "pattern": 0x10}, None),
    (53, "must", {}, edit(IFRAMES, "#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x1\n#EXTINF')),
    (59, "must", {}, edit(MPD, 'type="static"', 'type="dynamic"')),
    (59, "must", {}, edit(MPD, "urn:mpeg:dash:profile:isoff-live:2011,", "")),
    (59, "must", {}, edit(MPD, ' segmentAlignment="true"', "")),
    (59, "must", {}, edit(MPD, 'startWithSAP="1"', 'startWithSAP="3"')),
    (59, "must", {}, edit(MPD, '<Representation id="a"', '<Representation id="b"')),
    (59, "must", {}, edit(MPD, "</MPD>", "</MPX>")),
    (59, "must", {}, edit(MPD, "<MPD ", '<!DOCTYPE MPD [<!ENTITY a "b">]>\n<MPD ')),
    (60, "must", {}, edit(MPD, "avc1.64000d", "avc1.64001e")),
    (60, "must", {}, edit(MPD, 'width="320"', 'width="322"')),
    (60, "must", {}, edit(MPD, 'frameRate="25/1"', 'frameRate="30/1"')),
    (60, "must", {}, edit(MPD, 'audioSamplingRate="48000"', 'audioSamplingRate="44100"')),
    (60, "must", {}, lambda files: files.__setitem__(MPD, re.sub(rb'bandwidth="\d+"', b'bandwidth="900"', files[MPD]))),
    (60, "must", {}, edit(MPD, 'mediaPresentationDuration="PT14', 'mediaPresentationDuration="PT15')),
    (60, "must", {}, edit(MPD, 'd="150"', 'd="151"')),
    (60, "should", {}, edit(MPD, ' lang="en"', "")),
    (60, "should", {}, edit(MPD, "<Label>English</Label>", "")),
]


def look(*words):
    run = subprocess.run([os.path.join(BIN, "kinobus"), "validate", "--json", *words], capture_output=True, text=True, timeout=PATIENCE,
                         check=False)
    assert run.returncode in (0, 1), run.stderr
    told = json.loads(run.stdout)
    assert (run.returncode == 1) == (told["musts_broken"] > 0)
    return {(r["rule"], r["level"]): r["findings"] for r in told["rules"] if r["state"] == "broken"}, told


class Folder:
    def __init__(self, files):
        self.path = tempfile.mkdtemp(prefix="kinobus-")
        for name, data in files.items():
            path = os.path.join(self.path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)

    def __enter__(self):
        return self.path

    def __exit__(self, *error):
        shutil.rmtree(self.path)


class Server:
    """Serves a dictionary as it should be served; `wrong` changes that, and a list of texts is served one after the other."""
    TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".vtt": "text/vtt"}

    def __init__(self, files, **wrong):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", 1 << 16, True

            def log_message(self, *args):
                pass

            def do_GET(self):
                name = self.path.lstrip("/").partition("?")[0]
                if name == wrong.get("moved"):
                    return self.answer(302, b"", [("Location", "/moved/" + name)])
                data = files.get(name.removeprefix("moved/"))
                if data is None:
                    return self.answer(404, b"", [])
                if isinstance(data, list):
                    data = data.pop(0) if len(data) > 1 else data[0]
                suffix = os.path.splitext(name)[1]
                headers = [("Content-Type", wrong.get("type") or Server.TYPES.get(suffix, "video/mp4"))]
                asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                if asked and not wrong.get("no_ranges"):
                    first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
                    return self.answer(206, data[first:last + 1], [*headers, ("Content-Range", f"bytes {first}-{last}/{len(data)}")])
                if suffix in Server.TYPES and "gzip" in self.headers.get("Accept-Encoding", "") and not wrong.get("plain"):
                    return self.answer(200, gzip.compress(data), [*headers, ("Content-Encoding", "gzip")])
                return self.answer(200, data, headers)

            def answer(self, status, body, headers):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self.url

    def __exit__(self, *error):
        self.http.shutdown()
        self.http.server_close()


class Validate(unittest.TestCase):
    def test_a_good_presentation_is_clean_from_a_folder(self):
        with Folder(Presentation().files()) as path:
            broken, told = look(path)
        self.assertEqual(broken, {})
        self.assertEqual(told["shoulds_broken"], 0)

    def test_a_good_presentation_is_clean_over_http(self):
        with Server(Presentation().files()) as url:
            broken, _ = look(url + MASTER, url + MPD)
        self.assertEqual(set(broken), {(5, "should")})     # no TLS here

    def test_an_mpd_alone_is_looked_at(self):
        files = Presentation().files()
        with Server(files) as url:
            self.assertEqual(set(look(url + MPD)[0]), {(5, "should")})
            sub(files, MPD, "avc1.64000d", "avc1.640028")
            self.assertIn((60, "must"), look(url + MPD)[0])

    def test_each_rule_is_broken_by_its_edit(self):
        for number, level, media, change in BROKEN:
            files = Presentation(**media).files()
            if change:
                change(files)
            with self.subTest(rule=number, level=level, media=media), Folder(files) as path:
                self.assertIn((number, level), look(path)[0])

    def test_every_rule_has_an_edit_that_breaks_it(self):
        with Folder(Presentation().files()) as path:
            rows = {(r["rule"], r["level"]) for r in look(path)[1]["rules"]}
        tested = {(number, level) for number, level, _, _ in BROKEN}
        beside = {(5, "must"), (5, "should"), (12, "must"), (12, "should"), (15, "must"), (20, "must"), (21, "must"), (27, "must")}
        self.assertEqual(rows - tested, beside)            # those have tests of their own

    def test_sound_that_ends_early(self):
        for sound, wanted in (((282, 281, 90), {(12, "should")}), ((282, 90), {(12, "must"), (12, "should")})):
            with self.subTest(sound=sound), Folder(Presentation(sound=sound).files()) as path:
                self.assertLessEqual(wanted, set(look(path)[0]))

    def test_how_things_are_served(self):
        for wrong, rule in (({"type": "text/plain"}, 5), ({"plain": True}, 5), ({"no_ranges": True}, 6), ({"moved": VIDEO}, 6)):
            with self.subTest(wrong=wrong), Server(Presentation().files(), **wrong) as url:
                self.assertIn((rule, "must"), look(url + MASTER)[0])
        with Server(Presentation().files(), moved=MASTER) as url:      # what was typed may lead elsewhere
            self.assertNotIn((6, "must"), look(url + MASTER)[0])

    def test_playlists_that_change(self):
        vod = Presentation().files()[VIDEO]
        event = vod.replace(b"VOD", b"EVENT").replace(b"TARGETDURATION:6", b"TARGETDURATION:1").replace(b"#EXT-X-ENDLIST\n", b"")
        shorter = event[:event.rindex(b"#EXTINF")]
        window = live().encode()
        moved = window.replace(b"#EXTINF:1.00000,\n000001.m4s?0\n", b"", 1)
        later = window.replace(b"TARGETDURATION:1", b"TARGETDURATION:2") + b"#EXTINF:1.0,\n000001.m4s?9\n"
        for rule, answers in (
                (16, [vod, vod.replace(b"6.00000", b"6.00001")]),
                (15, [event, event.replace(b"000001.m4s", b"000002.m4s") + b"#EXTINF:1.0,\n000003.m4s\n"]),
                (15, [event, event]),                      # nothing new in one and a half target durations
                (20, [window, moved]),                     # removed, not counted
                (20, [live(3).encode(), live(3).encode() + b"#EXTINF:1.0,\n000001.m4s?9\n"]),
                (21, [live(date=False).encode(), live(date=False).encode() + b"#EXTINF:1.0,\n000001.m4s?9\n"]),
                (7, [window, later])):
            files = Presentation().files()
            files[VIDEO] = list(answers)
            with self.subTest(rule=rule), Server(files) as url:
                self.assertIn((rule, "must"), look(url + VIDEO)[0])
        files = Presentation().files()
        files[VIDEO] = [shorter, event]                    # appended, as it should be
        with Server(files) as url:
            self.assertFalse({(15, "must"), (7, "must")} & set(look(url + VIDEO)[0]))

    def test_what_grows_stays_below_what_it_declares(self):
        files = Presentation().files()
        everywhere("VOD", "EVENT")(files)
        with Folder(files) as path:
            self.assertNotIn((27, "must"), look(path)[0])
        times("AVERAGE-BANDWIDTH", 0.5)(files)
        with Folder(files) as path:
            self.assertIn((27, "must"), look(path)[0])

    def test_what_cannot_be_looked_at_is_code_2(self):
        for words in ((), ("/nowhere/at/all",), ("http://127.0.0.1:9/master.m3u8",), ("ftp://127.0.0.1/x",), ("a", "b", "c")):
            run = subprocess.run([os.path.join(BIN, "kinobus"), "validate", *words], capture_output=True, text=True, timeout=PATIENCE,
                                 check=False)
            self.assertEqual(run.returncode, 2, words)
            self.assertTrue(run.stderr)

    def test_a_folder_keeps_its_links_inside(self):
        files = Presentation().files()
        del files["v/a/000001.m4s"]
        with Folder(files) as path, Folder({"x": b"secret"}) as other:
            os.symlink(os.path.join(other, "x"), os.path.join(path, "v/a/000001.m4s"))
            self.assertIn((6, "must"), look(path)[0])


if __name__ == "__main__":
    unittest.main()
