"""Whether a presentation shows and sounds as its original does, by FFmpeg's own decode of both.

Pictures: some frames of the largest rung against those that the original has at their times, upright, in square samples, BT.709;
SSIM of each. Sound: where a piece of the original is found in the rendition."""
import array
import fractions
import glob
import json
import math
import operator
import os
import re
import subprocess
import tempfile

from patience import PATIENCE

FRAMES, RATE = 10, 8000
WINDOW, REACH = 9600, 480           # a piece of 1.2 s, looked for 60 ms to both sides
NEARER = 2e-5                       # of likeness, for each sample further off
LOUD = 0.003                        # what is softer than this cannot be found again


def run(*argv):
    done = subprocess.run(argv, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{' '.join(argv)[:300]}\n{done.stderr.decode(errors='replace')[-600:]}"
    return done.stdout


def ffmpeg(*argv):
    return run("ffmpeg", "-v", "fatal", "-nostdin", "-y", "-threads", "1", *argv)


def streams(path):
    return json.loads(run("ffprobe", "-v", "fatal", "-show_streams", "-of", "json", path))["streams"]


def times(path, track, filters, seconds):
    """When each picture is shown, in seconds."""
    text = ffmpeg("-copyts", "-t", str(seconds), "-i", path, "-map", f"0:v:{track}", *(("-vf", filters) if filters else ()),
                  "-fps_mode", "passthrough", "-enc_time_base", "1/1000000", "-f", "framecrc", "-").decode()
    return [int(line.split(",")[2]) / 1e6 for line in text.splitlines() if line and line[0] != "#"]


def origin(path, track, shown):
    """The moment of the original that is 0 in the presentation; actors/transcode/MEDIA.md, Time."""
    if not shown:
        return 0.0
    there = streams(path)
    starts = [float(s["start_time"]) for s in there if s["codec_type"] == "audio" and "start_time" in s]
    early = shown[0] - min(starts) if starts else 0
    rate = fractions.Fraction([s for s in there if s["codec_type"] == "video"][track]["avg_frame_rate"])
    return shown[0] - (float(round(early * rate) / rate) if early > 0.05 else 0)


def start_of_sound(path):
    return min(float(s.get("start_time", 0)) for s in streams(path) if s["codec_type"] == "audio")


def upright(stream, size, filters):
    """Filters that make of a decoded picture what a rung of that size should show."""
    w, h = size
    matrix = stream.get("color_space", "unknown")
    large = stream["height"] >= 720 or stream["width"] >= 1280
    matrix = "bt709" if matrix == "bt709" or (matrix not in ("smpte170m", "bt470bg") and large) else "bt601"
    if filters.startswith("zscale"):
        return f"{filters},scale={w}:{h}:flags=bicubic"
    full = "pc" if stream.get("color_range") == "pc" or stream.get("pix_fmt", "").startswith("yuvj") else "tv"
    return ",".join(filter(None, (filters, f"scale={w}:{h}:flags=bicubic+accurate_rnd+full_chroma_int:in_color_matrix={matrix}:"
                                           f"out_color_matrix=bt709:in_range={full}:out_range=tv", "format=yuv420p")))


def write(path, track, numbers, before, after, to, seconds):
    chosen = "select='" + "+".join(f"eq(n\\,{n})" for n in numbers) + "'"
    ffmpeg("-t", str(seconds), "-i", path, "-map", f"0:v:{track}", "-vf", ",".join(filter(None, (before, chosen, after))),
           "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", to)


def pictures(original, rung, film, seconds=20):
    """The least SSIM of Y and of U and V, and the frames compared."""
    stream = [s for s in streams(original) if s["codec_type"] == "video"][film.video]
    temporal = film.filters if film.filters.startswith("bwdif") else ""
    spatial = upright(stream, film.size, "" if temporal else film.filters)
    shown = times(original, film.video, temporal, seconds + 1)
    there = len(times(rung, 0, "", seconds))
    zero = origin(original, film.video, shown)
    pairs, step = {}, max(1, there // FRAMES)
    for n in range(0, there, step):
        until = zero + (n + 0.5) / film.fps
        before = [i for i, t in enumerate(shown) if t <= until + 1e-6]
        near = min(abs(t - until) for t in shown)
        if near > 0.003 and n < there - 1:                     # which one is shown is beyond doubt
            pairs[n] = before[-1] if before else 0
    assert pairs, f"{there} frames, none can be compared"
    used = dict.fromkeys(pairs.values())
    with tempfile.TemporaryDirectory(prefix="kinobus-") as folder:
        names = [os.path.join(folder, n) for n in ("source.yuv", "rung.yuv", "pairs.yuv")]
        write(original, film.video, used, temporal, spatial, names[0], seconds + 1)
        write(rung, 0, pairs, "", "", names[1], seconds)
        w, h = film.size
        frame = w * h + 2 * ((w + 1) // 2) * ((h + 1) // 2)
        order = sorted(used)
        with open(names[0], "rb") as f, open(names[2], "wb") as to:
            for n in sorted(pairs):
                f.seek(order.index(pairs[n]) * frame)
                to.write(f.read(frame))
        assert os.path.getsize(names[1]) == os.path.getsize(names[2]), "frames lack"
        raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{w}x{h}", "-i")
        text = ffmpeg(*raw, names[2], *raw, names[1], "-lavfi", "ssim=stats_file=-", "-f", "null", "-").decode()
    rows = [[float(v) for v in re.findall(r"[YUV]:([\d.]+)", line)] for line in text.splitlines() if line.startswith("n:")]
    return min(r[0] for r in rows), min(min(r[1:]) for r in rows), len(rows)


def samples(path, track, zero, *more):
    raw = ffmpeg("-copyts", "-i", path, "-map", f"0:a:{track}", "-af",
                 f"asetpts=PTS-({zero})/TB,aresample={RATE}:async=1:first_pts=0", "-ac", "1", "-f", "f32le", *more, "-")
    return array.array("f", raw)


def found(piece, within):
    """At which sample of `within` the piece is, and how alike they are there (1: the same); of tones, the nearest of those places."""
    weight, best, middle = sum(map(operator.mul, piece, piece)), (-1.0, 0, 0.0), (len(within) - len(piece)) // 2
    for at in range(len(within) - len(piece) + 1):
        part = within[at:at + len(piece)]
        there = sum(map(operator.mul, part, part))
        if there > 0:
            alike = sum(map(operator.mul, piece, part)) / (there * weight) ** 0.5
            best = max(best, (alike - abs(at - middle) * NEARER, at, alike))
    return best[1:]


def sound(original, track, rendition, zero, seconds=40):
    """(seconds that the rendition is late, likeness) of up to two pieces: a loud one early, a loud one late."""
    ours, theirs = samples(rendition, 0, 0.0, "-t", str(seconds)), samples(original, track, zero, "-t", str(seconds))
    n = min(len(ours), len(theirs))
    window = min(WINDOW, n - 2 * REACH)
    if window < RATE // 20:
        return []
    loud = [(sum(map(operator.mul, p, p)) / window, at) for at in range(REACH, n - window - REACH + 1, max(1, window // 2))
            for p in (theirs[at:at + window],)]
    half, told = len(loud) // 2, []
    for part in (loud[:half], loud[half:]):
        power, at = max(part, default=(0, 0))
        if power ** 0.5 >= LOUD:
            where, alike = found(theirs[at:at + window], ours[at - REACH:at + window + REACH])
            told.append(((where - REACH) / RATE, alike))
    return told


def channel(path, track, number, *more):
    """What is in one of its channels, as samples."""
    raw = ffmpeg("-i", path, "-map", f"0:a:{track}", "-af", f"aformat=channel_layouts=5.1,pan=mono|c0=c{number},aresample={RATE}",
                 "-f", "f32le", *more, "-")
    return array.array("f", raw)


def loudness(path):
    """(LUFS, true peak in dB of full scale) as FFmpeg measures them."""
    text = ffmpeg("-i", path, "-map", "0:a:0", "-af", "ebur128=metadata=1:peak=true,ametadata=print:file=-", "-f", "null", "-").decode()
    peaks = [float(p) for p in re.findall(r"lavfi\.r128\.true_peaks_ch\d+=([-\d.]+)", text)]
    return float(re.findall(r"lavfi\.r128\.I=([-\d.]+)", text)[-1]), 20 * math.log10(max(*peaks, LOUD))


class Presentation:
    """The final version of a video in the media store."""

    def __init__(self, state, video):
        versions = glob.glob(os.path.join(state, "blobs", "media", video, "*", "master.m3u8"))
        self.folder = os.path.dirname(max(versions, key=lambda p: int(p.split(os.sep)[-2])))
        with open(os.path.join(self.folder, "master.m3u8"), encoding="utf-8") as f:
            lines = f.read().splitlines()
        self.variants = [(line, after) for line, after in zip(lines, lines[1:]) if line.startswith("#EXT-X-STREAM-INF")]
        self.sounds, self.surrounds = (
            sorted(glob.glob(os.path.join(self.folder, "a", kind, "index.m3u8")),
                   key=lambda p: int(p.split(os.sep)[-2].rsplit("-", 1)[1])) for kind in ("aac-*", "aac6-*"))

    def top(self):
        """(size, rate, playlist) of the largest rung."""
        def size(row):
            return tuple(int(n) for n in re.search(r"RESOLUTION=(\d+)x(\d+)", row[0]).groups())
        row = max(self.variants, key=size)
        return size(row), float(re.search(r"FRAME-RATE=([\d.]+)", row[0])[1]), os.path.join(self.folder, row[1])

    @staticmethod
    def seconds(playlist):
        with open(playlist, encoding="utf-8") as f:
            return float(sum(fractions.Fraction(s) for s in re.findall(r"#EXTINF:([\d.]+)", f.read())))
