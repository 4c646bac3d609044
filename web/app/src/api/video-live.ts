// A video that keeps itself up to date while it is being made: by events where they arrive, else by asking.
import type { Video, VideoProgress } from "#api";
import { useEffect, useRef, useState } from "preact/hooks";
import { live, on } from "./events";
import { call } from "./http";
import { me } from "./session";

const ASK_EVERY_MS = 4000;

/** States that no longer change by themselves. */
export function settled(video: Video): boolean {
    return video.state === "ready" || video.state === "failed" || video.state === "expired" || video.state === "trashed";
}

/** Something is still to be said of it: what it is made of, or what a virus scanner finds in that. */
function moving(video: Video): boolean {
    return !settled(video) || video.virus === "waiting";
}

/** Enough to be watched from its start. */
export function playable(video: Video): boolean {
    return video.state === "ready" || video.state === "playable" || (video.playable_until_ms ?? 0) > 0;
}

export function withProgress(video: Video, told: VideoProgress): Video {
    if ((told.rev ?? 0) < (video.rev ?? 0))
        return video;               // older than what is known
    const { video_id: _, owner_id: __, ...rest } = told;
    return { ...video, ...rest };
}

/** `first` as it was loaded; the result follows it as long as it moves. */
export function useVideoLive(first: Video): Video {
    const [video, setVideo] = useState(first);
    const { id, owner_id } = first;
    const done = !moving(video), scanned = video.virus === "waiting";
    const state = useRef(first.state);
    state.current = video.state;
    const shown = useRef(id);
    useEffect(() => {
        shown.current = id;
        return () => void (shown.current = "");
    }, [id]);
    useEffect(() => setVideo(first), [first]);
    useEffect(() => {
        if (done)
            return;
        const ask = async () => {
            try {
                const fresh = await call("GET /api/v1/videos/{id}", { id });
                if (shown.current === id)
                    setVideo((v) => ((fresh.rev ?? 0) >= (v.rev ?? 0) ? fresh : v));
            } catch {
                // the next round may do better
            }
        };
        const hear = (told: VideoProgress) => {
            if (told.video_id !== id)
                return;
            if (told.state !== state.current || scanned)
                void ask();         // more has changed than progress tells: a reason, a picture, a size, a scan
            setVideo((v) => withProgress(v, told));
        };
        const timer = setInterval(() => {
            const isTold = live.value && owner_id === me.value?.id;     // progress goes to a video's owner alone
            if (!isTold && !document.hidden)
                void ask();
        }, ASK_EVERY_MS);
        const stops = [on("video_progress", hear), on("lost", () => void ask()), () => clearInterval(timer)];
        return () => stops.forEach((stop) => stop());
    }, [id, owner_id, done, scanned]);
    return video;
}
