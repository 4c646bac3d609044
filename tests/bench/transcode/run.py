"""Our ladder against FFmpeg's command line doing the same work: wall time, CPU, memory, bits and SSIM of each rung.

    ops/bench transcode [--clip FILE]... [--rounds N] [--json]

Both encode the same rungs with the same presets, rate factors, caps and frame rates, and the sound; in turn, in the
same run of this program, so that the machine's mood is shared. Ours pays for everything it pays for in production:
probe, jail, one worker per run of 15 GOPs (30 s), checks and the store. The command line is the one that the usual
platforms run (one process, one decode, split, scale, x264 for each rung, HLS segments), with its outputs kept as they
are. Without --clip a synthetic clip of 1080p30 is made; give real films for figures that mean something.
"""
import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "media"))
import runs

RUN_GOPS = 15


def measured(work):
    """Wall and CPU seconds of work(), which runs children and waits for them."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.monotonic() - start, "cpu": cpu, **(result or {})}


def ours(path, folder):
    store = runs.Store(os.path.join(folder, "store"))
    video = runs.Video(store, path)
    peaks = [0]

    def encode(job):
        answer = video.encode(job)
        assert answer["end"] == "done", answer["reason"]
        peaks.append(answer["peak_kb"])

    def sound():
        frames = math.ceil(video.frames / video.fps * 48000 / runs.AAC)
        encode(video.audio_job(video.sounds[0], 0, [{"number": 1, "frames": frames}], pad=True))

    def all_runs():
        assert video.probe()["end"] == "done", store.last.stderr
        beside = threading.Thread(target=sound)     # two jobs in hand, as a parent has them
        if video.sounds:
            beside.start()
        gops = math.ceil(video.frames / video.gop)
        for gop in range(0, gops, RUN_GOPS):
            encode(video.video_job(gop, min(RUN_GOPS, gops - gop), video.rungs(), pad=True))
        if video.sounds:
            beside.join()

    result = measured(all_runs)
    rungs = {r["dir"]: video.joined(r["dir"], os.path.join(folder, r["dir"].replace("/", "-") + ".mp4")) for r in video.rungs()}
    return video, {**result, "peak_mb": max(peaks) / 1024, "rungs": rungs}


def first_seconds(path, folder):
    """Wall seconds from a file that is there to its first two seconds at 360p with sound, in the store."""
    video = runs.Video(runs.Store(os.path.join(folder, "store")), path)
    start = time.monotonic()
    video.probe()
    rung = next((r for r in video.rungs() if r["dir"].endswith("-360")), video.rungs()[-1])
    video.encode(video.video_job(0, 1, [rung], segment_gops=1))
    if video.sounds:
        video.encode(video.audio_job(video.sounds[0], 0, [{"number": 1, "frames": 94}]))
    return time.monotonic() - start


def command_line(path, video, folder):
    """The usual command, with this video's rungs."""
    rungs, n = video.rungs(), len(video.rungs())
    chains = [f"[0:v:0]split={n}" + "".join(f"[s{i}]" for i in range(n))]
    for i, r in enumerate(rungs):
        rate = f"fps={video.fps / r['fps_div']}," if r["fps_div"] > 1 else ""
        chains.append(f"[s{i}]{rate}scale={r['width']}:{r['height']}:flags=bicubic[v{i}]")
    argv = ["ffmpeg", "-y", "-v", "error", "-i", path, "-filter_complex", ";".join(chains)]
    for i in range(n):
        argv += ["-map", f"[v{i}]"]
    if video.sounds:
        argv += ["-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000"]
    argv += ["-c:v", "libx264", "-profile:v", "high", "-pix_fmt", "yuv420p", "-sc_threshold", "0",
             "-force_key_frames", "expr:gte(t,n_forced*2)"]
    for i, r in enumerate(rungs):
        gop = str(video.gop // r["fps_div"])
        argv += [f"-preset:v:{i}", r["preset"], f"-crf:v:{i}", str(r["crf"]), f"-g:v:{i}", gop, f"-keyint_min:v:{i}", gop,
                 f"-maxrate:v:{i}", f"{r['maxrate_kbps']}k", f"-bufsize:v:{i}", f"{r['bufsize_kbps']}k"]
    streams = " ".join((["a:0,agroup:aud,name:audio"] if video.sounds else []) +
                       [f"v:{i}{',agroup:aud' if video.sounds else ''},name:{i}" for i in range(n)])
    argv += ["-f", "hls", "-hls_time", "6", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_flags",
             "independent_segments", "-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", f"{folder}/%v/seg_%05d.m4s",
             "-master_pl_name", "master.m3u8", "-var_stream_map", streams, f"{folder}/%v/index.m3u8"]
    return argv


def theirs(path, video, folder):
    os.makedirs(folder)
    log = os.path.join(folder, "rusage")
    argv = ["/usr/bin/env", "python3", "-c",
            "import resource, subprocess, sys; code = subprocess.call(sys.argv[2:]);"
            "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)",
            log, *command_line(path, video, folder)]
    result = measured(lambda: subprocess.run(argv, check=True) and None)
    with open(log, encoding="ascii") as f:
        peak = int(f.read()) / 1024
    rungs = {}
    for i, r in enumerate(video.rungs()):
        rungs[r["dir"]] = joined = os.path.join(folder, f"{i}.mp4")
        with open(joined, "wb") as out:
            inits = sorted(f for f in os.listdir(f"{folder}/{i}") if f.startswith("init"))
            for name in [*inits, *sorted(f for f in os.listdir(f"{folder}/{i}") if f.endswith(".m4s"))]:
                with open(f"{folder}/{i}/{name}", "rb") as f:
                    out.write(f.read())
    return {**result, "peak_mb": peak, "rungs": rungs}


def to_709(video):
    """Our output is BT.709, limited range, whatever the source was: so must be what it is compared with."""
    shape = video.picture["video"]
    large = shape["height"] >= 720 or shape["width"] >= 1280
    matrix = {1: "709", 2: "709" if large else "470bg"}.get(shape["matrix"], "470bg")
    if matrix == "709" and not shape.get("full_range"):
        return ""
    return f"zscale=matrixin={matrix}:rangein={'full' if shape.get('full_range') else 'limited'}:matrix=709:range=limited,"


def quality(made, source, rung, fps, colour=""):
    """SSIM (dB) of a rung against the source at the rung's own size."""
    rate = fps / rung["fps_div"]
    graph = (f"[0:v]settb=1/1000,setpts=N[a];[1:v]fps={rate},{colour}scale={rung['width']}:{rung['height']}:flags=bicubic,"
             "format=yuv420p,settb=1/1000,setpts=N[b];[a][b]ssim=shortest=1")
    done = subprocess.run(["ffmpeg", "-hide_banner", "-i", made, "-i", source, "-filter_complex", graph, "-f", "null", "-"],
                          capture_output=True, text=True)
    found = re.search(r"SSIM .*All:[0-9.]+ \(([0-9.]+|inf)\)", done.stderr)
    return float(found[1]) if found else float("nan")


def bench(path, rounds):
    best = {}
    with tempfile.TemporaryDirectory(prefix="kinobus-bench-") as folder:
        for turn in range(rounds):
            mine = os.path.join(folder, f"ours{turn}")
            video, a = ours(path, mine)
            b = theirs(path, video, os.path.join(folder, f"theirs{turn}"))
            for name, one in (("ours", a), ("ffmpeg", b)):
                if name not in best or one["wall"] < best[name]["wall"]:
                    best[name] = one
        seconds = float(video.frames / video.fps)
        for name, one in best.items():
            colour = to_709(video) if name == "ours" else ""
            one["kbps"] = {d: os.path.getsize(p) * 8 / 1000 / seconds for d, p in one["rungs"].items()}
            one["ssim"] = {r["dir"]: quality(one["rungs"][r["dir"]], path, r, video.fps, colour) for r in video.rungs()}
            del one["rungs"]
        first = min(first_seconds(path, os.path.join(folder, f"first{i}")) for i in range(3))
    return {"clip": os.path.basename(path), "seconds": seconds, "first_seconds_after": first, **best}


def show(result):
    a, b = result["ours"], result["ffmpeg"]
    print(f"{result['clip']}: {result['seconds']:.1f} s of video")
    print(f"  {'':10} {'wall s':>8} {'cpu s':>8} {'peak MB':>8}")
    for name in ("ours", "ffmpeg"):
        print(f"  {name:10} {result[name]['wall']:8.2f} {result[name]['cpu']:8.2f} {result[name]['peak_mb']:8.0f}")
    print(f"  {'ratio':10} {a['wall'] / b['wall']:8.2f} {a['cpu'] / b['cpu']:8.2f} {a['peak_mb'] / b['peak_mb']:8.2f}")
    print(f"  first 2 s at 360p with sound are there after {result['first_seconds_after']:.2f} s")
    for rung in a["kbps"]:
        print(f"  {rung:12} kbit/s {a['kbps'][rung]:7.0f} : {b['kbps'][rung]:7.0f}   SSIM dB {a['ssim'][rung]:6.2f} : {b['ssim'][rung]:6.2f}")


def synthetic(folder):
    path = os.path.join(folder, "synthetic-1080p30.mp4")
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", "mandelbrot=s=1920x1080:r=30", "-f", "lavfi", "-i",
                    "sine=r=48000", "-t", "12", "-vf", "noise=alls=8:allf=t", "-c:v", "libx264", "-preset", "superfast", "-crf", "18",
                    "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-c:a", "aac", path], check=True)
    return path


def main():
    parser = argparse.ArgumentParser(prog="transcode", description=__doc__.split("\n")[0])
    parser.add_argument("--clip", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinobus-bench-clip-") as folder:
        results = [bench(path, args.rounds) for path in args.clip or [synthetic(folder)]]
    for result in results:
        if args.json:
            print(json.dumps(result))
        else:
            show(result)


if __name__ == "__main__":
    main()
