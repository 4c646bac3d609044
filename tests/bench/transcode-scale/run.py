"""What more workers bring: how busy one and two of them are, what the platform costs beside them, and what eight would do.

    ops/bench transcode-scale [--clip FILE] [--rounds N] [--json]

A whole platform is started in a folder of its own, and a film is uploaded to it and made ready: by one worker, by two, and by
two that see the platform's disk through the front alone. A worker is a transcode process that runs one job at a time, on a
core of its own: it may have as many threads as it likes, and yet no more than that core. What counts:

    busy        CPU seconds of all workers by (workers x seconds from the first byte of the upload to video_ready)
    beside      CPU seconds of broker, catalog and front meanwhile, by those of the workers
    moved       bytes that pass between the front and the workers that do not see the disk, by bytes that these make
    schedule    CPU seconds of all runs by (8 x seconds that 8 workers take for them): the catalog itself, on a bus and a clock
                that are not real, plans and releases the runs (schedule.c), and each lasts as long as it took here; and the
                same of an hour of such a film, where a run takes what those of its kind took

Segments are the same, byte for byte, whoever made them: a difference, or a run that had to be tried again, ends the benchmark.

With --json: a list of {figure, unit, ours, peer, peer_name, ratio_median, ratio_min, ratio_max, rounds}; ours is a median.
There is no peer to run beside.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "harness"))
from stage import BIN, Stage, media  # noqa: E402  (the folder must be on the path first)

SCHEDULE = os.path.join(os.path.dirname(BIN), "bench", "transcode_schedule")
FILM = "bbb_720p24_3m24s.mp4"
WORKERS, HOUR_S, WITHIN_S, SHORT_MS = 8, 3600, 3600, 60000
TICK = os.sysconf("SC_CLK_TCK")
OVER_A_LINK = "2 workers over a link"
WAYS = {"1 worker": (1, False), "2 workers": (2, False), OVER_A_LINK: (2, True)}
BESIDE = ("broker", "catalog", "front")


def cpu(pid, children=False):
    """CPU seconds of a process, or of those that it started and that have ended."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return sum(int(n) for n in (fields[13:15] if children else fields[11:13])) / TICK


def spent(pids):
    """CPU seconds so far: of all workers, and of who stands beside them."""
    return {"workers": sum(cpu(pid, True) for name, pid in pids.items() if name.startswith("transcode")),
            **{name: cpu(pids[name + "-1"]) for name in BESIDE}}


def counted(stage, name):
    """A counter of all transcode processes together."""
    text = stage.login().send("GET", "/metrics").body.decode()
    return sum(float(n) for n in re.findall(rf"^kinobus_{name}\{{[^}}]*\}} ([0-9.e+]+)$", text, re.M))


def make(path, workers, over_a_link):
    """The film made ready on a platform of its own: what that took, and what the runs and the probe told."""
    env = {"KINOBUS_SUPERVISOR_TRANSCODE_INSTANCES": str(workers), "KINOBUS_TRANSCODE_RUNS": "1", "KINOBUS_TRANSCODE_SPARE": "0",
           "KINOBUS_TRANSCODE_THREADS": "1"}
    with Stage(env=env) as stage:
        if over_a_link:
            stage.stop()
            stage.env["KINOBUS_TRANSCODE_BLOBS"] = stage.url
            stage.start()
            stage.wait_ready()
        pids, api, tail = stage.pids(), stage.login(), stage.tail("transcode.*", "catalog.video_*")
        for core, pid in enumerate(pid for name, pid in pids.items() if name.startswith("transcode")):
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), {sorted(os.sched_getaffinity(0))[core]})
        before, began = spent(pids), time.monotonic()
        video = api.upload(path, title="A film", piece=64 << 20)
        end = tail.next(lambda m: m.get("name") in ("catalog.video_ready", "catalog.video_failed"), WITHIN_S)
        wall, after = time.monotonic() - began, spent(pids)
        assert end and end["name"] == "catalog.video_ready", end
        assert stage.pids() == pids, "a process ended meanwhile"
        result = {"wall": wall, **{name: after[name] - before[name] for name in after}, "outputs": stage.outputs(video),
                  "runs": [m["body"] for m in tail.seen if m.get("name") == "transcode.run_done" and m.get("kind") == "event"],
                  "probe": next(m["body"] for m in tail.seen if m.get("name") == "transcode.probe_done" and m["body"]["outcome"] == "ok")}
        if over_a_link:
            time.sleep(12)      # counters are told every ten seconds
            result["moved"] = counted(stage, "store_bytes_read_total") + counted(stage, "store_bytes_put_total")
            result["made"] = counted(stage, "bytes_made_total")
        return result


