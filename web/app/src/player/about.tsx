// What there is to read about a video; its owner may change it.
import type { Video } from "#api";
import { useState } from "preact/hooks";
import { atLeast, me } from "../api/session";
import { ago, moment } from "../lib/format";
import { Download } from "../parts/download";
import { EditVideo } from "../parts/edit-video";
import { Icon } from "../parts/icon";
import { KeepButton } from "../parts/keep-button";
import { Heading } from "../parts/page";
import { toast } from "../parts/toasts";

const SHOWN: Record<string, string> = { private: "Private", unlisted: "Unlisted" };

export function About({ video, onEdited }: { video: Video; onEdited: (video: Video) => void }) {
    const [sheet, setSheet] = useState<"" | "edit" | "download">("");
    const own = me.value?.id === video.owner_id;
    const mayEdit = own || atLeast("moderator");
    const mayKeep = video.state === "ready" && (own || video.allow_download);
    const when = video.published_at ?? video.created_at;
    const share = async () => {
        const url = `${location.origin}/watch/${video.id}`;
        try {
            await navigator.clipboard.writeText(url);
            toast("The link is copied.");
        } catch {
            toast(url);             // plain http: the page may not reach the clipboard
        }
    };
    return (
        <div class="about">
            <div class="stack tight">
                <Heading>{video.title || "Untitled"}</Heading>
                <p class="row quiet">
                    {video.owner_name && <strong>{video.owner_name}</strong>}
                    <time dateTime={when} title={moment(when)}>{ago(when)}</time>
                    {SHOWN[video.visibility ?? ""] && <span class="chip"><Icon name="lock" size={15} />{SHOWN[video.visibility ?? ""]}</span>}
                    {!!video.minimum_age && <span class="chip">From {video.minimum_age} years</span>}
                    {video.window?.until && Date.parse(video.window.until) > Date.now() && <span>Until <time dateTime={video.window.until}>{moment(video.window.until)}</time></span>}
                </p>
            </div>
            <div class="row">
                <KeepButton id={video.id} />
                <button type="button" class="button slim" onClick={() => void share()}><Icon name="link" size={18} />Copy link</button>
                {mayEdit && <button type="button" class="button slim" onClick={() => setSheet("edit")}><Icon name="edit" size={18} />Edit</button>}
                {mayKeep && <button type="button" class="button slim" onClick={() => setSheet("download")}><Icon name="download" size={18} />Download</button>}
            </div>
            {video.description && <p class="text">{video.description}</p>}
            {!!video.tags?.length && (
                <ul class="row" role="list" aria-label="Tags">
                    {video.tags.map((tag) => <li key={tag}><a class="chip" href={`/search?q=${encodeURIComponent(tag)}`}>{tag}</a></li>)}
                </ul>
            )}
            {!!video.people?.length && (
                <section class="stack tight" aria-labelledby="people">
                    <h2 id="people">People</h2>
                    <ul class="people" role="list">
                        {video.people.map((p) => (
                            <li key={p.name + p.role}><a href={`/search?q=${encodeURIComponent(p.name)}`}>{p.name}</a>{p.role && <div class="small quiet">{p.role}</div>}</li>
                        ))}
                    </ul>
                </section>
            )}
            {sheet === "edit" && <EditVideo video={video} onSaved={onEdited} onClose={() => setSheet("")} />}
            {sheet === "download" && <Download video={video} onClose={() => setSheet("")} />}
        </div>
    );
}
