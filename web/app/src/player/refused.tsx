// Why somebody may not watch a video, in the words of the rules that say so; and to who may all the same, what others meet.
import type { Refusal } from "#api";
import { useEffect } from "preact/hooks";
import { me } from "../api/session";
import { moment } from "../lib/format";
import { Icon } from "../parts/icon";
import { Notice } from "../parts/notice";

const LONGEST_MS = 2_000_000_000;   // that a browser waits for

export function Refused({ refusals, retry }: { refusals: Refusal[]; retry: () => void }) {
    const opens = refusals.length === 1 ? refusals[0]!.from : undefined;
    useEffect(() => {
        const wait = opens ? Date.parse(opens) - Date.now() : NaN;
        if (!(wait < LONGEST_MS))
            return;
        const timer = setTimeout(retry, Math.max(1000, wait));
        return () => clearTimeout(timer);
    }, [opens]);
    const needs = (rule: string) => refusals.some((r) => r.rule === rule);
    return (
        <section class="player refused" aria-labelledby="refused">
            <div class="fail" role="alert">
                <h2 id="refused" class="row"><Icon name="lock" />You cannot watch this {opens ? "yet" : "here and now"}</h2>
                {refusals.map((r) => <p key={r.rule}>{r.sentence}{said(r)}</p>)}
                <p class="row">
                    {(needs("age") || needs("role")) && !me.value && <a class="button main" href={`/signin?next=${encodeURIComponent(location.pathname)}`}>Sign in</a>}
                    {needs("age") && me.value && !me.value.birthday && <a class="button main" href="/account">Your account</a>}
                    {needs("streams") && <button type="button" class="button main" onClick={retry}>Try again</button>}
                </p>
            </div>
        </section>
    );
}

/** The server tells moments in UTC. */
function said(refusal: Refusal): string {
    const at = refusal.from ?? refusal.until;
    return at ? ` That is ${moment(at)} where you are.` : "";
}

export function OthersMeet({ refusals }: { refusals: Refusal[] }) {
    return (
        <Notice kind="info">
            <p><strong>You may watch it, others may not, or not all of them:</strong></p>
            <ul>{refusals.map((r) => <li key={r.rule}>{r.sentence}</li>)}</ul>
        </Notice>
    );
}
