// For administrators: every account, what it may do, and whether it may sign in.
import type { Role, User } from "#api";
import { useState } from "preact/hooks";
import { call, saying } from "../api/http";
import { atLeast, me } from "../api/session";
import { day } from "../lib/format";
import { usePages } from "../lib/use-load";
import { MoreButton } from "../parts/more-button";
import { NeedsAccount } from "../parts/needs-account";
import { Failure, Notice, Waiting } from "../parts/notice";
import { Heading, usePage } from "../parts/page";
import { toast } from "../parts/toasts";

const ROLES: [Role, string][] = [["viewer", "Viewer: watches"], ["creator", "Creator: uploads"], ["moderator", "Moderator"], ["admin", "Administrator"]];

export function People() {
    usePage("People");
    return (
        <NeedsAccount title="People">
            <Heading>People</Heading>
            {atLeast("admin") ? <Accounts /> : <Notice kind="info"><p>This page is for administrators.</p></Notice>}
        </NeedsAccount>
    );
}

function Accounts() {
    const pages = usePages((cursor, signal) => call("GET /api/v1/users", { cursor: cursor ?? "" }, { signal }), []);
    return (
        <section class="stack" aria-label="Accounts">
            {pages.error !== undefined && <Failure error={pages.error} retry={pages.items ? undefined : pages.reload} />}
            {!pages.items && pages.error === undefined && <Waiting what="Loading the accounts" />}
            <ul class="mine" role="list">
                {pages.items?.map((user) => (
                    <li key={user.id}>
                        <Account user={user} onChange={(now) => pages.change((had) => had.map((u) => (u.id === now.id ? now : u)))} />
                    </li>
                ))}
            </ul>
            <MoreButton pages={pages} />
        </section>
    );
}

function Account({ user, onChange }: { user: User; onChange: (now: User) => void }) {
    const [busy, setBusy] = useState(false);
    const name = user.name || user.email || "Somebody";
    const mine = user.id === me.value?.id;      // nobody takes away his own rights
    const change = async (to: { role?: Role; disabled?: boolean; birthday?: string }, told: string) => {
        setBusy(true);
        try {
            onChange(await call("PATCH /api/v1/users/{id}", { id: user.id, ...to }));
            toast(told);
        } catch (error) {
            toast(`Nothing was changed: ${saying(error)}`);
            onChange({ ...user });
        } finally {
            setBusy(false);
        }
    };
    const choose = (event: Event) => {
        const chosen = (event.currentTarget as HTMLSelectElement).value as Role;
        void change({ role: chosen }, `${name} is ${chosen} now.`);
    };
    const correct = (event: Event) => {
        const { value } = event.currentTarget as HTMLInputElement;
        if (value && value !== user.birthday)
            void change({ birthday: value }, `The birthday of ${name} is ${day(value)} now.`);
    };
    return (
        <article class="panel row apart" aria-label={name}>
            <div class="stack tight">
                <div class="row">
                    <h2>{name}</h2>
                    {mine && <span class="chip">You</span>}
                    {!user.verified && <span class="chip">Not verified</span>}
                    {user.disabled && <span class="chip bad">Disabled</span>}
                </div>
                <p class="small quiet">{user.email} · since {day(user.created_at)}</p>
            </div>
            <div class="row">
                {user.birthday && <input type="date" class="input slim" aria-label={`Birthday of ${name}`} defaultValue={user.birthday} disabled={busy} onBlur={correct} />}
                <select class="input slim" aria-label={`Role of ${name}`} value={user.role} disabled={mine || busy} onChange={choose}>
                    {ROLES.map(([role, label]) => <option key={role} value={role} selected={role === user.role}>{label}</option>)}
                </select>
                <button type="button" class={`button slim${user.disabled ? "" : " danger"}`} disabled={mine} aria-disabled={busy}
                    aria-label={`${user.disabled ? "Enable" : "Disable"} ${name}`}
                    onClick={() => busy || void change({ disabled: !user.disabled }, user.disabled ? `${name} may sign in again.` : `${name} is signed out everywhere and may not sign in.`)}>
                    {user.disabled ? "Enable" : "Disable"}
                </button>
            </div>
        </article>
    );
}
