// All uploads of this page. They live outside of the pages, so that one can browse and watch meanwhile; two at a time.
// tus itself is loaded with the first of them.
import type { Visibility } from "#api";
import { computed, effect, signal } from "@preact/signals";
import type { Upload } from "tus-js-client";
import { call, randomKey, saying } from "../api/http";
import { me } from "../api/session";
import { type Remembered, forget, isSame, remember, remembered } from "./remembered";
import { tailOf } from "./tail";

export type Phase = "queued" | "sending" | "paused" | "lost" | "sent" | "failed";

export interface Item {
    key: string;
    file: File | undefined;         // undefined in phase "lost": to be chosen again
    name: string;
    size: number;
    sent: number;
    speed: number;                  // bytes a second
    phase: Phase;
    title: string;
    visibility: Visibility;
    videoId: string;                // empty until the server knows it
    url: string;                    // of its tus upload; of two, with a space between, where its tail is sent first
    error: string;
}

/** Bytes of a file that one tus upload carries: all of them, or its tail or what lies before it. */
interface Stretch {
    from: number;
    until: number;
    nth: number;
}

const AT_ONCE = 2;
const PIECE = 32 * 1024 * 1024;     // a PATCH; what an interruption can cost to be sent again is far less

export const items = signal<Item[]>([]);
export const active = computed(() => items.value.filter((i) => i.phase === "sending" || i.phase === "queued"));
const running = new Map<string, Upload>();

function change(key: string, to: Partial<Item>): void {
    items.value = items.value.map((i) => (i.key === key ? { ...i, ...to } : i));
}

const find = (key: string) => items.value.find((i) => i.key === key);

export function titleOf(name: string): string {
    return name.replace(/\.[^.]{1,5}$/, "").replace(/[_\s]+/g, " ").trim().slice(0, 200) || "Untitled";
}

/** Takes files in; one that was begun before goes on where it stopped. */
export function addFiles(files: Iterable<File>, visibility: Visibility): void {
    for (const file of files) {
        const lost = items.value.find((i) => i.phase === "lost" && isSame(asRemembered(i), file));
        if (lost) {
            change(lost.key, { file, phase: "queued", error: "" });
        } else {
            items.value = [...items.value, {
                key: randomKey(), file, name: file.name, size: file.size, sent: 0, speed: 0, phase: "queued", title: titleOf(file.name),
                visibility, videoId: "", url: "", error: "",
            }];
        }
    }
    next();
}

/** Puts what was begun before a reload into the list again. */
export function recall(): void {
    const had = new Set(items.value.map((i) => i.videoId));
    const found = remembered().filter((r) => r.owner === me.value?.id && !had.has(r.videoId));
    items.value = [...items.value, ...found.map((r): Item => ({
        key: randomKey(), file: undefined, name: r.name, size: r.size, sent: r.sent, speed: 0, phase: "lost", title: r.title,
        visibility: "private", videoId: r.videoId, url: r.url, error: "",
    }))];
}

function next(): void {
    const free = AT_ONCE - items.value.filter((i) => i.phase === "sending").length;
    for (const item of items.value.filter((i) => i.phase === "queued").slice(0, Math.max(0, free)))
        void send(item.key);
}

async function send(key: string): Promise<void> {
    change(key, { phase: "sending", error: "" });
    try {
        const { Upload } = await import("tus-js-client");
        let item = find(key);
        if (item && !item.videoId) {
            const ask = { title: item.title, visibility: item.visibility };
            const video = await call("POST /api/v1/videos", ask, { once: key });
            change(key, { videoId: video.id });
            item = find(key);
        }
        if (!item?.file || item.phase !== "sending")
            return;
        const { file } = item;
        const tail = item.url && !item.url.includes(" ") ? 0 : await tailOf(file);
        const stretches = tail ? [{ from: tail, until: file.size, nth: 0 }, { from: 0, until: tail, nth: 1 }] : [{ from: 0, until: file.size, nth: 0 }];
        if (tail && !item.url)
            change(key, { url: " " });
        for (const stretch of stretches)
            await sendStretch(Upload, key, file, stretch);
        if (tail)
            await join(key);
        change(key, { phase: "sent", sent: file.size, speed: 0 });
        forget(item.videoId);
        next();
    } catch (error) {
        change(key, { phase: "failed", error: saying(error) });
        next();
    }
}

const urlsOf = (key: string) => (find(key)?.url ?? "").split(" ");

