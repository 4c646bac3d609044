"""What a ladder that looks at the film saves: bits and SSIM of every size, beside the ladder that is the same for any film.

    ops/bench transcode-titles [--clip FILE]... [--json]

Each clip is uploaded to two platforms: to one that looks at moments of a film before it makes the ladder, and to one that does not.
Of both the bits of all sizes are added up, and the SSIM of each against the source at that size is taken. Clips of less
than a minute are repeated until they last that long, because a short film has no ladder that waits for anything; they are
put into an MP4, whose length is known before all of it was read. Without
--clip: an animation, a film and a recording of a screen, of the shared test videos.

With --json: a list of {figure, unit, ours, peer, peer_name, ratio_median, ratio_min, ratio_max, rounds}; the peer is the fixed
ladder. A size that is left out has no row of its own: what it took is in the sum of the peer. Nothing here depends on the
machine, so there is one round.
"""
import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "harness"), os.path.join(HERE, "..", "..", "media")]
from stage import Stage, media  # noqa: E402  (the folders must be on the path first)

LADDER = importlib.util.spec_from_file_location("ladder", os.path.join(HERE, "..", "transcode", "run.py"))
CLIPS = ("bbb_1080p60_16s.mp4", "flower_540p30_5s.mp4", "vfr_screenrec_3026x1386_9s.mp4")
LEAST_S, WITHIN_S = 75, 3600
PEER = "fixed ladder"


def long_enough(path, folder):
    seconds = float(subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path],
                                   check=True, capture_output=True, text=True).stdout)
    if seconds >= LEAST_S:
        return path
    to = os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", str(int(LEAST_S / seconds)), "-i", path, "-map", "0:v:0",
                    "-c", "copy", to], check=True)
    return to


def variants(stage, api, video):
    """Of each size that is encoded: its folder, width, height, rate and average kbit/s."""
    hls = api.post(f"/api/v1/videos/{video}/playback", {})["hls_url"]
    text = api.send("GET", hls).body.decode()
    for line, uri in re.findall(r"^#EXT-X-STREAM-INF:(.*)\n(.*)$", text, re.M):
        width, height = re.search(r"RESOLUTION=(\d+)x(\d+)", line).groups()
        yield types.SimpleNamespace(folder=os.path.dirname(uri), width=int(width), height=int(height), fps=float(re.search(r"FRAME-RATE=([\d.]+)", line)[1]),
                                    kbps=int(re.search(r"AVERAGE-BANDWIDTH=(\d+)", line)[1]) / 1000,
                                    url=f"{stage.url}{os.path.dirname(hls)}/{uri}")


def make(path, sample_from_s, ladder):
    with Stage(env={"KINOBUS_CATALOG_SAMPLE_FROM_S": str(sample_from_s)}) as stage:
        api, tail = stage.login(), stage.tail("catalog.video_*")
        video = api.upload(path, title="A film", piece=64 << 20)
        end = tail.next(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_failed"), WITHIN_S)
        assert end and end["name"] == "catalog.video_ready", end
        made = {}
        for v in variants(stage, api, video):
            v.ssim = ladder.quality(v.url, path, {"width": v.width, "height": v.height, "fps_div": 1}, v.fps)
            made[f"{min(v.width, v.height)}p"] = v
        return made


def row(figure, unit, ours, peer):
    return {"figure": figure, "unit": unit, "ours": ours, "peer": peer, "peer_name": PEER, "ratio_median": ours / peer,
            "ratio_min": ours / peer, "ratio_max": ours / peer, "rounds": 1}


def look(path, folder, ladder):
    clip = os.path.splitext(os.path.basename(path))[0]
    path = long_enough(path, folder)
    title, fixed = make(path, 1, ladder), make(path, 0, ladder)
    yield row(f"title bits of all sizes, {clip}", "kbit/s", sum(v.kbps for v in title.values()), sum(v.kbps for v in fixed.values()))
    yield row(f"title sizes, {clip}", "", len(title), len(fixed))
    for name, v in title.items():
        yield row(f"title bits {name}, {clip}", "kbit/s", v.kbps, fixed[name].kbps)
        yield row(f"title SSIM {name}, {clip}", "dB", v.ssim, fixed[name].ssim)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench transcode-titles", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clip", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    ladder = importlib.util.module_from_spec(LADDER)
    LADDER.loader.exec_module(ladder)
    rows = []
    with tempfile.TemporaryDirectory(prefix="kinobus-bench-") as folder:
        for path in args.clip or [media(name) for name in CLIPS]:
            for r in look(path, folder, ladder):
                rows.append(r)
                if not args.json:
                    print(f"{r['figure']:62} {r['ours']:9.1f} : {r['peer']:9.1f} {r['unit']:7} {r['ratio_median']:.3f}", flush=True)
    if args.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
