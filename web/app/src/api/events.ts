// Server-sent events, while somebody is signed in. They are a convenience: everything they tell can be asked for as
// well, and `live` says whether asking is needed. Where the browser has locks, all of its pages share the connection
// of one, for a server counts its listeners; when that page closes, another one takes over.
import type { Notification, VideoProgress } from "#api";
import { effect, signal } from "@preact/signals";
import { me } from "./session";

interface Told {
    video_progress: VideoProgress;
    notification: Notification;
    /** Something was missed: ask anew. The server says so when it cannot tell what a page missed while it was away. */
    lost: Record<string, never>;
}

type Shared = { event: keyof Told; text: string } | { live: boolean } | { who: true };

/** Whether events arrive at the moment. */
export const live = signal(false);

const listeners = new Map<keyof Told, Set<(told: never) => void>>();

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

/** Holds a connection until the returned function is called; hands on what it hears. */
function connect(hear: (shared: Shared) => void): () => void {
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let delay = 1000;
    const open = () => {
        let first = true;           // later the browser says what it saw last, and is told what came since
        source = new EventSource("/api/v1/events");
        source.onopen = () => {
            delay = 1000;
            hear({ live: true });
            if (first)
                hear({ event: "lost", text: "{}" });
            first = false;
        };
        source.onerror = () => {
            hear({ live: false });
            if (source.readyState !== EventSource.CLOSED)
                return;             // the browser tries again by itself
            again = setTimeout(open, delay);
            delay = Math.min(delay * 2, 60_000);
        };
        for (const event of ["video_progress", "notification", "lost"] as const)
            source.addEventListener(event, (e) => hear({ event, text: (e as MessageEvent<string>).data }));
    };
    open();
    return () => {
        clearTimeout(again);
        source.close();
        hear({ live: false });
    };
}

/** The connection of this page, or a share in that of another one. */
function join(user: string): () => void {
    const hear = (shared: Shared) => {
        if ("event" in shared)
            tell(shared.event, shared.text);
        else if ("live" in shared)
            live.value = shared.live;
    };
    if (!navigator.locks)
        return connect(hear);       // plain http: each page by itself
    const name = `kinobus.events.${user}`;
    const channel = new BroadcastChannel(name);
    const left = new AbortController();
    let holds = false;
    channel.onmessage = ({ data }: MessageEvent<Shared>) => {
        if ("who" in data && holds)
            channel.postMessage({ live: live.value } satisfies Shared);
        hear(data);
    };
    channel.postMessage({ who: true } satisfies Shared);
    navigator.locks.request(name, { signal: left.signal }, () => new Promise<void>((release) => {
        holds = true;
        const close = connect((shared) => {
            hear(shared);
            channel.postMessage(shared);
        });
        left.signal.addEventListener("abort", () => (close(), release()));
    })).catch(() => {});            // it was left before it was given
    return () => {
        left.abort();
        channel.close();
        live.value = false;
    };
}

/** Follows the session: connected while signed in. */
export function followEvents(): void {
    let who: string | undefined;
    let leave = () => {};
    effect(() => {
        const now = me.value?.id;
        if (now === who)
            return;
        who = now;
        leave();
        leave = now ? join(now) : () => {};
    });
}
