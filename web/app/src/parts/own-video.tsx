// One of the visitor's own videos: how it stands, and everything that can be done with it.
import type { Video, VirusScan, Visibility } from "#api";
import { useState } from "preact/hooks";
import { call, saying } from "../api/http";
import { playable, settled, useVideoLive } from "../api/video-live";
import { ago, bytes, clock, partsDone } from "../lib/format";
import { EditVideo } from "./edit-video";
import { Figures } from "./figures";
import { Icon } from "./icon";
import { Meter } from "./meter";
import { Notice } from "./notice";
import { Poster } from "./poster";
import { Confirm } from "./sheet";
import { StateChip, VISIBILITY } from "./state-chip";
import { toast } from "./toasts";
import { Why } from "./why";

interface OwnVideoProps {
    video: Video;
    onChange: (video: Video) => void;
    onGone: (id: string) => void;
}

export function OwnVideo({ video: first, onChange, onGone }: OwnVideoProps) {
    const video = useVideoLive(first);
    const [sheet, setSheet] = useState<"" | "edit" | "delete">("");
    const [shown, setShown] = useState<"" | "why" | "figures">("");
    const show = (what: "why" | "figures") => setShown(shown === what ? "" : what);
    const title = video.title || "Untitled";
    const trashed = video.state === "trashed";
    const act = async (what: () => Promise<void>) => {
        try {
            await what();
        } catch (error) {
            toast(saying(error));
        }
    };
    const restore = () => act(async () => {
        await call("PATCH /api/v1/videos/{id}", { id: video.id, restore: true });
        onGone(video.id);
        toast(`“${title}” is back among your videos.`);
    });
    const trash = () => act(async () => {
        await call("DELETE /api/v1/videos/{id}", { id: video.id });
        onGone(video.id);
        toast(`“${title}” is in the trash.`, { label: "Undo", run: () => void undo() });
    });
    const undo = () => act(async () => onChange(await call("PATCH /api/v1/videos/{id}", { id: video.id, restore: true })));
    const remove = () => act(async () => {
        setSheet("");
        await call("DELETE /api/v1/videos/{id}", { id: video.id, now: true });
        onGone(video.id);
        toast(`“${title}” is deleted.`);
    });
    const retry = () => act(async () => onChange(await call("POST /api/v1/videos/{id}/retry", { id: video.id })));
    const open = (visibility: Visibility) => act(async () => onChange(await call("PATCH /api/v1/videos/{id}", { id: video.id, visibility })));

    return (
        <article class="own" aria-label={title}>
            {/* in the trash nobody is sent its files, pictures neither */}
            <Poster id={video.id} poster={video.poster} has={!trashed && video.has_poster} sound={video.state === "ready" && !video.width}>
                {!!video.duration_ms && <span class="board">{clock(video.duration_ms)}</span>}
            </Poster>
            <div class="text">
                <h2>{playable(video) && !trashed ? <a href={`/watch/${video.id}`}>{title}</a> : title}</h2>
                <p class="row"><StateChip video={video} /><span class="small quiet">{ago(video.created_at)}</span></p>
                {!settled(video) && <Going video={video} />}
                {video.virus && video.virus !== "infected" && <p class="small quiet">{VIRUS[video.virus]}</p>}
                {video.damaged && <p class="small quiet">Some of the original could not be decoded; the gaps hold the last good picture.</p>}
                <div class="row">
                    {trashed ? <>
                        <button type="button" class="button slim" onClick={() => void restore()}><Icon name="retry" size={18} />Restore</button>
                        <button type="button" class="button slim danger" onClick={() => setSheet("delete")}><Icon name="trash" size={18} />Delete for good</button>
                    </> : <>
                        <select class="input slim" aria-label={`Who may watch ${title}`} value={video.visibility}
                            onChange={(e) => void open(e.currentTarget.value as Visibility)}>
                            {VISIBILITY.map(([v, text]) => <option key={v} value={v} selected={v === video.visibility}>{text.split(":")[0]}</option>)}
                        </select>
                        <button type="button" class="button slim" onClick={() => setSheet("edit")}><Icon name="edit" size={18} />Edit</button>
                        <button type="button" class="button slim" aria-expanded={shown === "why"} onClick={() => show("why")}><Icon name="info" size={18} />Why</button>
                        {playable(video) && <button type="button" class="button slim" aria-expanded={shown === "figures"} onClick={() => show("figures")}><Icon name="figures" size={18} />Figures</button>}
                        <button type="button" class="button slim" onClick={() => void trash()}><Icon name="trash" size={18} />Trash</button>
                    </>}
                </div>
            </div>
            <div class="more stack">
                {video.state === "failed" && (
                    <Notice kind="bad">
                        <p><strong>{video.reason || "It could not be made."}</strong></p>
                        {video.virus !== "waiting" && <p><button type="button" class="button slim" onClick={() => void retry()}><Icon name="retry" size={18} />Try again</button></p>}
                    </Notice>
                )}
                {video.virus === "failed" && video.state !== "failed" && !trashed && (
                    <p><button type="button" class="button slim" onClick={() => void retry()}><Icon name="retry" size={18} />Scan again</button></p>
                )}
                {shown === "why" && <Why id={video.id} key={video.state} />}
                {shown === "figures" && <Figures id={video.id} />}
            </div>
            {sheet === "edit" && <EditVideo video={video} onSaved={onChange} onClose={() => setSheet("")} />}
            {sheet === "delete" && <Confirm title="Delete for good?" text={`“${title}” and its files will be gone. This cannot be undone.`}
                action="Delete for good" onYes={() => void remove()} onNo={() => setSheet("")} />}
        </article>
    );
}

const VIRUS: Record<Exclude<VirusScan, "infected">, string> = {
    waiting: "Its file waits for the virus scanner.",
    clean: "The virus scanner found nothing in its file.",
    partial: "The virus scanner found nothing in the part of its file that it looks at.",
    failed: "The virus scanner could say nothing of its file.",
};

function Going({ video }: { video: Video }) {
    const { uploaded_bytes: sent = 0, declared_bytes: size = 0, runs_done: done = 0, runs_total: total = 0 } = video;
    if (video.state === "waiting" && video.imported)
        return <p class="small quiet">Its file is fetched from its address; nothing has come of it yet.</p>;
    if (video.state === "waiting")
        return <p class="small"><a href="/upload">Go on with its upload</a></p>;
    return (
        <>
            {size > 0 && sent < size && <Meter label={video.imported ? "Fetching" : "Uploading"} part={sent} whole={size} text={`${bytes(sent)} of ${bytes(size)}`} />}
            {total > 0 && <Meter label="Preparing" part={done} whole={total} text={partsDone(done, total, video.left_ms)} />}
        </>
    );
}
