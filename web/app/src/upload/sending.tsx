// One upload: its bytes on the way, then its encoding, then where to watch it; with its title to be put right meanwhile.
import type { Video, Visibility } from "#api";
import { useEffect, useState } from "preact/hooks";
import { call, saying } from "../api/http";
import { playable, useVideoLive } from "../api/video-live";
import { bytes, clock, partsDone, percent } from "../lib/format";
import { Icon } from "../parts/icon";
import { Meter } from "../parts/meter";
import { Notice } from "../parts/notice";
import { VISIBILITY } from "../parts/state-chip";
import { toast } from "../parts/toasts";
import { type Item, discard, drop, pause, rename, resume } from "./manager";

export function Sending({ item }: { item: Item }) {
    const share = percent(item.sent, item.size);
    return (
        <article class="sending" aria-label={item.title}>
            <TitleAndVisibility item={item} />
            <Meter label={WORDS[item.phase]} part={item.sent} whole={item.size}
                text={`${bytes(item.sent)} of ${bytes(item.size)}, ${share} %${rest(item)}`} />
            {item.phase === "lost" && <Notice kind="wait"><p>Choose or drop <strong>{item.name}</strong> again, and it goes on from {share} %.</p></Notice>}
            {item.error && <Notice kind="bad" alert><p>{item.error}</p></Notice>}
            {item.videoId && item.phase !== "lost" && <Encoding id={item.videoId} sent={item.phase === "sent"} />}
            <Buttons item={item} />
        </article>
    );
}

const WORDS: Record<Item["phase"], string> = {
    queued: "Waiting for its turn", sending: "Uploading", paused: "Paused", lost: "Interrupted", sent: "Uploaded", failed: "Upload stopped",
};

function rest(item: Item): string {
    if (item.phase !== "sending" || item.speed < 1)
        return "";
    return `, ${bytes(item.speed)}/s, ${clock(((item.size - item.sent) / item.speed) * 1000)} left`;
}

function Buttons({ item }: { item: Item }) {
    const giveUp = () => discard(item.key).catch((error: unknown) => toast(`It could not be given up: ${saying(error)}`));
    return (
        <div class="row">
            {(item.phase === "sending" || item.phase === "queued") && <button type="button" class="button slim" onClick={() => void pause(item.key)}><Icon name="pause" size={18} />Pause</button>}
            {(item.phase === "paused" || item.phase === "failed") && <button type="button" class="button slim main" onClick={() => resume(item.key)}><Icon name="play" size={18} />Go on</button>}
            {item.phase === "sent"
                ? <button type="button" class="button slim" onClick={() => drop(item.key)}>Take off this list</button>
                : <button type="button" class="button slim danger" onClick={() => void giveUp()}><Icon name="close" size={18} />Give up</button>}
        </div>
    );
}

/** What the server makes of it, from the first bytes on; and, once it has all of them, whether it has the same file already. */
function Encoding({ id, sent }: { id: string; sent: boolean }) {
    const [video, setVideo] = useState<Video>();
    useEffect(() => {
        call("GET /api/v1/videos/{id}", { id }).then(setVideo, () => {});
    }, [id, sent]);
    return video ? <EncodingLive first={video} /> : null;
}

const EncodingLive = ({ first }: { first: Video }) => <EncodingOf video={useVideoLive(first)} />;

export function EncodingOf({ video }: { video: Video }) {
    const { runs_done: done = 0, runs_total: total = 0 } = video;
    return (
        <div class="stack tight">
            {video.same_as && <Notice kind="info"><p>You have this very file already, in <a href={`/watch/${video.same_as}`}>another video of yours</a>. Keep both, or delete one under <a href="/mine">your videos</a>.</p></Notice>}
            {video.state === "failed"
                ? <Notice kind="bad" alert><p>{video.reason || "It could not be made."} <a href="/mine">See why, or try again</a></p></Notice>
                : video.state === "ready"
                    ? <p class="row"><span class="chip good"><Icon name="good" size={15} />Ready</span></p>
                    : <Meter label="Preparing" part={done} whole={total} text={total ? partsDone(done, total, video.left_ms) : "begins with the first bytes"} />}
            {playable(video) && (
                <p class="row" role="status">
                    <a class="button slim main" href={`/watch/${video.id}`}><Icon name="play" size={18} />Watch now</a>
                    {video.state !== "ready" && <span class="small quiet">{clock(video.playable_until_ms ?? 0)} can be watched already</span>}
                </p>
            )}
        </div>
    );
}

function TitleAndVisibility({ item }: { item: Item }) {
    const save = async (to: { title?: string; visibility?: Visibility }) => {
        if (!item.videoId)
            return;
        try {
            await call("PATCH /api/v1/videos/{id}", { id: item.videoId, ...to });
        } catch (error) {
            toast(`Not saved: ${saying(error)}`);
        }
    };
    const title = (event: Event) => {
        const text = (event.currentTarget as HTMLInputElement).value.trim();
        if (!text || text === item.title)
            return;
        rename(item.key, text);
        void save({ title: text });
    };
    if (item.phase === "lost")
        return <h3>{item.title}</h3>;
    const id = `up-${item.key}`;
    return (
        <div class="row fields">
            <div class="field"><label for={`${id}-t`}>Title</label>
                <input id={`${id}-t`} class="input" defaultValue={item.title} maxLength={200} disabled={!item.videoId} onChange={title} /></div>
            <div class="field"><label for={`${id}-v`}>Who may watch</label>
                <select id={`${id}-v`} class="input" disabled={!item.videoId}
                    onChange={(e) => void save({ visibility: e.currentTarget.value as Visibility })}>
                    {VISIBILITY.map(([v, text]) => <option key={v} value={v} selected={v === item.visibility}>{text}</option>)}
                </select></div>
        </div>
    );
}