def kind(run):
    """Runs of the same renditions take the same time for the same length."""
    return (run["renditions"][0]["dir"] if run.get("renditions") else run["kind"]) + str(len(run.get("renditions", ())))


def frames(run):
    return sum(s["frames"] for s in run["renditions"][0]["segments"]) if run.get("renditions") else 0


def schedule(made, seconds, exact):
    """What eight workers do with these costs, as a share of what they could; of another length, from the costs of each kind: those of
    the longest half of its runs, by the frame."""
    costs = {}
    for run in made["runs"]:
        costs.setdefault(kind(run), []).append((frames(run), run["cpu_ms"]))
    rows = []
    for name, all_ in costs.items():
        longest = sorted(all_)[len(all_) // 2:]
        rows.append(f"kind {name} {sum(ms for _, ms in longest) / max(1, sum(n for n, _ in longest)):.9f} {longest[-1][1] if not longest[-1][0] else 0}")
    if exact:
        rows += [f"run {run['run']} {run['cpu_ms']}" for run in made["runs"]]
    probe = dict(made["probe"])
    scale = seconds * 1000 / probe["duration_ms"] if not exact else 1
    probe["duration_ms"] = round(probe["duration_ms"] * scale)
    probe["tracks"] = [{**t, "duration_ms": round(t.get("duration_ms", 0) * scale)} for t in probe["tracks"]]
    for track in probe["tracks"]:
        if track.get("video", {}).get("copy_frames"):
            track["video"] = {**track["video"], "copy_frames": round(track["video"]["copy_frames"] * scale)}
    told = subprocess.run([SCHEDULE, str(WORKERS)], input=json.dumps(probe) + "\n" + "\n".join(rows) + "\n", capture_output=True, text=True,
                          check=False)
    if told.returncode:
        raise SystemExit(told.stdout + told.stderr)
    work, wall = (float(n) for n in told.stdout.split())
    return work / (WORKERS * wall)


def one_round(path):
    made = {way: make(path, *how) for way, how in WAYS.items()}
    first = made["1 worker"]
    for way, other in made.items():
        again = [run["run"] for run in other["runs"] if run.get("attempts", 1) > 1]
        assert not again, f"{way}: runs {again} were tried again"
        differ = sorted(n for n in {*first["outputs"], *other["outputs"]} if first["outputs"].get(n) != other["outputs"].get(n))
        assert not differ, f"{way}: other bytes than one worker made: {differ[:5]}"
    figures = {}
    for way, (workers, over_a_link) in WAYS.items():
        m = made[way]
        if over_a_link:
            figures["bytes moved for a byte made, " + way] = ("", m["moved"] / m["made"])
            continue
        figures[f"busy, {way}"] = ("share", m["workers"] / (workers * m["wall"]))
        figures[f"wall, {way}"] = ("s", m["wall"])
        figures[f"CPU of the workers, {way}"] = ("s", m["workers"])
        for name in BESIDE:
            figures[f"CPU of the {name} beside, {way}"] = ("share", m[name] / m["workers"])
    figures["schedule of 8 workers"] = ("share", schedule(first, 0, True))
    if first["probe"]["duration_ms"] > SHORT_MS:     # a shorter film is planned in another way than an hour
        figures["schedule of 8 workers, an hour of it"] = ("share", schedule(first, HOUR_S, False))
    return figures


def main():
    parser = argparse.ArgumentParser(prog="ops/bench transcode-scale", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clip", default=media(FILM), help=FILM + " where it is, else the tests' own clip, which is too short to tell much")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two workers need two cores")
    rounds = [one_round(args.clip) for _ in range(args.rounds)]
    rows = [{"figure": name, "unit": unit, "ours": statistics.median(r[name][1] for r in rounds), "peer": None, "peer_name": None,
             "ratio_median": None, "ratio_min": None, "ratio_max": None, "rounds": len(rounds)} for name, (unit, _) in rounds[0].items()]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        told = [r[row["figure"]][1] for r in rounds]
        print(f"{row['figure']:50} {row['ours']:9.3f} {row['unit']:6} ({min(told):.3f} to {max(told):.3f})")


if __name__ == "__main__":
    main()
