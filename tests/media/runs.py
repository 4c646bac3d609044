"""Probes and encodes files with a real worker and a real store, by tests/media/drive.c; plans as a catalog might."""
import base64
import fractions
import json
import os
import subprocess
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.environ.get("KINOBUS_OUT", os.path.join(TOP, "build"))
DRIVE = os.path.join(OUT, "tools/transcode-drive")
WORKER = os.path.join(OUT, "bin/kinobus-worker")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
AAC = 1024

LADDER = [  # short side, crf, cap (30 fps and below, above), level, preset
    (1080, 23, 6000, 8500, 40, "veryfast"), (720, 23, 3300, 4800, 31, "veryfast"), (480, 23.5, 1500, 1500, 31, "faster"),
    (360, 24, 850, 850, 30, "fast"), (240, 25, 400, 400, 21, "medium"),
]


def type_id(prefix):
    value = int.from_bytes(uuid.uuid4().bytes, "big")
    return prefix + "_" + "".join(ALPHABET[value >> 5 * i & 31] for i in reversed(range(26)))


class Store:
    """A store of media objects in a folder, and the jobs that work on it."""

    def __init__(self, folder, env=None):
        self.folder, self.env, self.last = str(folder), dict(env or {}), None
        os.makedirs(self.folder, exist_ok=True)

    def command(self, *args, job=None, **env):
        return subprocess.run([DRIVE, WORKER, self.folder, *args], input=json.dumps(job) if job is not None else "",
                              capture_output=True, text=True, env={**os.environ, **self.env, **env})

    def put(self, name, path, grow=0):
        done = self.command("put", name, str(path), *([str(grow)] if grow else []))
        assert done.returncode == 0, done.stderr

    def job(self, verb, job, **env):
        self.last = self.command(verb, job=job, **env)
        assert self.last.stdout, self.last.stderr
        return json.loads(self.last.stdout)

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as f:
            return f.read()


class Video:
    """One original in a store: its probe, and runs on the grid that the probe suggests."""

    def __init__(self, store, path, name="part", complete=True, grow=0, length=None):
        self.store, self.id, self.version = store, type_id("video"), 1
        self.prefix = f"media/{self.id}/1"
        blob = f"raw/{self.id}/{name}"
        store.put(blob, path, grow)
        size = os.path.getsize(path)
        self.source = {"parts": [{"offset": 0, "length": grow or size, "blob": blob, "growing": bool(grow)}],
                       "length": size if length is None else length, "complete": complete}
        self.runs = 0

    def base(self):
        return {"video_id": self.id, "version": self.version, "prefix": self.prefix, **self.source}

    def probe(self, **env):
        answer = self.store.job("probe", self.base(), **env)
        self.info = answer.get("result")
        if self.info and self.info.get("outcome") == "ok":
            self.plan()
        return answer

    def plan(self):
        tracks = self.info["tracks"]
        self.picture = tracks[self.info["video_track"]] if "video_track" in self.info else None
        self.sounds = [t for t in tracks if t.get("kind") == "audio" and t.get("usable")]
        if not self.picture:
            return
        video = self.picture["video"]
        fps = fractions.Fraction(video.get("fps_num") or 25, video.get("fps_den") or 1)
        while fps > 60:
            fps /= 2
        self.fps = fps.limit_denominator(1001)
        self.gop = max(2, round(2 * self.fps / 2) * 2)
        self.frames = max(1, round(self.fps * self.picture.get("duration_ms", 0) / 1000))

    def rung(self, short, crf, cap, cap_fast, level, preset):
        video = self.picture["video"]
        width, height = video["display_width"], video["display_height"]
        scale = min(1, short / min(width, height))
        fast = self.fps > 40
        return {"dir": f"v/h264-{short}", "width": max(2, round(width * scale / 2) * 2),
                "height": max(2, round(height * scale / 2) * 2), "fps_div": 2 if fast and short <= 480 else 1, "crf": crf,
                "maxrate_kbps": cap_fast if fast else cap, "bufsize_kbps": cap_fast if fast else cap, "level": 0,
                "preset": preset}

    def rungs(self, most=1080):
        short = min(self.picture["video"]["display_width"], self.picture["video"]["display_height"])
        fit = [r for r in LADDER if r[0] <= most and r[0] <= short]
        return [self.rung(*r) for r in fit or LADDER[-1:]]

    def copied(self):
        """The top rung as the source's own packets, where the catalog would plan it so; else None."""
        video, top = self.picture["video"], self.rungs()[0]
        gop = video.get("copy_gop")
        fits = (gop and self.gop % gop == 0 and video["copy_frames"] == self.frames and video["copy_kbps"] <= top["maxrate_kbps"]
                and (top["width"], top["height"], top["fps_div"]) == (video["width"], video["height"], 1) and len(self.rungs()) > 1)
        return {**top, "copy_gop": gop} if fits else None

    def video_job(self, first_gop, gops, rungs, segment_gops=3, last=False, **more):
        """Runs are whole segments: segment_gops GOPs each, the last one what is left of the plan."""
        self.runs += 1
        first, segments, number = first_gop * self.gop, [], first_gop // segment_gops + 1
        end = min(self.frames, (first_gop + gops) * self.gop) if not last else self.frames
        at = first
        while at < end:
            n = min(segment_gops * self.gop, end - at)
            segments.append({"number": number, "frames": n})
            at, number = at + n, number + 1
        return {**self.base(), "run": self.runs, "kind": "video", "track": self.picture["index"], "fps_num": self.fps.numerator,
                "fps_den": self.fps.denominator, "gop": self.gop, "first": first, "segments": segments, "renditions": rungs,
                "deinterlace": "frame" if self.picture["video"].get("interlaced") else "off", **more}

    def audio_job(self, track, first, segments, **more):
        self.runs += 1
        return {**self.base(), "run": self.runs, "kind": "audio", "track": track["index"], "first": first, "rate": 48000,
                "channels": 2, "quality": 1.0, "segments": segments, "renditions": [{"dir": f"a/aac-{track['index']}"}], **more}

    def encode(self, job, **env):
        return self.store.job("run", job, **env)

    def joined(self, rendition, path):
        """The init and all segments of a rendition as one file, by their numbers."""
        folder = os.path.join(self.store.folder, self.prefix, rendition)
        with open(path, "wb") as out:
            for name in ["init.mp4", *sorted(n for n in os.listdir(folder) if n.endswith(".m4s"))]:
                with open(os.path.join(folder, name), "rb") as f:
                    out.write(f.read())
        return path


def unhex(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def frame_hashes(path, stream="v:0"):
    """A hash of every decoded frame, by FFmpeg's own command line."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", f"0:{stream}", "-f", "framemd5", "-"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr[-2000:]
    rows = [line.split(",") for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return [(int(r[2]), r[5].strip()) for r in rows]


def packets(path, stream="v:0"):
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_packets", "-of", "json", path],
                          capture_output=True, text=True)
    assert not done.stderr, done.stderr[-2000:]
    return json.loads(done.stdout)["packets"]