/** Sends one stretch of a file. One that is paused or given up is never heard of again: going on begins anew. */
function sendStretch(Kind: typeof Upload, key: string, file: File, { from, until, nth }: Stretch): Promise<void> {
    const whole = from === 0 && until === file.size;
    const before = nth ? file.size - until : 0;     // sent by the stretch that went first
    const item = find(key);
    let last = { at: performance.now(), sent: -1 };
    return new Promise((done) => {
        if (item?.phase !== "sending")
            return;
        const upload: Upload = new Kind(whole ? file : file.slice(from, until), {
            endpoint: "/api/v1/uploads",
            uploadUrl: urlsOf(key)[nth] || null,
            chunkSize: PIECE,
            retryDelays: [500, 1000, 3000, 5000, 10_000, 20_000],
            storeFingerprintForResuming: false,     // remembered here, with the video it belongs to
            removeFingerprintOnSuccess: true,
            headers: {
                "X-Kinobus": "1",
                ...(whole ? {} : { "Upload-Concat": "partial", "Upload-Video": item.videoId, "Upload-At": String(from), "Upload-Total": String(file.size) }),
            },
            metadata: { filename: file.name, filetype: file.type, video_id: item.videoId },
            onUploadUrlAvailable() {
                const urls = urlsOf(key);
                urls[nth] = upload.url ?? "";
                change(key, { url: urls.join(" ") });
                keepInMind(key);
            },
            onProgress(bytes) {
                const now = performance.now();
                const seconds = (now - last.at) / 1000;
                const sent = before + bytes;
                if (last.sent < 0)
                    last = { at: now, sent };
                if (seconds < 0.5 && sent < file.size)
                    return;
                const speed = seconds > 0 ? Math.max(0, (sent - last.sent) / seconds) : 0;
                const had = find(key)?.speed ?? 0;
                change(key, { sent, speed: had ? 0.7 * had + 0.3 * speed : speed });
                last = { at: now, sent };
            },
            onChunkComplete: () => keepInMind(key),
            onSuccess() {
                running.delete(key);
                done();
            },
            onError(error) {
                running.delete(key);
                change(key, { phase: "failed", speed: 0, error: reason(error) });
                next();
            },
        });
        running.set(key, upload);
        upload.start();
    });
}

/** Both stretches are there: the server takes them for one file. */
async function join(key: string): Promise<void> {
    const [tail = "", front = ""] = urlsOf(key).map((url) => new URL(url, location.href).pathname);
    const video = btoa(find(key)?.videoId ?? "");
    const response = await fetch("/api/v1/uploads", {
        method: "POST", credentials: "same-origin",
        headers: { "X-Kinobus": "1", "Tus-Resumable": "1.0.0", "Upload-Concat": `final;${front} ${tail}`, "Upload-Metadata": `video_id ${video}` },
    });
    if (!response.ok)
        throw new Error(problem(await response.text(), response.status));
}

function reason(error: Error): string {
    const response = (error as { originalResponse?: { getStatus(): number; getBody(): string } | null }).originalResponse;
    if (!response)
        return "The server cannot be reached. What was sent is kept; go on when the connection is back.";
    return problem(response.getBody(), response.getStatus());
}

function problem(body: string, status: number): string {
    try {
        const said = JSON.parse(body) as { detail?: string; title?: string };
        return said.detail ?? said.title ?? `The server answered ${status}.`;
    } catch {
        return `The server answered ${status}.`;
    }
}

export async function pause(key: string): Promise<void> {
    change(key, { phase: "paused", speed: 0 });
    const upload = running.get(key);
    running.delete(key);
    await upload?.abort();
    next();
}

export function resume(key: string): void {
    change(key, { phase: "queued", error: "" });
    next();
}

/** Gives an upload up: what was sent goes with the video to the trash. */
export async function discard(key: string): Promise<void> {
    const item = find(key);
    if (!item)
        return;
    await running.get(key)?.abort();
    running.delete(key);
    if (item.videoId && item.phase !== "sent")
        await call("DELETE /api/v1/videos/{id}", { id: item.videoId, now: true });
    drop(key);
}

/** Takes a finished one out of the list. */
export function drop(key: string): void {
    forget(find(key)?.videoId ?? "");
    items.value = items.value.filter((i) => i.key !== key);
    next();
}

function asRemembered(i: Item): Remembered {
    const known = remembered().find((r) => r.videoId === i.videoId);
    return {
        videoId: i.videoId, owner: me.value?.id ?? "", url: i.url, name: i.name, size: i.size,
        modified: i.file?.lastModified ?? known?.modified ?? 0, title: i.title, sent: i.sent,
    };
}

function keepInMind(key: string): void {
    const item = find(key);
    if (item?.videoId)
        remember(asRemembered(item));
}

export function rename(key: string, title: string): void {
    change(key, { title });
    keepInMind(key);
}

effect(() => {                      // closing the page would stop what is on its way: the browser asks first
    onbeforeunload = active.value.length ? (event) => event.preventDefault() : null;
});
