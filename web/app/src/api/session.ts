// Who is signed in. The credential is a cookie that no script sees; the page knows the account alone.
import type { Role, User } from "#api";
import { signal } from "@preact/signals";
import { Problem, call, whenSignedOut } from "./http";
import { browserName } from "../lib/format";
import { toast } from "../parts/toasts";

/** undefined: not known yet; null: nobody. */
export const me = signal<User | null | undefined>(undefined);

const RANK: Record<Role, number> = { viewer: 1, creator: 2, moderator: 3, admin: 4 };
/** Each role includes the ones before it. */
export function atLeast(role: Role): boolean {
    return !!me.value && RANK[me.value.role ?? "viewer"] >= RANK[role];
}

export async function loadSession(): Promise<void> {
    try {
        me.value = await call("GET /api/v1/users/me", {});
    } catch (error) {
        me.value = null;
        if (!(error instanceof Problem) || error.status !== 401)
            toast("Your account could not be loaded. Reload the page to try again.");
    }
}

export async function signIn(email: string, password: string): Promise<void> {
    const result = await call("POST /api/v1/auth/login", { email, password, web: true, client: browserName(navigator.userAgent) });
    me.value = result.user;
}

export async function signOut(everywhere = false): Promise<void> {
    await call("POST /api/v1/auth/logout", everywhere ? { everywhere } : {});
    me.value = null;
}

whenSignedOut(() => {
    if (me.value) {
        me.value = null;
        toast("Your session has ended. Sign in again to go on.", { label: "Sign in", href: "/signin" });
    }
});
