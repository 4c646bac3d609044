"""c003: films of every kind become what they are: their size upright, their rate, their pictures, their sounds in step, their
length, and a presentation that breaks no rule; or they are refused with the reason.

Films made here stand for the kinds; with KINOBUS_LONG, every film of the shared test videos is taken where they are."""
import json
import math
import os
import subprocess
import sys
import unittest

for folder in ("harness", "media"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder))
import corpus  # noqa: E402  (the folders must be on the path first)
import likeness  # noqa: E402
from patience import PATIENCE  # noqa: E402
from stage import BIN, CLIP, MEDIA, Stage  # noqa: E402

LONG = bool(os.environ.get("KINOBUS_LONG"))
CLEAN = os.path.join(MEDIA, "clean")
SOUND_LATE, AT_A_TIME = 0.001, 5
TINT = "colorchannelmixer=gg=.7:bb=.3,"       # our clip is grey
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20")

# name: what FFmpeg makes of our own clip (320x180, 25 a second, 6 s), and what the platform makes of that
MADE = {
    "turned.mov": (("-c", "copy", "-metadata:s:v", "rotate=90"), corpus.Film((180, 320), 25, 6)),
    "anamorphic.mkv": (("-vf", "setsar=3/2", *X264, "-c:a", "flac"), corpus.Film((480, 180), 25, 6)),
    "interlaced.ts": (("-vf", "fps=50,scale=640:360,tinterlace=interleave_top,fieldorder=tff,setsar=1", "-c:v", "mpeg2video", "-b:v", "4M",
                       "-flags", "+ilme+ildct", "-c:a", "mp2"), corpus.Film((640, 360), 25, 6, filters="bwdif=send_frame")),
    "tones.mov": (("-vf", TINT + "scale=out_color_matrix=bt2020nc,format=yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
                   "log-level=none", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc", "-c:a", "aac"),
                  corpus.Film((320, 180), 25, 6, **corpus.TONE_MAPPED)),
    "one-keyframe.ts": (("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=-1:scenecut=0:log-level=none", "-c:a", "aac"),
                        corpus.Film((320, 180), 25, 6)),
    "languages.webm": (("-map", "0:v", "-map", "0:a", "-map", "0:a", "-c:v", "libvpx", "-b:v", "1M", "-deadline", "realtime", "-c:a",
                        "libopus", "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra"),
                       corpus.Film((320, 180), 25, 6, 2)),
    "full-range.avi": (("-vf", TINT + "scale=out_range=pc:out_color_matrix=bt601,format=yuvj420p", "-c:v", "mjpeg", "-q:v", "2", "-c:a", "pcm_s16le"),
                       corpus.Film((320, 180), 25, 6)),
    "sound-goes-on.mkv": (("-vf", "trim=end=2", *X264, "-c:a", "aac"), corpus.Film((320, 180), 25, 6)),
    "six-channels.mkv": (("-filter_complex", "[0:a]asplit=2[a][b];[a]pan=mono|c0=c0,asplit=2[l][c];[b]adelay=300:all=1,pan=mono|c0=c0[r];"
                          "sine=60:d=6,volume=12[w];sine=700:d=6,asplit=2[s][t];[l][r][c][w][s][t]join=inputs=6:channel_layout=5.1:"
                          "map=0.0-FL|1.0-FR|2.0-FC|3.0-LFE|4.0-BL|5.0-BR,volume=.5[out]", "-map", "0:v", "-map", "[out]", *X264, "-c:a", "flac"),
                         corpus.Film((320, 180), 25, 6, six=1)),
    "loud.mov": (("-filter_complex", "anoisesrc=c=pink:d=6:a=1:r=48000:seed=7,volume=6dB,aformat=s16:channel_layouts=stereo[out]", "-map", "0:v", "-map", "[out]",
                  "-c:v", "copy", "-c:a", "pcm_s16le"), corpus.Film((320, 180), 25, 6)),     # its peaks are cut
    "sound.mp3": (("-vn", "-c:a", "libmp3lame"), corpus.Film(None, 0, 6)),
}


class Corpus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.alice, cls.running = cls.stage.login(), cls.stage.pids()

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def become(self, films):
        """Uploads them, a few at a time, and looks at each as its encoding ends."""
        tail, waiting, videos = self.stage.tail("catalog.*"), list(films), {}
        while waiting or videos:
            self.alice = self.stage.login()        # for longer than a token is valid
            while waiting and len(videos) < AT_A_TIME:
                path = waiting.pop(0)
                videos[self.alice.upload(path, title=os.path.basename(path), visibility="public")] = path
            m = tail.wait(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_failed") and m["body"]["video_id"] in videos,
                          "end of " + ", ".join(map(os.path.basename, videos.values())))
            video = m["body"]["video_id"]
            self.alice = self.stage.login()
            yield videos.pop(video), video, self.alice.get(f"/api/v1/videos/{video}")
            self.alice.want("DELETE", f"/api/v1/videos/{video}?now=true")

    def look(self, path, film, video, seen):
        self.assertEqual(seen["state"], "ready", seen.get("reason"))
        self.assertFalse(seen.get("damaged"))
        self.assertEqual((seen.get("width", 0), seen.get("height", 0)), film.size or (0, 0))
        made, zero = likeness.Presentation(self.stage.state, video), 0.0
        frame = 1 / film.fps if film.fps else 0.0
        self.assertAlmostEqual(seen["duration_ms"] / 1000, film.seconds, delta=0.1 + frame)
        if film.size:
            size, rate, playlist = made.top()
            self.assertEqual(size, film.size)
            self.assertAlmostEqual(rate, film.fps, delta=0.001)
            self.assertAlmostEqual(made.seconds(playlist), seen["duration_ms"] / 1000, delta=0.05 + frame)
            y, uv, compared = likeness.pictures(path, playlist, film)
            print(f"{os.path.basename(path)}: {compared} pictures, SSIM of Y {y:.3f}, of U and V {uv:.3f}", flush=True)
            self.assertGreaterEqual((y, uv), film.ssim)
            self.assertGreaterEqual(uv, film.ssim[1])
            temporal = film.filters if film.filters.startswith("bwdif") else ""
            zero = likeness.origin(path, film.video, likeness.times(path, film.video, temporal, 2))
        else:
            self.assertFalse(os.path.exists(os.path.join(made.folder, "v")))
            zero = likeness.start_of_sound(path)
        self.assertEqual(len(made.sounds), film.sounds)
        for i, playlist in enumerate(made.sounds):
            for late, alike in likeness.sound(path, i, playlist, zero):
                print(f"{os.path.basename(path)}: sound {i} is {late * 1000:+.2f} ms late, likeness {alike:.3f}", flush=True)
                self.assertLessEqual(abs(late - film.late), SOUND_LATE)
                self.assertGreaterEqual(alike, 0.9)
        self.assertEqual(len(made.surrounds), film.six)
        for i, playlist in enumerate(made.surrounds):
            self.each_channel_in_its_place(path, i, playlist)
        self.keeps_the_rules(made.folder, 47, *((45,) if self.tells_how_loud(video, made) else ()))

    def each_channel_in_its_place(self, path, track, playlist):
        """As loud as in the original, and the same where it can be heard."""
        self.assertEqual(likeness.streams(playlist)[0]["channels"], 6)
        for c in range(6):
            theirs, ours = (likeness.channel(p, t, c, "-t", "20") for p, t in ((path, track), (playlist, 0)))
            strong = [sum(v * v for v in part) / len(part) for part in (theirs, ours)]
            if strong[0] ** 0.5 < likeness.LOUD:
                self.assertLess(strong[1] ** 0.5, 2 * likeness.LOUD, c)
            else:
                self.assertAlmostEqual(strong[1] / strong[0], 1, delta=0.25, msg=f"channel {c}")

    def tells_how_loud(self, video, made):
        """As FFmpeg measures it; False where it can hear nothing: less than 0.4 s, or silence."""
        heard = True
        tracks = [t for t in self.alice.post(f"/api/v1/videos/{video}/playback")["tracks"] if t["kind"] == "audio"]
        self.assertEqual([t["channels"] > 2 for t in tracks], [False] * len(made.sounds) + [True] * len(made.surrounds))
        for track, playlist in zip(tracks, made.sounds + made.surrounds):
            lufs, peak = likeness.loudness(playlist)
            if lufs <= -70:
                self.assertNotIn("loudness", track)
                heard = False
                continue
            print(f"{os.path.basename(playlist)}: {track['loudness']:.2f} LUFS, peak {track['peak']:.1f} dB; FFmpeg: {lufs:.2f}, {peak:.1f}", flush=True)
            self.assertAlmostEqual(track["loudness"], lufs, delta=0.1)
            self.assertAlmostEqual(max(track["peak"], 20 * math.log10(likeness.LOUD)), peak, delta=0.5)
        return heard

    def keeps_the_rules(self, folder, *also):
        run = subprocess.run([os.path.join(BIN, "kinobus"), "validate", "--json", folder], capture_output=True, text=True, timeout=PATIENCE,
                             check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        broken = {r["rule"]: r["findings"] for r in json.loads(run.stdout)["rules"] if r["state"] == "broken" and
                  (r["level"] == "must" or r["rule"] in also)}
        self.assertEqual(broken, {})

    def test_films_made_here(self):
        films = {}
        for name, (how, film) in MADE.items():
            path = os.path.join(self.stage.state, name)
            likeness.ffmpeg("-i", CLIP, *how, path)
            films[path] = film
        for path, video, seen in self.become(films):
            with self.subTest(os.path.basename(path)):
                self.look(path, films[path], video, seen)

    def shared_films(self):
        names = sorted(os.listdir(CLEAN), key=lambda n: os.path.getsize(os.path.join(CLEAN, n)))
        self.assertEqual(set(names), {*corpus.FILMS, *corpus.REFUSED}, "each film has its row")
        for path, video, seen in self.become([os.path.join(CLEAN, n) for n in names]):
            name = os.path.basename(path)
            with self.subTest(name):
                if name in corpus.REFUSED:
                    self.assertEqual(seen["state"], "failed")
                    self.assertIn(corpus.REFUSED[name], seen["reason"])
                else:
                    self.look(path, corpus.FILMS[name], video, seen)
        self.assertEqual(self.stage.pids(), self.running, "a process ended")

    if LONG and os.path.isdir(CLEAN):       # half an hour
        test_shared_films = shared_films


if __name__ == "__main__":
    unittest.main()
