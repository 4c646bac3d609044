import type { Visibility } from "#api";
import { useEffect, useRef, useState } from "preact/hooks";
import { me } from "../api/session";
import { plural } from "../lib/format";
import { Icon } from "../parts/icon";
import { NeedsAccount } from "../parts/needs-account";
import { Heading, usePage } from "../parts/page";
import { VISIBILITY } from "../parts/state-chip";
import { Fetching, FromAddress, fetched } from "../upload/fetching";
import { addFiles, items, recall } from "../upload/manager";
import { Sending } from "../upload/sending";

export function Upload() {
    usePage("Upload");
    return <NeedsAccount title="Upload a video" role="creator"><Uploads /></NeedsAccount>;
}

function Uploads() {
    const [visibility, setVisibility] = useState<Visibility>("private");
    useEffect(recall, [me.value?.id]);
    return (
        <div class="column stack">
            <Heading>Upload</Heading>
            <div class="field">
                <label for="visibility">Who may watch what you upload now</label>
                <select id="visibility" class="input" value={visibility} onChange={(e) => setVisibility(e.currentTarget.value as Visibility)}>
                    {VISIBILITY.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
                </select>
            </div>
            <DropZone onFiles={(files) => addFiles(files, visibility)} />
            <FromAddress visibility={visibility} />
            <section class="stack" aria-label="Your uploads">
                {[...fetched.value].reverse().map((video) => <Fetching key={video.id} first={video} />)}
                {[...items.value].reverse().map((item) => <Sending key={item.key} item={item} />)}
            </section>
        </div>
    );
}

function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
    const input = useRef<HTMLInputElement>(null);
    const [over, setOver] = useState(0);
    const [told, setTold] = useState("");
    const take = (list: FileList | null | undefined) => {
        const files = [...(list ?? [])];
        if (files.length) {
            setTold(`${plural(files.length, "file")} added`);
            onFiles(files);
        }
    };
    useEffect(() => {               // a file that misses the zone must not replace the page
        const stay = (event: DragEvent) => event.dataTransfer?.types.includes("Files") && event.preventDefault();
        addEventListener("dragover", stay);
        addEventListener("drop", stay);
        return () => {
            removeEventListener("dragover", stay);
            removeEventListener("drop", stay);
        };
    }, []);
    return (
        <div class={`dropzone${over > 0 ? " over" : ""}${items.value.length ? " some" : ""}`} onDragEnter={() => setOver((n) => n + 1)} onDragLeave={() => setOver((n) => n - 1)}
            onDragOver={(e) => e.preventDefault()} onDrop={(e) => (e.preventDefault(), setOver(0), take(e.dataTransfer?.files))}>
            <Icon name="upload" size={40} />
            <p><strong>Drop videos here</strong></p>
            <input ref={input} id="files" class="unseen" type="file" multiple accept="video/*,audio/*,.mkv,.ts,.mts,.m2ts,.flv,.avi,.wmv" tabIndex={-1}
                aria-label="Video files" onChange={() => (take(input.current?.files), (input.current!.value = ""))} />
            <button type="button" class="button main" onClick={() => input.current?.click()}>Choose files</button>
            <p class="quiet small">Any length; any format that this server knows. A broken connection costs nothing: it goes on where it stopped.</p>
            <span class="unseen" role="status">{told}</span>
        </div>
    );
}
