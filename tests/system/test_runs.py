"""Runs of a video, encoded by separate workers in any order, join into one; the clips tell by themselves if they do.

Each picture of the clips shows its number, each second flashes and clicks at once (tests/media/make.py)."""
import fractions
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "media"))
import make
import runs

CLIP = os.path.join(os.path.dirname(os.path.abspath(make.__file__)), "counter.mp4")


def shown(path, fps):
    """The number that each frame of the grid must show, from the times that FFmpeg gives the pictures of the source: the
    latest picture no later than the frame's time and half a frame."""
    probe = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
         "stream=start_time,avg_frame_rate:frame=best_effort_timestamp_time", "-of", "json", path],
        capture_output=True, check=True).stdout)
    sound = json.loads(subprocess.run(["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=start_time",
                                       "-of", "json", path], capture_output=True, check=True).stdout)["streams"]
    start, rate = fractions.Fraction(probe["streams"][0]["start_time"]), fractions.Fraction(probe["streams"][0]["avg_frame_rate"])
    early = start - fractions.Fraction(sound[0]["start_time"]) if sound else 0
    origin = start - (math.floor(early * rate) / rate if early > fractions.Fraction(1, 20) else 0)
    times = []
    for f in probe["frames"]:           # the last picture of a program stream may have no time of its own
        at = f.get("best_effort_timestamp_time")
        times.append(fractions.Fraction(at) - origin if at else times[-1] + 1 / fps)
    numbers, _ = make.read_numbers(path, 320, 180)
    firsts = [math.ceil(t * fps - fractions.Fraction(1, 2)) for t in times]
    frames = []
    for i, number in enumerate(numbers):
        until = firsts[i + 1] if i + 1 < len(firsts) else firsts[i] + 1
        frames += [number] * (until - len(frames))
    return frames


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="kinobus-runs-")
        cls.store = runs.Store(os.path.join(cls.folder, "store"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def video(self, path, **how):
        video = runs.Video(self.store, path, **how)
        answer = video.probe()
        self.assertEqual(answer["end"], "done", answer["reason"])
        self.assertEqual(video.info["outcome"], "ok", video.info.get("reason"))
        return video

    def encode(self, video, job, **env):
        answer = video.encode(job, **env)
        self.assertEqual(answer["end"], "done", answer["reason"] + self.store.last.stderr)
        return answer["result"]

    def check_timeline(self, path, duration, stream="v:0"):
        """Decode times go on by one frame's duration from 0; answers how many packets there are."""
        packets = runs.packets(path, stream)
        self.assertEqual([p["dts"] for p in packets], [i * duration for i in range(len(packets))])
        return len(packets)

    def check_numbers(self, path, rung, expected):
        numbers, flashes = make.read_numbers(path, rung["width"], rung["height"])
        self.assertEqual(numbers, expected)
        return flashes


class VideoRuns(RunTest):
    def test_runs_in_any_order_join_without_a_seam(self):
        video = self.video(CLIP)
        rung = video.rung(180, 23, 0, 0, 30, "veryfast")
        jobs = [video.video_job(g, 1, [rung], segment_gops=1) for g in range(math.ceil(video.frames / video.gop))]
        random.Random(7).shuffle(jobs)
        inits = {self.encode(video, job)["renditions"][0]["init"]["hash"] for job in jobs}
        self.assertEqual(len(inits), 1, "inits differ between runs")
        joined = video.joined(rung["dir"], self.path("joined.mp4"))
        self.assertEqual(self.check_timeline(joined, video.fps.denominator), 150)
        flashes = self.check_numbers(joined, rung, list(range(150)))
        self.assertEqual(flashes, [25, 50, 75, 100, 125])

    def test_a_run_done_twice_makes_the_same_bytes(self):
        twice = []
        for _ in range(2):
            video = self.video(CLIP)
            made = self.encode(video, video.video_job(1, 2, [video.rung(180, 23, 300, 300, 30, "fast")]))
            twice.append([s["hash"] for s in made["renditions"][0]["segments"]])
        self.assertEqual(*twice)

    def test_the_first_result_of_a_run_stays(self):
        video = self.video(CLIP)
        job = video.video_job(0, 1, [video.rung(180, 23, 0, 0, 30, "veryfast")], segment_gops=1)
        first = self.encode(video, job)
        job["renditions"][0]["crf"] = 40
        again = self.encode(video, job)
        self.assertEqual(first["renditions"][0]["segments"], again["renditions"][0]["segments"])

    def test_of_a_moment_that_is_only_looked_at_nothing_is_stored(self):
        video = self.video(CLIP)
        job = video.video_job(1, 1, [video.rung(180, 23, 0, 0, 30, "veryfast")], segment_gops=1)
        looked = self.encode(video, {**job, "sample": True})["renditions"][0]
        self.assertFalse(os.path.exists(os.path.join(self.store.folder, looked["init"]["name"])))
        made = self.encode(video, job)["renditions"][0]
        self.assertTrue(os.path.exists(os.path.join(self.store.folder, made["init"]["name"])))
        self.assertEqual([s["size"] for s in looked["segments"]], [s["size"] for s in made["segments"]])

    def test_a_changed_encoder_is_noticed_by_its_init(self):
        video = self.video(CLIP)
        job = video.video_job(0, 1, [video.rung(180, 23, 0, 0, 30, "veryfast")], segment_gops=1)
        self.encode(video, job)
        job["renditions"][0]["level"] = 40
        answer = video.encode(job)
        self.assertEqual(answer["end"], "failed")
        self.assertIn("init.mp4 differs", answer["reason"])

    def test_half_rate_rungs_show_every_second_picture(self):
        path = self.path("fifty.mkv")
        make.clip(path, 6, fps=50)
        video = self.video(path)
        self.assertEqual(video.fps, 50)
        full, half = video.rung(180, 23, 0, 0, 31, "veryfast"), video.rung(120, 24, 0, 0, 30, "veryfast")
        self.assertEqual((full["fps_div"], half["fps_div"]), (2, 2))
        full["fps_div"] = 1
        for first in (1, 0, 2):
            self.encode(video, video.video_job(first, 1, [half, full], segment_gops=1))
        self.check_numbers(video.joined(full["dir"], self.path("full.mp4")), full, list(range(300)))
        self.check_numbers(video.joined(half["dir"], self.path("half.mp4")), half, list(range(0, 300, 2)))

    def test_every_container_gives_the_same_pictures_from_any_start(self):
        ntsc = fractions.Fraction(30000, 1001)
        kinds = {
            "a.mkv": dict(fps=ntsc), "b.ts": dict(fps=25), "c.webm": dict(fps=24, video=("-c:v", "libvpx", "-b:v", "800k", "-g", "40"),
                                                                         audio=("-c:a", "libopus")),
            "d.avi": dict(fps=25, video=("-c:v", "mpeg4", "-q:v", "3", "-g", "40"), audio=("-c:a", "libmp3lame")),
            "e.flv": dict(fps=25, audio=("-c:a", "aac")), "f.mov": dict(fps=24, video=("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=60", "-crf", "18"),
                                                                      audio=("-c:a", "pcm_s16le")),
            "g.mp4": dict(fps=25, more=("-movflags", "frag_keyframe+empty_moov")),
            "h.mpg": dict(fps=25, video=("-c:v", "mpeg2video", "-q:v", "2", "-g", "15", "-bf", "2"), audio=("-c:a", "mp2")),
        }
        for name, how in kinds.items():
            with self.subTest(name):
                path = self.path(name)
                make.clip(path, 6, **how)
                video = self.video(path)
                rung = video.rung(180, 20, 0, 0, 30, "veryfast")
                for first in (2, 0, 1):
                    self.encode(video, video.video_job(first, 1, [rung], segment_gops=1))
                numbers, _ = make.read_numbers(video.joined(rung["dir"], self.path("k.mp4")), rung["width"], rung["height"])
                due = shown(path, video.fps)
                self.assertGreaterEqual(len(numbers), min(len(due), int(6 * how["fps"])) - 1)
                self.assertEqual(numbers, due[:len(numbers)], "pictures missing, twice or out of order")

    def test_interlaced_pictures_become_progressive_at_either_rate(self):
        path = self.path("fields.ts")
        make.clip(path, 4, fps=50, video=("-vf", "scale=in_range=limited:out_range=limited,format=yuv420p,tinterlace=interleave_top:vlpf,"
                                          "setfield=tff", "-c:v", "mpeg2video", "-q:v", "2", "-g", "12", "-flags", "+ilme+ildct"))
        for mode, fps in (("frame", 25), ("field", 50)):
            with self.subTest(mode):
                video = self.video(path)
                self.assertTrue(video.picture["video"]["interlaced"])
                video.fps, video.gop, video.frames = fractions.Fraction(fps), 2 * fps, 4 * fps - 4
                rung = {**video.rung(180, 18, 0, 0, 31, "veryfast"), "fps_div": 1}
                for first in (1, 0):
                    self.encode(video, video.video_job(first, 1, [rung], segment_gops=1, deinterlace=mode))
                joined = video.joined(rung["dir"], self.path("progressive.mp4"))
                self.assertEqual(self.check_timeline(joined, 1), video.frames)
                numbers, _ = make.read_numbers(joined, rung["width"], rung["height"])
                # The lowest bit of a number is the same in all top fields, so that no deinterlacer can tell it.
                steps = [b // 2 - a // 2 for a, b in zip(numbers[::fps // 25], numbers[fps // 25::fps // 25])]
                self.assertEqual(set(steps[2:-2]), {1})
                self.assertGreater(len({md5 for _, md5 in runs.frame_hashes(joined)}), 0.95 * len(numbers))

    def test_the_end_is_told_when_the_plan_is_longer_than_the_source(self):
        video = self.video(CLIP)
        rung = video.rung(180, 23, 0, 0, 30, "veryfast")
        video.frames = 175                  # the plan believes in another second
        made = self.encode(video, video.video_job(2, 2, [rung], segment_gops=1))
        self.assertEqual(made["end"], 150)
        self.assertEqual([s["frames"] for s in made["renditions"][0]["segments"]], [50])
        beyond = self.encode(video, {**video.video_job(3, 1, [rung], segment_gops=1)})
        self.assertEqual(beyond["end"], 150)
        self.assertFalse(beyond["renditions"][0].get("segments"))

    def test_a_decided_length_is_filled_with_the_last_picture(self):
        video = self.video(CLIP)
        rung = video.rung(180, 23, 0, 0, 30, "veryfast")
        video.frames = 160
        self.encode(video, video.video_job(2, 2, [rung], segment_gops=1, pad=True))
        numbers, _ = make.read_numbers(video.joined(rung["dir"], self.path("pad.mp4")), rung["width"], rung["height"])
        self.assertEqual(numbers, list(range(100, 150)) + [149] * 10)


class SoundRuns(RunTest):
    def audio(self, video, first, counts, number=1):
        segments = [{"number": number + i, "frames": n} for i, n in enumerate(counts)]
        return self.encode(video, video.audio_job(video.sounds[0], first, segments))

    def test_picture_and_sound_stay_together(self):
        for name, how in {"s.mp4": {}, "s.mkv": dict(audio=("-c:a", "flac")), "s.ts": dict(audio=("-c:a", "mp2")),
                          "s.mov": dict(audio=("-c:a", "pcm_s16le", "-ar", "44100"))}.items():
            with self.subTest(name):
                path = self.path(name)
                make.clip(path, 6, **how)
                video = self.video(path)
                rung = video.rung(180, 20, 0, 0, 30, "veryfast")
                self.encode(video, video.video_job(0, 3, [rung]))
                self.audio(video, 0, [94, 94, 94])
                _, flashes = make.read_numbers(video.joined(rung["dir"], self.path("v.mp4")), rung["width"], rung["height"])
                track = video.joined(f"a/aac-{video.sounds[0]['index']}", self.path("a.mp4"))
                self.check_timeline(track, runs.AAC, "a:0")
                heard = make.clicks(make.read_samples(track))
                self.assertEqual(len(heard), len(flashes))
                for frame, click in zip(flashes, heard):
                    self.assertLess(abs(click / make.RATE - frame / 25), 0.001)

    def test_runs_of_sound_join_as_if_encoded_at_once(self):
        for name, how in {"j.mp4": {}, "j.mkv": dict(audio=("-c:a", "libopus")), "j.webm": dict(video=("-c:v", "libvpx"), audio=("-c:a", "libvorbis")),
                          "j.mov": dict(audio=("-c:a", "pcm_s16le", "-ar", "44100")),
                          "odd.mp4": dict(more=("-bsf:a", "setts=ts=PTS+91*min(N\\,3)"))}.items():     # the first three are longer than they are
            with self.subTest(name):
                path = self.path(name)
                make.clip(path, 6, **how)
                whole, parts = self.video(path), self.video(path)
                self.audio(whole, 0, [94, 94, 93])
                for first, number in ((94, 2), (0, 1), (188, 3)):
                    self.audio(parts, first, [93 if number == 3 else 94], number)
                track = f"a/aac-{whole.sounds[0]['index']}"
                one = make.read_samples(whole.joined(track, self.path("one.mp4")))
                many = make.read_samples(parts.joined(track, self.path("many.mp4")))
                self.assertEqual(len(one), len(many))
                self.check_joins(path, one, many, [94 * 1024, 188 * 1024])
                self.assertLess(max(abs(a - b) for a, b in zip(one, many)), 0.05)     # no run begins elsewhere than another ends: clicks are at .8

    def check_joins(self, path, one, many, joins):
        """Against the source, joins of many runs are no further off than one run is there."""
        source = make.read_samples(path)
        for at in joins:
            window = range(at - 2048, min(at + 2048, len(one), len(source)))
            off = lambda made: math.sqrt(sum((made[i] - source[i]) ** 2 for i in window) / len(window))
            self.assertLess(off(many), 1.5 * off(one) + 0.0005)

    def test_a_loud_tone_stays_a_tone(self):
        """Numbers too large for AAC are cut, and make of it what a sawtooth makes."""
        for hertz in (60, 1000, 5000):
            with self.subTest(hertz):
                path = self.path(f"{hertz}.mka")
                subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"aevalsrc=.8*sin(2*PI*{hertz}*t):c=mono:d=4:s=48000", "-c:a", "flac",
                                path], check=True)
                video = self.video(path)
                self.audio(video, 0, [94, 93])
                made, source = make.read_samples(video.joined(f"a/aac-{video.sounds[0]['index']}", self.path("tone.mp4"))), make.read_samples(path)
                middle = range(9600, 180000)
                self.assertLess(sum((made[i] - source[i]) ** 2 for i in middle), 1e-3 * sum(source[i] ** 2 for i in middle))      # 30 dB

    def test_the_end_of_sound_is_told(self):
        video = self.video(CLIP)
        made = self.encode(video, video.audio_job(video.sounds[0], 188, [{"number": 3, "frames": 188}]))
        self.assertEqual(made["end"], 282)
        self.assertEqual(made["renditions"][0]["segments"][0]["frames"], 94)


    def test_a_run_behind_the_end_of_sound_is_empty_or_silent(self):
        for name, how in {"e.mp4": {}, "e.mkv": dict(audio=("-c:a", "libopus")), "e.mp3": {}}.items():
            with self.subTest(name):
                film, path = self.path("e.film.mkv"), self.path(name)
                make.clip(film, 6)
                if name.endswith("mp3"):
                    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", film, "-vn", "-c:a", "libmp3lame", path], check=True)
                else:
                    make.clip(path, 6, **how)
                for first in (283, 300, 900):
                    video = self.video(path)
                    job = video.audio_job(video.sounds[0], first, [{"number": 4, "frames": 94}])
                    made = self.encode(video, job)
                    self.assertIn(made["end"], (281, 282, 283, 284))
                    self.assertFalse(made["renditions"][0].get("segments"))
                    made = self.encode(video, {**job, "pad": True})
                    self.assertEqual([s["frames"] for s in made["renditions"][0]["segments"]], [94])


class Arriving(RunTest):
    def test_a_probe_of_an_index_at_the_end_tells_where_it_lies(self):
        path = self.path("tail.mp4")
        make.clip(path, 6)
        video = runs.Video(self.store, path, complete=False, grow=20000)
        answer = video.probe(DRIVE_WAIT_MS="200")
        self.assertEqual(answer["end"], "wait")
        self.assertGreater(answer["offset"], 20000)

    def test_a_run_whose_bytes_are_missing_is_handed_back(self):
        path = self.path("head.mkv")
        make.clip(path, 6)
        size = os.path.getsize(path)
        video = runs.Video(self.store, path, complete=False, grow=size // 2)
        self.assertEqual(video.probe(DRIVE_WAIT_MS="200")["end"], "done")
        video.plan()
        video.frames = 150
        rung = video.rung(180, 23, 0, 0, 30, "veryfast")
        self.encode(video, video.video_job(0, 1, [rung], segment_gops=1))
        late = video.encode(video.video_job(2, 1, [rung], segment_gops=1), DRIVE_WAIT_MS="200")
        self.assertEqual(late["end"], "wait")
        self.assertGreaterEqual(late["offset"], size // 2)

    def test_a_run_in_the_middle_of_what_still_arrives(self):
        for name, more in {"m.mkv": (), "m.ts": (), "m.mp4": ("-movflags", "+faststart"),
                           "m.frag.mp4": ("-movflags", "frag_keyframe+empty_moov")}.items():
            with self.subTest(name):
                path = self.path(name)
                make.clip(path, 8, more=more)
                video = runs.Video(self.store, path, complete=False, grow=os.path.getsize(path) * 9 // 10, length=0)
                self.assertEqual(video.probe(DRIVE_WAIT_MS="200")["end"], "done")
                video.frames = 200
                rung = video.rung(180, 20, 0, 0, 30, "veryfast")
                for first in (2, 1, 0):
                    self.encode(video, video.video_job(first, 1, [rung], segment_gops=1))
                self.check_numbers(video.joined(rung["dir"], self.path("m.out.mp4")), rung, shown(path, video.fps)[:150])
                self.encode(video, video.audio_job(video.sounds[0], 188, [{"number": 3, "frames": 94}]))

    def test_a_run_begins_to_read_at_a_keyframe_that_a_run_before_it_passed(self):
        """What lies between the head and that keyframe is taken away: reading it would wait."""
        for name in ("marks.mkv", "marks.webm", "marks.ts"):
            with self.subTest(name):
                path = self.path(name)
                make.clip(path, 24, more=("-c:v", "libvpx", "-c:a", "libvorbis", "-cpu-used", "8", "-deadline", "realtime",
                                          "-g", "50") if name.endswith("webm") else ("-g", "50"))
                video = runs.Video(self.store, path, complete=False, grow=os.path.getsize(path) - 1, length=0)
                self.assertEqual(video.probe(DRIVE_WAIT_MS="200")["end"], "done")
                video.frames = 600
                rung = video.rung(180, 20, 0, 0, 30, "veryfast")
                marks = self.encode(video, video.video_job(0, 9, [rung], segment_gops=1))["marks"]
                self.assertGreaterEqual(len(marks), 9)
                whole = video.source["parts"][0]
                start = max(m["offset"] for m in marks if m["time_us"] <= 15_000_000)
                video.source["parts"] = [{**whole, "length": start // 2, "growing": False}]
                job = video.video_job(9, 1, [rung], segment_gops=1)
                self.assertEqual(video.encode(job, DRIVE_WAIT_MS="200")["end"], "wait")
                part = os.path.join(self.folder, "part")
                with open(path, "rb") as f, open(part, "wb") as out:
                    f.seek(start)
                    out.write(f.read())
                blob = f"raw/{video.id}/behind"
                self.store.put(blob, part)
                video.source["parts"].append({"offset": start, "length": os.path.getsize(part), "blob": blob})
                self.encode(video, {**job, "parts": video.source["parts"], "marks": marks})
                sound = {**video.audio_job(video.sounds[0], 17 * 47, [{"number": 9, "frames": 94}]), "marks": marks}
                self.encode(video, sound)
                self.check_numbers(video.joined(rung["dir"], self.path("m.out.mp4")), rung, shown(path, video.fps)[:500])

    def test_a_deleted_original_ends_the_run(self):
        video = self.video(CLIP)
        job = video.video_job(0, 1, [video.rung(180, 23, 0, 0, 30, "veryfast")])
        shutil.rmtree(os.path.join(self.store.folder, "raw", video.id))
        self.assertEqual(video.encode(job)["end"], "gone")


class StillRuns(RunTest):
    """GOPs that killed a worker are not decoded: the picture before them stays up, and time goes on."""

    def test_the_picture_before_stays_up(self):
        path = self.path("still.mp4")
        make.clip(path, seconds=8, video=("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-sc_threshold", "0"))
        numbers = list(range(200))
        for still, expected in ((0b0010, numbers[:50] + [49] * 50 + numbers[100:]),
                                (0b0001, [50] * 50 + numbers[50:]),             # the first that there is, from the start on
                                (0b1000, numbers[:150] + [149] * 50),
                                (0b1111, [0] * 200)):                           # black
            with self.subTest(bin(still)):
                video = self.video(path)
                rung = video.rung(180, 23, 0, 0, 30, "veryfast")
                made = self.encode(video, video.video_job(0, 4, [rung]), DRIVE_STILL=str(still))
                self.assertEqual(made["end"], 200)
                self.assertEqual(made["damaged"], 50 * bin(still).count("1"))
                joined = video.joined(rung["dir"], self.path("still-joined.mp4"))
                self.assertEqual(self.check_timeline(joined, 1), 200)
                self.check_numbers(joined, rung, expected)


class CopiedRuns(RunTest):
    """A rendition that is the source's own packets."""

    def source(self, name, *x264):
        path = self.path(name)
        make.clip(path, seconds=8 if name == "far.mp4" else 5, video=("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-sc_threshold", "0", *x264))
        return path

    def copy(self, video, gop):
        shape = video.picture["video"]
        return {"dir": "v/source", "width": shape["width"], "height": shape["height"], "copy_gop": gop}

    def test_every_picture_is_the_source_s_own(self):
        path = self.source("own.mp4", "-g", "25")
        video = self.video(path)
        shape = video.picture["video"]
        self.assertEqual((shape["copy_gop"], shape["copy_frames"]), (25, 125))
        for first, gops in ((1, 1), (0, 1), (2, 1)):     # in any order
            made = self.encode(video, video.video_job(first, gops, [self.copy(video, 25)], segment_gops=1, pad=True))
            self.assertEqual(made["renditions"][0]["codec"], "avc1.64000c")
            self.assertEqual([g["frames"] for g in made["renditions"][0]["segments"][0]["gops"]], [25] * (2 if first < 2 else 1))
        joined = video.joined("v/source", self.path("own-joined.mp4"))
        self.assertEqual(self.check_timeline(joined, 1), 125)
        self.assertEqual([h for _, h in runs.frame_hashes(joined)], [h for _, h in runs.frame_hashes(path)])

    def test_times_in_whole_numbers_that_drift_are_the_grid_s(self):
        path = self.source("drift.mp4", "-g", "25", "-bf", "0", "-bsf:v", "setts=ts=N*40003:time_base=1/1000000",
                           "-video_track_timescale", "1000000")
        shape = self.video(path).picture["video"]
        self.assertEqual((shape["copy_gop"], shape["copy_frames"]), (25, 125))

    def test_what_is_not_so_is_refused(self):
        """The sample table says that it may be copied, and the packets say otherwise."""
        open_gop = self.video(self.source("open.mp4", "-g", "50", "-x264-params", "open-gop=1"))
        steady = self.video(self.source("steady.mp4", "-g", "50"))
        for video, gop in ((open_gop, 50), (steady, 25)):
            answer = video.encode(video.video_job(0, 2, [self.copy(video, gop)], segment_gops=1, pad=True))
            self.assertEqual(answer["end"], "refused", answer["reason"])
            self.assertIn("cannot be copied", answer["reason"])

    def test_what_cannot_be_copied_is_found_out_before(self):
        for name, x264 in (("far.mp4", ("-g", "250")), ("own.mkv", ("-g", "25")), ("uneven.mp4", ("-force_key_frames", "0,1,3")),
                           ("422.mp4", ("-g", "25", "-vf", "format=yuv422p")),
                           ("wide.mp4", ("-g", "25", "-vf", "format=yuv420p,setsar=4/3"))):
            with self.subTest(name):
                video = self.video(self.source(name, *x264))
                self.assertEqual(video.picture["video"].get("copy_gop", 0), 0)


class Posters(RunTest):
    def test_a_poster_is_a_jpeg_in_its_box(self):
        video = self.video(CLIP)
        images = [{"name": "poster.jpg", "max_width": 1280, "max_height": 720},
                  {"name": "small.jpg", "max_width": 160, "max_height": 160}]
        made = self.encode(video, {**video.base(), "run": 1, "kind": "poster", "track": video.picture["index"], "at_ms": 1500,
                                   "images": images})
        self.assertEqual([(i["width"], i["height"]) for i in made["images"]], [(320, 180), (160, 90)])
        for image in made["images"]:
            data = self.store.read(image["object"]["name"])
            self.assertEqual((data[:2], data[-2:]), (b"\xff\xd8", b"\xff\xd9"))


if __name__ == "__main__":
    unittest.main()
