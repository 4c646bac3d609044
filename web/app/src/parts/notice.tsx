// Boxes that say something is so: good, bad, or to be waited for; and what a failed load looks like.
import type { ComponentChildren } from "preact";
import { Problem, saying } from "../api/http";
import { Icon, type IconName } from "./icon";

type Kind = "bad" | "good" | "wait" | "info";
const ICONS: Record<Kind, IconName> = { bad: "warn", good: "good", wait: "wait", info: "info" };

export function Notice({ kind, alert, children }: { kind: Kind; alert?: boolean; children: ComponentChildren }) {
    return (
        <div class={`note ${kind}`} role={alert ? "alert" : undefined}>
            <Icon name={ICONS[kind]} />
            <div>{children}</div>
        </div>
    );
}

/** An error, what to do about it, and the number to quote to whoever runs the server. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
    const problem = error instanceof Problem ? error : undefined;
    return (
        <Notice kind="bad" alert>
            <p><strong>{saying(error)}</strong></p>
            <p>{advice(problem)}</p>
            {problem?.requestId && <p class="small">Request <code>{problem.requestId}</code></p>}
            {retry && <p><button type="button" class="button slim" onClick={retry}><Icon name="retry" size={18} />Try again</button></p>}
        </Notice>
    );
}

function advice(problem: Problem | undefined): string {
    switch (problem?.status) {
    case 0: return "Check your connection, then try again.";
    case 401: return "Sign in, then try again.";
    case 403: return "Ask whoever runs this server whether you should have the right to.";
    case 404: return "It may have been deleted, or be private.";
    case 409:
    case 412: return "Reload the page to see how things are now.";
    case 429: return "Wait a minute, then try again.";
    case 507: return "Whoever runs this server has to make room first.";
    default: return problem?.retryable ? "Try again in a moment." : "If it stays so, tell whoever runs this server.";
    }
}

export function Waiting({ what }: { what: string }) {
    return <p class="row quiet" role="status"><Icon name="wait" spin />{what}</p>;
}
