// Pages that only make sense for somebody who is signed in stand behind this.
import type { Role } from "#api";
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso/router";
import { atLeast, me } from "../api/session";
import { Waiting } from "./notice";
import { Heading } from "./page";

export function NeedsAccount({ title, role = "viewer", children }: { title: string; role?: Role; children: ComponentChildren }) {
    const { url } = useLocation();
    if (me.value === undefined)
        return <Waiting what="Loading your account" />;
    if (atLeast(role))
        return <>{children}</>;
    return (
        <div class="empty-page">
            <Heading>{title}</Heading>
            {me.value
                ? <p>Your account may watch, but not upload. Ask whoever runs this server to make you a creator.</p>
                : <>
                    <p>This page is for people with an account.</p>
                    <p class="row">
                        <a class="button main" href={`/signin?next=${encodeURIComponent(url)}`}>Sign in</a>
                        <a class="button" href="/register">Create an account</a>
                    </p>
                </>}
        </div>
    );
}
