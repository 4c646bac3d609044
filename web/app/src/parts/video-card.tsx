// A video in a list: one link, the whole card long.
import type { Hit, Video, Watching } from "#api";
import { ago, clock, percent } from "../lib/format";
import { Poster } from "./poster";
import { usePreview } from "./preview";

export function VideoCard({ video, beside = false }: { video: Video; beside?: boolean }) {
    const growing = video.state === "playable" || video.state === "processing" || video.state === "uploading";
    const preview = usePreview(video.id);
    return (
        <article class={`card${beside ? " beside" : ""}`} {...preview.on}>
            <Poster id={video.id} poster={video.poster} has={video.has_poster} sound={video.state === "ready" && !video.width}>
                {preview.tile}
                {growing && <span class="board left">Being prepared</span>}
                {!!video.duration_ms && <span class="board">{clock(video.duration_ms)}</span>}
            </Poster>
            <div>
                <h3><a href={`/watch/${video.id}`}>{video.title || "Untitled"}</a></h3>
                <p class="meta">{video.owner_name && <span>{video.owner_name}</span>}<span>{ago(video.published_at ?? video.created_at)}</span></p>
            </div>
        </article>
    );
}

export function WatchingCard({ item }: { item: Watching }) {
    const begun = (item.position_ms ?? 0) > 0;
    const left = (item.duration_ms ?? 0) - (item.position_ms ?? 0);
    const preview = usePreview(item.video_id);
    return (
        <article class="card" {...preview.on}>
            <Poster id={item.video_id} url={item.poster_url}>
                {preview.tile}
                <span class="board">{clock(left)}{begun && " left"}</span>
                {begun && <span class="seen" style={{ "--part": `${percent(item.position_ms, item.duration_ms)}%` }}><i /></span>}
            </Poster>
            <h3><a href={`/watch/${item.video_id}`}>{item.title || "Untitled"}</a></h3>
        </article>
    );
}

export function HitCard({ hit }: { hit: Hit }) {
    const preview = usePreview(hit.video_id);
    return (
        <article class="card" {...preview.on}>
            <Poster id={hit.video_id}>{preview.tile}{!!hit.duration_ms && <span class="board">{clock(hit.duration_ms)}</span>}</Poster>
            <div class="stack tight">
                <h3><a href={`/watch/${hit.video_id}`}>{hit.title || "Untitled"}</a></h3>
                <p class="meta">{hit.owner_name && <span>{hit.owner_name}</span>}<span>{ago(hit.created_at)}</span></p>
                {hit.description && <p class="quiet small">{hit.description}</p>}
            </div>
        </article>
    );
}

/** Room for cards that are still on their way. */
export function GhostGrid({ count = 8 }: { count?: number }) {
    return (
        <div class="grid" aria-hidden="true">
            {Array.from({ length: count }, (_, i) => <div key={i} class="card"><div class="poster ghost" /><div class="ghost">&nbsp;</div></div>)}
        </div>
    );
}
