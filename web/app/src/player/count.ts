// What a player counts of its playback and tells the server: how long the first picture was waited for, how long something was
// shown, at which quality, how often it stood still. Sums since the beginning, so that a report that is lost loses nothing.
import type { PlayState } from "#api";
import { Problem, call } from "../api/http";

const EVERY_MS = 30_000;

export interface Counting {
    /** The quality from now on, and the best there is, in kbit/s. */
    quality(kbps: number, topKbps: number): void;
    failed(why: string): void;
    stop(): void;
}

export function countPlayback(play: string, video: HTMLVideoElement): Counting {
    const sums = { played_ms: 0, stalls: 0, stalled_ms: 0, switches: 0, switched_kbps: 0 };
    let startup: number | undefined;        // ms
    let wanted = video.paused ? 0 : performance.now();
    let doing: "" | "showing" | "stalled" = "";
    let since = 0;                          // of what it is doing
    let kbps = 0;
    let top = 0;
    let shownKbit = 0;
    let error = "";
    let number = 0;
    let told = "";
    let left = false;
    let over = false;

    const add = () => {
        const now = performance.now();
        const ms = now - since;
        since = now;
        if (doing === "showing") {
            sums.played_ms += ms;
            shownKbit += kbps * ms / 1000;
        } else if (doing === "stalled") {
            sums.stalled_ms += ms;
        }
    };
    const become = (what: typeof doing) => {
        add();
        if (what === "stalled" && doing !== "stalled")
            sums.stalls++;
        doing = what;
    };
    const state = (): PlayState => left ? "left" : error ? "failed" : startup === undefined ? "starting" : video.ended ? "ended" : video.paused ? "paused" : "playing";
    const tell = (keepalive = false) => {
        add();
        const counted = {
            state: state(), ...(startup === undefined ? {} : { startup_ms: Math.round(startup) }), played_ms: Math.round(sums.played_ms),
            stalls: sums.stalls, stalled_ms: Math.round(sums.stalled_ms), switches: sums.switches, switched_kbps: Math.round(sums.switched_kbps),
            bitrate_kbps: sums.played_ms > 0 ? Math.round(shownKbit * 1000 / sums.played_ms) : 0, top_kbps: Math.round(top),
            dropped_frames: video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0, ...(error ? { error } : {}),
        };
        const text = JSON.stringify(counted);
        if (over || text === told)
            return;
        told = text;
        call("POST /api/v1/playback/{id}/report", { id: play, number: ++number, ...counted }, { keepalive }).catch((thrown: unknown) => {
            over ||= thrown instanceof Problem && thrown.status === 404;     // it is not followed any more
        });
    };

    const on: Record<string, () => void> = {
        play: () => (wanted ||= performance.now()),
        playing() {
            const first = startup === undefined;
            startup ??= performance.now() - (wanted || performance.now());
            become("showing");
            if (first)
                tell();
        },
        waiting: () => startup !== undefined && !video.paused && become(video.seeking ? "" : "stalled"),
        seeking: () => become(""),
        seeked: () => !video.paused && startup !== undefined && video.readyState > HTMLMediaElement.HAVE_CURRENT_DATA && become("showing"),
        pause: () => (become(""), startup !== undefined && tell()),
        ended: () => (become(""), tell()),
    };
    const stop = new AbortController();
    for (const [event, then] of Object.entries(on))
        video.addEventListener(event, then, { signal: stop.signal });
    document.addEventListener("visibilitychange", () => document.hidden && tell(true), { signal: stop.signal });
    addEventListener("pagehide", () => (left = true, tell(true)), { signal: stop.signal });
    addEventListener("pageshow", () => (left = false), { signal: stop.signal });        // it came back from the browser's cache
    const timer = setInterval(() => doing && tell(), EVERY_MS);
    return {
        quality(now, best) {
            add();
            if (kbps && now !== kbps && startup !== undefined) {
                sums.switches++;
                sums.switched_kbps += Math.abs(now - kbps);
            }
            kbps = now;
            top = Math.max(top, best);
        },
        failed(why) {
            become("");
            error = why;
            tell();
            error = "";             // the viewer may go on
        },
        stop() {
            left = true;
            tell(true);
            clearInterval(timer);
            stop.abort();
        },
    };
}
