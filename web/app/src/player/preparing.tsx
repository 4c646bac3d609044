// How far a video is while it is still being made, or why it was not.
import type { Video } from "#api";
import { playable, settled } from "../api/video-live";
import { bytes, clock, partsDone } from "../lib/format";
import { Meter } from "../parts/meter";
import { Notice } from "../parts/notice";

export function Preparing({ video }: { video: Video }) {
    if (video.state === "failed")
        return <Notice kind="bad"><p><strong>{video.reason || "This video could not be made."}</strong></p>
            {playable(video) && <p>What was made before can be watched.</p>}</Notice>;
    if (video.state === "expired")
        return <Notice kind="bad"><p><strong>Its upload was given up.</strong></p></Notice>;
    if (settled(video))
        return null;
    const { runs_done: done = 0, runs_total: total = 0, uploaded_bytes: sent = 0, declared_bytes: size = 0 } = video;
    return (
        <div class="preparing">
            {total > 0
                ? <Meter label="Still being prepared" part={done} whole={total} text={partsDone(done, total, video.left_ms)} />
                : <p><strong>{video.state === "waiting" ? "Its file has not come yet." : "About to be prepared."}</strong></p>}
            <p class="small">
                {playable(video)
                    ? `You can watch the first ${clock(video.playable_until_ms ?? 0)} already, and the rest as it comes.`
                    : "It can be watched here as soon as its first seconds are there; this page notices."}
                {size > 0 && sent < size && ` Uploaded so far: ${bytes(sent)} of ${bytes(size)}.`}
            </p>
        </div>
    );
}
