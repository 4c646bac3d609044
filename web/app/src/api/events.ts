// Server-sent events: one connection for all of a page, while somebody is signed in. It is a convenience: everything
// it tells can be asked for as well, and `live` says whether asking is needed.
import type { Notification, VideoProgress } from "#api";
import { effect, signal } from "@preact/signals";
import { me } from "./session";

interface Told {
    video_progress: VideoProgress;
    notification: Notification;
    /** Something may have been missed: ask anew. Told by the server, and after each new connection. */
    lost: Record<string, never>;
}

/** Whether events arrive at the moment. */
export const live = signal(false);

const listeners = new Map<keyof Told, Set<(told: never) => void>>();
let source: EventSource | null = null;
let again: ReturnType<typeof setTimeout> | undefined;
let delay = 1000;

/** Calls `then` for every event of that name until the returned function is called. */
export function on<E extends keyof Told>(event: E, then: (told: Told[E]) => void): () => void {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set.add(then));
    return () => void set.delete(then);
}

function tell(event: keyof Told, text: string): void {
    let told: never;
    try {
        told = JSON.parse(text) as never;
    } catch {
        return;                     // of a version that this page does not know
    }
    for (const then of listeners.get(event) ?? [])
        then(told);
}

function open(): void {
    clearTimeout(again);
    source = new EventSource("/api/v1/events");
    source.onopen = () => {
        live.value = true;
        delay = 1000;
        tell("lost", "{}");         // nothing is replayed
    };
    source.onerror = () => {
        live.value = false;
        if (source?.readyState !== EventSource.CLOSED)
            return;                 // the browser tries again by itself
        again = setTimeout(open, delay);
        delay = Math.min(delay * 2, 60_000);
    };
    for (const event of ["video_progress", "notification", "lost"] as const)
        source.addEventListener(event, (e) => tell(event, (e as MessageEvent<string>).data));
}

function close(): void {
    clearTimeout(again);
    source?.close();
    source = null;
    live.value = false;
}

/** Follows the session: open while signed in, closed otherwise. */
export function followEvents(): void {
    let who: string | undefined;
    effect(() => {
        const now = me.value?.id;
        if (now === who)
            return;
        who = now;
        close();
        if (now)
            open();
    });
}
