// A video that keeps itself up to date while it is being made: by events where they arrive, else by asking.
import type { Video, VideoProgress } from "#api";
import { useEffect, useState } from "preact/hooks";
import { live, on } from "./events";
import { call } from "./http";
import { me } from "./session";

const ASK_EVERY_MS = 4000;

/** States that no longer change by themselves. */
export function settled(video: Video): boolean {
    return video.state === "ready" || video.state === "failed" || video.state === "expired" || video.state === "trashed";
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

/** `first` as it was loaded; the result follows it until it is settled. */
export function useVideoLive(first: Video): Video {
    const [video, setVideo] = useState(first);
    const done = settled(video);
    useEffect(() => setVideo(first), [first]);
    useEffect(() => {
        const stop = [
            on("video_progress", (told) => told.video_id === first.id && setVideo((v) => withProgress(v, told))),
            on("video_changed", (told) => told.video_id === first.id && setVideo((v) =>
                (told.video.rev ?? 0) >= (v.rev ?? 0) ? { ...v, ...told.video } : v)),
        ];
        return () => stop.forEach((f) => f());
    }, [first.id]);
    useEffect(() => {
        if (done)
            return;
        let gone = false;
        const ask = async () => {
            const toldOf = live.value && first.owner_id === me.value?.id;    // progress goes to a video's owner alone
            if (toldOf || document.hidden)
                return;
            try {
                const fresh = await call("GET /api/v1/videos/{id}", { id: first.id });
                if (!gone)
                    setVideo((v) => ((fresh.rev ?? 0) >= (v.rev ?? 0) ? fresh : v));
            } catch {
                // the next round may do better
            }
        };
        const timer = setInterval(ask, ASK_EVERY_MS);
        return () => {
            gone = true;
            clearInterval(timer);
        };
    }, [first.id, done]);
    return video;
}
