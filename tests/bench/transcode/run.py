"""Our ladder against FFmpeg's command line doing the same work: wall time, CPU, memory, bits and SSIM of each rung.

    ops/bench transcode [--clip FILE]... [--rounds N] [--encode] [--json]

Both encode the same rungs with the same presets, rate factors, caps and frame rates, and the sound; in turn, in the
same run of this program, so that the machine's mood is shared, and as often as --rounds says. Ours pays for everything
it pays for in production: probe, jail, runs as the catalog plans them and as many at a time as there are cores, checks
and the store. The command line is the one that the usual platforms run (one process, one decode, split, scale, x264 for
each rung, HLS segments), with its outputs kept as they are. As in production the top rung is copied from a source that allows it; with --encode it never is. Without --clip a synthetic clip of 1080p30 is made; give
real films for figures that mean something.

With --json: a list of {figure, unit, ours, peer, peer_name, ratio_median, ratio_min, ratio_max, rounds}; ours and peer
are medians, the ratios are of the two of one round. Memory of ours is the sum over the workers that may be there at once.
"""
import argparse
import concurrent.futures
import json
import math
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "media"))
import runs

PEER = "ffmpeg"
LOSSLESS = 100                  # dB
RUN_GOPS = (1, 2, 3, 6, 12)     # of the first runs, as actors/catalog/media/grid.h has them
MOST_GOPS, LIGHT_GOPS = 15, 60  # and of the others: encoded, copied
LEAST_GOPS, TAPER = 6, 4        # what is encoded takes no more than a quarter of what is left, in whole segments


def measured(work):
    """Wall and CPU seconds of work(), which runs children and waits for them."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": time.monotonic() - start, "cpu": cpu, **(result or {})}


def spans(gops, most):
    """Where the runs of so many GOPs begin, and how long they are."""
    at, spans = 0, []
    while at < gops:
        length = RUN_GOPS[len(spans)] if len(spans) < len(RUN_GOPS) else most
        if most == MOST_GOPS:
            length = min(length, max(LEAST_GOPS, (gops - at) // TAPER // 3 * 3))
        spans.append((at, min(length, gops - at)))
        at += length
    return spans


def ours(path, folder, copy):
    store = runs.Store(os.path.join(folder, "store"))
    video = runs.Video(store, path)
    peaks, cores = [], os.cpu_count()

    def encode(job, threads=1):
        answer = video.encode(job, DRIVE_THREADS=str(threads))
        assert answer["end"] == "done", answer["reason"]
        peaks.append(answer["peak_kb"] / 1024)

    def jobs():
        if video.sounds:
            frames = math.ceil(video.frames / video.fps * 48000 / runs.AAC)
            yield video.audio_job(video.sounds[0], 0, [{"number": 1, "frames": frames}], pad=True)
        own = video.copied() if copy else None
        if own:
            yield from pictures([own], LIGHT_GOPS)
        yield from pictures(video.rungs()[1 if own else 0:], MOST_GOPS)

    def pictures(rungs, most):
        for gop, n in spans(math.ceil(video.frames / video.gop), most):
            job = video.video_job(gop, n, rungs, segment_gops=1 if gop < 3 else 3, pad=True)
            for i, segment in enumerate(job["segments"]):
                segment["number"] = i + (gop + 1 if gop < 3 else 4 + (gop - 3) // 3)
            yield job

    def all_runs():
        assert video.probe()["end"] == "done", store.last.stderr
        with concurrent.futures.ThreadPoolExecutor(cores) as pool:
            for done in [pool.submit(encode, job, cores if job["first"] == 0 else 1) for job in jobs()]:
                done.result()

    result = measured(all_runs)
    rungs = {r["dir"]: video.joined(r["dir"], os.path.join(folder, r["dir"].replace("/", "-") + ".mp4")) for r in video.rungs()}
    return video, {**result, "memory": sum(sorted(peaks)[-cores:]), "rungs": rungs}


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
    return {**result, "memory": peak, "rungs": rungs}


def to_709(video):
    """Our output is BT.709, limited range, whatever the source was: so must be what it is compared with."""
    shape = video.picture["video"]
    large = shape["height"] >= 720 or shape["width"] >= 1280
    matrix = {1: "709", 2: "709" if large else "470bg"}.get(shape["matrix"], "470bg")
    if matrix == "709" and not shape.get("full_range"):
        return ""
    return f"zscale=matrixin={matrix}:rangein={'full' if shape.get('full_range') else 'limited'}:matrix=709:range=limited,"


def quality(made, source, rung, fps, colour=""):
    """SSIM (dB) of a rung against the source at the rung's own size; of equal pictures LOSSLESS."""
    rate = fps / rung["fps_div"]
    graph = (f"[0:v]settb=1/1000,setpts=N[a];[1:v]fps={rate},{colour}scale={rung['width']}:{rung['height']}:flags=bicubic,"
             "format=yuv420p,settb=1/1000,setpts=N[b];[a][b]ssim=shortest=1")
    done = subprocess.run(["ffmpeg", "-hide_banner", "-i", made, "-i", source, "-filter_complex", graph, "-f", "null", "-"],
                          capture_output=True, text=True)
    found = re.search(r"SSIM .*All:[0-9.]+ \(([0-9.]+|inf)\)", done.stderr)
    assert found, done.stderr
    return min(float(found[1]), LOSSLESS)


