// One function for every call of the HTTP API. Routes, requests and replies are typed from the schemas ("#api"), and
// a request becomes HTTP by the same rule as in the front: {names} fill the path, the rest goes into the query of a
// GET or DELETE, else into a JSON body.
import type { Calls, Refusal } from "#api";

export type Route = keyof Calls;
export type Ask<R extends Route> = Calls[R]["request"];
export type Reply<R extends Route> = Calls[R]["reply"];

export interface CallOptions {
    signal?: AbortSignal | undefined;
    keepalive?: boolean;            // may outlive the page
    once?: string;                  // idempotency key
}

/** An error as RFC 9457 tells it, or one of our own when no answer came. */
export class Problem extends Error {
    readonly status: number;
    readonly title: string;
    readonly retryable: boolean;
    readonly requestId: string | undefined;
    readonly fields: Record<string, string> = {};
    readonly refusals: Refusal[];   // rules that do not let a video be watched; the first one decided

    constructor(status: number, document: Record<string, unknown>) {
        const title = String(document["title"] ?? (status ? "The server answered with an error." : "The server cannot be reached."));
        super(String(document["detail"] ?? title));
        this.status = status;
        this.title = title;
        this.retryable = document["retryable"] === true || status === 0;
        this.requestId = document["request_id"] as string | undefined;
        this.refusals = (document["refusals"] as Refusal[] | undefined) ?? [];
        for (const e of (document["errors"] as { field?: string; message?: string }[] | undefined) ?? [])
            if (e.field)
                this.fields[e.field] = e.message ?? this.message;
    }
}

/** What a thrown value says to a person. */
export function saying(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

export function isAbort(error: unknown): boolean {
    return error instanceof DOMException && error.name === "AbortError";
}

let onSignedOut: () => void = () => {};
/** Called when the server no longer knows the session. */
export function whenSignedOut(then: () => void): void {
    onSignedOut = then;
}

export async function call<R extends Route>(route: R, ask: Ask<R>, options: CallOptions = {}): Promise<Reply<R>> {
    const [method, template] = route.split(" ") as [string, string];
    const rest: Record<string, unknown> = { ...ask };
    let url = template.replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = rest[name];
        delete rest[name];
        return encodeURIComponent(String(value));
    });
    const init: RequestInit = { method, headers: { Accept: "application/json" }, credentials: "same-origin" };
    const headers = init.headers as Record<string, string>;
    if (options.signal)
        init.signal = options.signal;
    if (method === "GET" || method === "DELETE") {
        const query = new URLSearchParams();
        for (const [name, value] of Object.entries(rest))
            if (value !== undefined && value !== "")
                query.set(name, String(value));
        if (query.size)
            url += "?" + query;
    } else {
        headers["Content-Type"] = "application/json";
        init.body = JSON.stringify(rest);
    }
    if (method !== "GET")
        headers["X-Kinobus"] = "1";
    if (options.once)
        headers["Idempotency-Key"] = options.once;
    if (options.keepalive)
        init.keepalive = true;
    return answer<R>(url, init, method === "GET" ? 2 : 0);
}

async function answer<R extends Route>(url: string, init: RequestInit, tries: number): Promise<Reply<R>> {
    let problem: Problem;
    let wait = 400;
    try {
        const response = await fetch(url, init);
        if (response.ok)
            return (response.status === 204 || !response.headers.get("content-type")?.includes("json")
                ? undefined : await response.json()) as Reply<R>;
        problem = new Problem(response.status, await response.json().catch(() => ({})) as Record<string, unknown>);
        const after = Number(response.headers.get("retry-after"));
        if (after > 3)
            tries = 0;              // whoever asked decides
        else if (after > 0)
            wait = after * 1000;
    } catch (error) {
        if (isAbort(error))
            throw error;
        problem = new Problem(0, {});
    }
    if (problem.status === 401 && !url.startsWith("/api/v1/auth/") && !url.startsWith("/api/v1/users/"))
        onSignedOut();
    if (!tries || !problem.retryable)
        throw problem;
    await new Promise((then) => setTimeout(then, wait));    // a process that restarts is back within a second
    return answer<R>(url, init, tries - 1);
}

/** Random text for idempotency keys; crypto.randomUUID is missing on plain-http hosts. */
export function randomKey(): string {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
