"""Makes the clips that the tests of transcode stand on; nothing in them was ever filmed or recorded.

    python3 tests/media/make.py            writes tests/media/counter.mp4, the one that is kept in the tree
    from make import clip                  for tests that want other lengths, rates, codecs or containers

Each picture shows its number as a row of 16 squares (white is 1, the least significant at the left) over a moving
ramp. Every second the lower half is white for one picture, and at exactly that moment the sound, a soft tone,
begins a click of 1 kHz. FFmpeg's command line packs them. The clips are CC0: see LICENCE beside this file.
"""
import array
import fractions
import math
import os
import subprocess
import sys
import tempfile
import wave

BITS, RATE = 16, 48000
CLICK_SAMPLES = 480


def picture(n, fps, width, height):
    """One grey picture: number above, ramp below, white where a second begins (but the first)."""
    square, rows = width // BITS, []
    top = bytearray()
    for bit in range(BITS):
        top += bytes([235 if n >> bit & 1 else 16]) * square
    top += bytes([16]) * (width - len(top))
    flash = is_flash(n, fps)
    for y in range(height):
        if y < height // 4:
            rows.append(bytes(top))
        elif flash and y >= height // 2:
            rows.append(bytes([235]) * width)
        else:
            rows.append(bytes((40 + (x * 2 + y + n * 3) % 120) for x in range(width)))
    return b"".join(rows)


def flash_frames(fps, seconds):
    return [math.ceil(s * fps) for s in range(1, int(seconds))]


def is_flash(n, fps):
    return n > 0 and n == math.ceil(round(n / fps) * fps)


def sound(fps, seconds):
    samples = array.array("h", (int(1200 * math.sin(2 * math.pi * 220 * i / RATE)) for i in range(int(seconds * RATE))))
    for n in flash_frames(fps, seconds):
        at = round(fractions.Fraction(n) / fps * RATE)
        for i in range(min(CLICK_SAMPLES, len(samples) - at)):
            samples[at + i] = int(26000 * math.sin(2 * math.pi * 1000 * (i + 0.25) / RATE))
    return samples


def clip(path, seconds=8, fps=fractions.Fraction(25), width=320, height=180, video=("-c:v", "libx264", "-preset", "veryfast",
         "-crf", "18", "-g", "37", "-bf", "2"), audio=("-c:a", "aac", "-b:a", "96k"), more=()):
    """Writes the clip and answers how many pictures it has."""
    fps = fractions.Fraction(fps)
    count = int(seconds * fps)
    with tempfile.TemporaryDirectory() as folder:
        wav = os.path.join(folder, "sound.wav")
        with wave.open(wav, "wb") as w:
            w.setparams((1, 2, RATE, 0, "NONE", ""))
            w.writeframes(sound(fps, seconds).tobytes())
        argv = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(fps),
                "-i", "-", *(["-i", wav] if audio else []), "-vf", "scale=in_range=limited:out_range=limited,format=yuv420p",
                "-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
                *video, *audio, "-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", *more, path]
        with subprocess.Popen(argv, stdin=subprocess.PIPE) as ffmpeg:
            for n in range(count):
                ffmpeg.stdin.write(picture(n, fps, width, height))
            ffmpeg.stdin.close()
            if ffmpeg.wait():
                raise SystemExit(f"{path}: ffmpeg failed")
    return count


def two_languages(path, seconds=20, size="1280x720", tones=(440, 1320)):
    """A moving test picture, and a tone for each of two languages."""
    sounds = [w for hz in tones for w in ("-f", "lavfi", "-i", f"sine=frequency={hz}:sample_rate=48000:duration={seconds}")]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}", *sounds,
                    "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-preset", "superfast", "-g", "50", "-sc_threshold", "0",
                    "-pix_fmt", "yuv420p", "-c:a", "aac", "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra", path], check=True)


def read_numbers(path, width, height):
    """The numbers that the pictures of a file show, in order, and which of them flash."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vsync", "passthrough", "-f", "rawvideo",
                          "-pix_fmt", "gray", "-"], capture_output=True, check=True).stdout
    numbers, flashes = [], []
    for at in range(0, len(raw), width * height):
        row = raw[at + (height // 8) * width:][:width]
        numbers.append(sum(1 << b for b in range(BITS) if row[b * width // BITS + width // BITS // 2] > 125))
        if raw[at + (height * 3 // 4) * width + width // 2] > 200:
            flashes.append(len(numbers) - 1)
    return numbers, flashes


def read_samples(path, rate=RATE):
    """One channel of what a file sounds like, as floats."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-ac", "1", "-ar", str(rate), "-"],
                         capture_output=True, check=True).stdout
    return array.array("f", raw)


def clicks(samples, threshold=0.3):
    """The samples at which clicks begin."""
    found, quiet_until = [], 0
    for i, v in enumerate(samples):
        if i >= quiet_until and abs(v) > threshold:
            found.append(i)
            quiet_until = i + RATE // 4
    return found


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    print(clip(os.path.join(here, "counter.mp4"), 6, more=("-movflags", "+faststart")), "pictures")
    sys.exit(0)
