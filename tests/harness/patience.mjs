// How long tests in JavaScript wait for what is to come. A wait ends when it comes, so its bound only ends what hangs: it is one for
// all, and far beyond what the busiest machine takes.
import assert from "node:assert/strict";

export const WAIT = 180_000;        // ms

/** Returns when condition() holds, or what it resolves to does. */
export async function eventually(condition, what = condition) {
    for (const end = Date.now() + WAIT; !await condition(); await new Promise((then) => setTimeout(then, 20)))
        assert.ok(Date.now() < end, `in vain: ${what}`);
}
