"""c005: subtitles and chapters of a film are there when it is ready: in playlists, in the answer that starts a player, and as
files that keep every rule."""
import json
import os
import re
import subprocess
import sys
import unittest

for folder in ("harness", "media"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import make  # noqa: E402
from patience import PATIENCE  # noqa: E402
from stage import BIN, Stage, media  # noqa: E402  (the folder must be on the path first)

PLAIN = "1\n00:00:01,000 --> 00:00:02,500\n<i>Slowly</i> & <b>surely</b>\n\n2\n00:00:08,250 --> 00:00:09,000\ntwo\nlines <\n"
FORCED = "1\n00:00:04,000 --> 00:00:05,000\nForeign words\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,20,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\an8\\pos(10,20)}Là-haut\\N{\\i1}oui{\\i0}
Dialogue: 0,0:00:06.00,0:00:07.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
"""
CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=4000
title=The "first" <part>
[CHAPTER]
TIMEBASE=1/1000
START=4000
END=10000
title=Zweiter Teil
"""
HEAD = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n"
ENGLISH = HEAD + """
00:00:01.000 --> 00:00:02.500
<i>Slowly</i> &amp; <b>surely</b>

00:00:04.000 --> 00:00:05.000
Foreign words

00:00:08.250 --> 00:00:09.000
two
lines &lt;
"""


class Words(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.stage.__enter__()
        cls.alice = cls.stage.login()
        cls.clip = os.path.join(cls.stage.state, "clip.mp4")
        make.clip(cls.clip, seconds=10)
        for name, text in (("plain.srt", PLAIN), ("forced.srt", FORCED), ("french.ass", ASS), ("chapters.txt", CHAPTERS)):
            with open(os.path.join(cls.stage.state, name), "w", encoding="utf-8") as f:
                f.write(text)

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def pack(self, name, texts, *more):
        """The clip with these text files, and the chapters."""
        path = os.path.join(self.stage.state, name)
        inputs, maps = [], ["-map", "0:v", "-map", "0:a"]
        for i, text in enumerate(texts):
            inputs += ["-i", os.path.join(self.stage.state, text)]
            maps += ["-map", f"{i + 1}:0"]
        inputs += ["-i", os.path.join(self.stage.state, "chapters.txt")]
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", self.clip, *inputs, *maps, "-map_chapters", str(len(texts) + 1),
                        "-c", "copy", *more, path], check=True, timeout=PATIENCE)
        return path

    def ready(self, path, held_back=0):
        """Uploaded, the last bytes only when it was looked at without them."""
        tail = self.stage.tail("catalog.*", "transcode.probe_done")
        size = os.path.getsize(path)
        video = self.alice.upload(path, title="Words", visibility="public", piece=size - held_back,
                                  progress=lambda done, _: done < size and tail.expect("transcode.probe_done"))
        m = tail.wait(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_failed")
                      and (m.get("body") or {}).get("video_id") == video, "its end")
        self.assertEqual(m["name"], "catalog.video_ready", m["body"]["video"].get("reason"))
        playing = self.alice.post(f"/api/v1/videos/{video}/playback")
        return playing, playing["hls_url"].rsplit("/", 1)[0]

    def file(self, url):
        answer = self.alice.send("GET", url)
        self.assertEqual(answer.status, 200, url)
        return answer.body.decode()

    def validate(self, playing):
        folder = os.path.join(self.stage.state, "blobs", "media", playing["video_id"], "1")
        done = subprocess.run([os.path.join(BIN, "kinobus"), "validate", folder], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_matroska(self):
        path = self.pack("words.mkv", ["plain.srt", "forced.srt", "french.ass"], "-c:s:0", "srt", "-c:s:1", "srt", "-c:s:2", "ass",
                         "-metadata:s:s:0", "language=eng", "-metadata:s:s:0", 'title=Full "English"', "-disposition:s:0", "default",
                         "-metadata:s:s:1", "language=eng", "-disposition:s:1", "forced",
                         "-metadata:s:s:2", "language=fre", "-disposition:s:2", "hearing_impaired")
        playing, base = self.ready(path)
        texts = [t for t in playing["tracks"] if t["kind"] == "text"]
        self.assertEqual([(t["name"], t["language"], t.get("is_default", False), t.get("forced", False), t.get("hearing_impaired", False))
                          for t in texts],
                         [('Full "English"', "en", True, False, False), ("en", "en", False, True, False), ("fr", "fr", False, False, True)])
        self.assertEqual([c["title"] for c in playing["chapters"]], ['The "first" <part>', "Zweiter Teil"])
        self.assertEqual(playing["chapters"][0].get("start_ms", 0), 0)
        self.assertAlmostEqual(playing["chapters"][1]["start_ms"], 4000, delta=25)   # the file's clock begins with the sound's priming

        master = self.file(playing["hls_url"])
        rows = [line for line in master.splitlines() if "TYPE=SUBTITLES" in line]
        self.assertEqual([re.search(r'URI="([^"]*)"', row).group(1) for row in rows],
                         ["t/eng-0/index.m3u8", "t/eng-1/index.m3u8", "t/fre-2/index.m3u8"])
        self.assertIn("NAME=\"Full 'English'\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO", rows[0])
        self.assertIn("DEFAULT=NO,AUTOSELECT=YES,FORCED=YES", rows[1])
        self.assertIn("public.accessibility.transcribes-spoken-dialog", rows[2])
        for line in master.splitlines():
            self.assertEqual(line.startswith("#EXT-X-STREAM-INF"), 'SUBTITLES="text"' in line)
        self.assertIn("full.vtt", self.file(f"{base}/t/eng-0/index.m3u8"))
        self.assertEqual(self.file(f"{base}/t/eng-0/full.vtt"), ENGLISH)
        self.assertEqual(self.file(f"{base}/t/eng-1/full.vtt"), HEAD + "\n00:00:04.000 --> 00:00:05.000\nForeign words\n")
        self.assertEqual(self.file(f"{base}/t/fre-2/full.vtt"), HEAD + "\n00:00:03.000 --> 00:00:04.000 line:0\nLà-haut\n<i>oui</i>\n")

        chapters = json.loads(self.file(f"{base}/chapters.json"))
        self.assertEqual([c["titles"][0]["title"] for c in chapters], ['The "first" <part>', "Zweiter Teil"])
        self.assertAlmostEqual(chapters[0]["duration"], chapters[1]["start-time"])
        self.assertRegex(self.file(f"{base}/chapters.vtt"), "00:00:00.000 --> 00:00:0[34].[0-9]{3}\nThe \"first\" &lt;part&gt;\n")
        mpd = self.file(playing["dash_url"])
        self.assertEqual(re.findall(r"<BaseURL>(.*)</BaseURL>", mpd), [f"t/{t}/full.vtt" for t in ("eng-0", "eng-1", "fre-2")])
        self.validate(playing)

    def test_mp4(self):
        path = self.pack("words.mp4", ["plain.srt"], "-c:s", "mov_text", "-metadata:s:s:0", "language=deu", "-movflags", "+faststart")
        playing, base = self.ready(path)
        self.assertEqual([t["name"] for t in playing["tracks"] if t["kind"] == "text"], ["de"])
        self.assertEqual([c["title"] for c in playing["chapters"]], ['The "first" <part>', "Zweiter Teil"])
        self.assertEqual(self.file(f"{base}/t/deu-0/full.vtt").count(" --> "), 2)
        self.assertIn("<i>Slowly</i> &amp; <b>surely</b>", self.file(f"{base}/t/deu-0/full.vtt"))
        self.validate(playing)

    def test_a_list_of_chapters_is_no_text_though_it_was_looked_at_while_it_arrived(self):
        path = self.pack("early.mp4", ["plain.srt"], "-c:s", "mov_text", "-metadata:s:s:0", "language=deu", "-movflags", "+faststart")
        with open(path, "ab") as f:
            f.write((1 << 20).to_bytes(4, "big") + b"free" + bytes((1 << 20) - 8))
        playing, base = self.ready(path, held_back=1)
        self.assertEqual([t["name"] for t in playing["tracks"] if t["kind"] == "text"], ["de"])
        self.assertEqual([c["title"] for c in playing["chapters"]], ['The "first" <part>', "Zweiter Teil"])
        self.assertEqual(self.file(f"{base}/t/deu-0/full.vtt").count(" --> "), 2)
        self.validate(playing)

    def test_a_film_of_ours(self):
        path = media("sintel_2audio_3subs_30s.mkv")
        if not path.endswith(".mkv"):
            path = self.pack("three.mkv", ["plain.srt", "plain.srt", "french.ass"])
        playing, _ = self.ready(path)
        self.assertEqual(len([t for t in playing["tracks"] if t["kind"] == "text"]), 3)
        self.validate(playing)


if __name__ == "__main__":
    unittest.main()
