// Films that the server gets from an address by itself: it is given here, and followed like an upload.
import type { Video, Visibility } from "#api";
import { signal } from "@preact/signals";
import { call, saying } from "../api/http";
import { settled, useVideoLive } from "../api/video-live";
import { bytes, percent } from "../lib/format";
import { Field, Form, SubmitButton, useForm } from "../parts/field";
import { Icon } from "../parts/icon";
import { Meter } from "../parts/meter";
import { toast } from "../parts/toasts";
import { EncodingOf } from "./sending";

/** Those that were begun on this page; all others are among one's own videos. */
export const fetched = signal<Video[]>([]);

const drop = (id: string) => void (fetched.value = fetched.value.filter((v) => v.id !== id));

export function FromAddress({ visibility }: { visibility: Visibility }) {
    const form = useForm(async (data) => {
        const video = await call("POST /api/v1/videos/import", { url: String(data.get("url") ?? "").trim(), visibility });
        fetched.value = [...fetched.value, video];
        form.ref.current?.reset();
    });
    return (
        <Form form={form} label="From an address">
            <Field name="url" label="Or let the server get a film from an address" form={form} placeholder="https://example.org/film.mp4" required
                maxLength={2000} autoComplete="off" hint="Of the file itself, not of a page with a player. You may close this page meanwhile." />
            <p><SubmitButton form={form}>Import</SubmitButton></p>
        </Form>
    );
}

export function Fetching({ first }: { first: Video }) {
    const video = useVideoLive(first);
    const { id, uploaded_bytes: got = 0, declared_bytes: size = 0 } = video;
    const title = video.title || "Untitled";
    const here = settled(video) || (size > 0 && got >= size);
    const giveUp = () => call("DELETE /api/v1/videos/{id}", { id, now: true })
        .then(() => drop(id), (error: unknown) => toast(`It could not be given up: ${saying(error)}`));
    return (
        <article class="sending" aria-label={title}>
            <h2 class="small">{title}</h2>
            {!here && <Meter label={got ? "Fetching" : "Asking the server"} part={got} whole={size}
                text={size ? `${bytes(got)} of ${bytes(size)}, ${percent(got, size)} %` : got ? bytes(got) : ""} />}
            <EncodingOf video={video} />
            <div class="row">
                {here
                    ? <button type="button" class="button slim" onClick={() => drop(id)}>Take off this list</button>
                    : <button type="button" class="button slim danger" onClick={() => void giveUp()}><Icon name="close" size={18} />Give up</button>}
            </div>
        </article>
    );
}
