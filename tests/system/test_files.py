"""Files as people have them, and files made to do harm: each becomes what it should, or is refused with a reason, in
bounded time; and from inside the jail nothing is opened, connected to or started.

A few hostile files are written here; where the shared test videos are present, all of them are used too."""
import glob
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "media"))
import make
import runs

SHARED = os.path.join(os.path.dirname(runs.TOP), "shared", "media")
REFUSED = ("vvc_aac_320x180_5s.mp4",)  # of the clean ones: no decoder here
HARMFUL = {  # name: content; every one must be refused
    "playlist.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "network.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
    "concat.mp4": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "session.mp4": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "manifest.mp4": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:///etc/</BaseURL></MPD>',
    "header.mp4": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
    "empty.mp4": b"",
    "byte.mp4": b"\0",
    "page.mp4": b"<html><script>alert(1)</script></html>",
    "program.mp4": b"\x7fELF\2\1\1" + b"\0" * 57,
}


def shared(kind):
    return sorted(glob.glob(os.path.join(SHARED, kind, "*")))


class FileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="kinobus-files-")
        cls.store = runs.Store(os.path.join(cls.folder, "store"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def probe(self, path, **env):
        video, before = runs.Video(self.store, path), sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        answer = video.probe(**env)
        self.assertLess(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before, 30)        # seconds of a processor, which others do not lengthen
        return video, answer

    def encode_a_little(self, video):
        """The first GOP of the smallest rung and two seconds of the first sound, as far as there are any."""
        if video.picture:
            rung = video.rungs(240)[-1]
            made = self.finished(video.video_job(0, 1, [rung], segment_gops=1))
            frames = sum(s["frames"] for s in made["renditions"][0]["segments"])
            hashes = runs.frame_hashes(video.joined(rung["dir"], os.path.join(self.folder, "v.mp4")))
            self.assertEqual(len(hashes), frames)
        for sound in video.sounds[:1]:
            self.finished(video.audio_job(sound, 0, [{"number": 1, "frames": 94}]))

    def finished(self, job):
        answer = self.store.job("run", job)
        self.assertEqual(answer["end"], "done", answer["reason"])
        return answer["result"]


class Clean(FileTest):
    def test_files_as_people_have_them_become_videos(self):
        for path in shared("clean"):
            name = os.path.basename(path)
            with self.subTest(name):
                video, answer = self.probe(path)
                self.assertEqual(answer["end"], "done", answer["reason"])
                if name in REFUSED:
                    self.assertEqual(video.info["outcome"], "refused")
                    continue
                self.assertEqual(video.info["outcome"], "ok", video.info.get("reason"))
                self.encode_a_little(video)

    def test_a_turned_picture_is_turned_upright(self):
        path = os.path.join(self.folder, "upright.mp4")
        make.clip(path, 2)
        turned = os.path.join(self.folder, "turned.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-c", "copy", "-metadata:s:v", "rotate=90", turned], check=True)
        video, _ = self.probe(turned)
        shape = video.picture["video"]
        self.assertEqual((shape["display_width"], shape["display_height"]), (180, 320))
        self.assertIn(shape["rotation"], (90, 270))
        rung = video.rung(180, 23, 0, 0, 30, "veryfast")
        made = self.finished(video.video_job(0, 1, [rung], segment_gops=1))
        self.assertEqual((made["renditions"][0]["width"], made["renditions"][0]["height"]), (180, 320))

    def test_sound_alone_is_taken(self):
        film, path = os.path.join(self.folder, "film.mkv"), os.path.join(self.folder, "sound.mp3")
        make.clip(film, 3)
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", film, "-vn", "-c:a", "libmp3lame", path], check=True)
        video, _ = self.probe(path)
        self.assertEqual(video.info["outcome"], "ok")
        self.assertIsNone(video.picture)
        self.encode_a_little(video)

    def test_a_cut_off_file_lasts_as_long_as_its_bytes(self):
        whole = os.path.join(self.folder, "whole.mp4")
        make.clip(whole, 6, more=("-movflags", "+faststart"))
        with open(whole, "rb") as f:
            half = self.write("half.mp4", f.read(os.path.getsize(whole) // 2))
        video, _ = self.probe(half)
        self.assertEqual(video.info["outcome"], "ok")
        self.assertLess(video.info["duration_ms"], 5000)
        self.assertTrue(any("cut off" in w for w in video.info["warnings"]), video.info["warnings"])
        self.encode_a_little(video)


class Hostile(FileTest):
    def test_what_is_not_media_is_refused_with_a_reason(self):
        for name, data in HARMFUL.items():
            with self.subTest(name):
                video, answer = self.probe(self.write(name, data))
                self.assertEqual(answer["end"], "done", answer["reason"])
                self.assertEqual(video.info["outcome"], "refused")
                self.assertRegex(video.info["reason"], r"^[A-Z].*\.$")

    def test_shared_hostile_files_end_in_bounded_time(self):
        for path in shared("hostile"):
            with self.subTest(os.path.basename(path)):
                video, answer = self.probe(path)
                self.assertEqual(answer["end"], "done", answer["reason"])
                if video.info["outcome"] == "ok":
                    self.encode_a_little(video)
                else:
                    self.assertTrue(video.info["reason"])

    def test_damage_inside_is_counted_and_held(self):
        path = os.path.join(self.folder, "damaged.mp4")
        make.clip(path, 4, more=("-movflags", "+faststart"))
        with open(path, "rb") as f:
            data = bytearray(f.read())
        for at in range(len(data) // 3, len(data) - 100, 997):
            data[at] ^= 0x5A
        video, answer = self.probe(self.write("flipped.mp4", bytes(data)))
        self.assertEqual(answer["end"], "done")
        rung = video.rung(180, 23, 0, 0, 30, "veryfast")
        made = self.finished(video.video_job(0, 2, [rung], segment_gops=1))
        self.assertGreater(made["damaged"], 0)
        self.assertEqual(sum(s["frames"] for s in made["renditions"][0]["segments"]), 100)

    def test_nothing_is_opened_from_inside(self):
        """strace sees every call that the worker makes once its filter is in place."""
        log = os.path.join(self.folder, "calls")
        path = self.write("inside.mp4", HARMFUL["playlist.mp4"])
        clip = os.path.join(self.folder, "inside.mkv")
        make.clip(clip, 2)
        for original in (path, clip):
            wrapper = os.path.join(self.folder, "worker")
            with open(wrapper, "w", encoding="ascii") as f:
                f.write(f"#!/bin/sh\nexec strace -f -o {log} {runs.WORKER}\n")
            os.chmod(wrapper, 0o755)
            video = runs.Video(self.store, original)
            self.store.command("probe", job=video.base())
            done = subprocess.run([runs.DRIVE, wrapper, self.store.folder, "probe"], input=json.dumps(video.base()),
                                       capture_output=True, text=True)
            self.assertIn('"done"', done.stdout, done.stderr)
            with open(log, encoding="utf-8", errors="replace") as f:
                calls = f.read().splitlines()
            shut = next(i for i, line in enumerate(calls) if re.search(r"seccomp\(SECCOMP_SET_MODE_FILTER|PR_SET_SECCOMP", line))
            inside = calls[shut + 1:]
            self.assertGreater(len(inside), 20)
            reached = [line for line in inside if re.search(r"\b(open\w*|creat|connect|socket\w*|execve\w*|fork|vfork|bind)\(", line)
                       and not re.search(r"= -1 E(ACCES|NOSYS|PERM)", line)]
            self.assertEqual(reached, [])


if __name__ == "__main__":
    unittest.main()