def look_at(one, path, video, colour):
    """Bits and quality of what one round made; the files may go then."""
    for rung in video.rungs():
        name, made = rung["dir"].split("-")[-1] + "p", one["rungs"][rung["dir"]]
        one[name + " bits"] = os.path.getsize(made) * 8 / 1000 / float(video.frames / video.fps)
        one[name + " SSIM"] = quality(made, path, rung, video.fps, colour)
    del one["rungs"]


def bench(path, rounds, copy):
    """The rounds of a clip: pairs of what was measured of ours and of the peer, and the first seconds of ours."""
    pairs, first = [], []
    for turn in range(rounds):
        with tempfile.TemporaryDirectory(prefix="kinobus-bench-") as folder:
            video, a = ours(path, os.path.join(folder, "ours"), copy)
            b = theirs(path, video, os.path.join(folder, "theirs"))
            look_at(a, path, video, to_709(video))   # what is copied keeps the source's colours: those of BT.709
            look_at(b, path, video, "")
            pairs.append((a, b))
            first.append(first_seconds(path, os.path.join(folder, "first")))
    return pairs, first


UNITS = {"wall": "s", "cpu": "s", "memory": "MB", "bits": "kbit/s", "SSIM": "dB"}


def figures(path, pairs, first):
    clip, rows = os.path.splitext(os.path.basename(path))[0], []
    for key in pairs[0][0]:
        ratios = [a[key] / b[key] for a, b in pairs]
        rows.append({"figure": f"ladder {key}, {clip}", "unit": UNITS[key.split()[-1]],
                     "ours": statistics.median(a[key] for a, _ in pairs), "peer": statistics.median(b[key] for _, b in pairs),
                     "peer_name": PEER, "ratio_median": statistics.median(ratios), "ratio_min": min(ratios),
                     "ratio_max": max(ratios), "rounds": len(pairs)})
    rows.append({"figure": f"first two seconds there, {clip}", "unit": "s", "ours": statistics.median(first), "peer": None,
                 "peer_name": None, "ratio_median": None, "ratio_min": None, "ratio_max": None, "rounds": len(first)})
    return rows


def show(rows):
    print(f"{'figure':50} {'ours':>9} {PEER:>9} {'ratio':>7}   (least, most)")
    for row in rows:
        peer = (f"{row['peer']:9.2f} {row['ratio_median']:7.3f}   ({row['ratio_min']:.3f}, {row['ratio_max']:.3f})"
                if row["peer"] is not None else "")
        print(f"{row['figure'] + ' ' + row['unit']:50} {row['ours']:9.2f} {peer}")


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
    parser.add_argument("--encode", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinobus-bench-clip-") as folder:
        rows = [row for path in args.clip or [synthetic(folder)] for row in figures(path, *bench(path, args.rounds, not args.encode))]
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
