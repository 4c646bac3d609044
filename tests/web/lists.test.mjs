// Lists of one's own: what is kept for later, what was watched.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALICE, assertAccessible, useSite } from "./lib/browser.mjs";

const site = useSite();

async function watching(as) {
    await site.begin();
    return site.open(`/watch/${site.state.titled("How bread rises").id}`, { as });
}

test("a video is kept for later, listed, and taken off again", async () => {
    const page = await watching(ALICE);
    const button = page.getByRole("button", { name: "Watch later" });
    await button.click();
    await page.waitForFunction(() => document.querySelector("button[aria-pressed=true]"));
    await page.reload();
    await page.locator("button[aria-pressed=true]").waitFor();      // the server knows it
    await page.goto(`${site.url}/later`);
    await page.getByRole("link", { name: "How bread rises" }).waitFor();
    await assertAccessible(page, "the watchlist");
    await page.getByRole("button", { name: "Remove How bread rises from the watchlist" }).click();
    await page.getByRole("heading", { name: "Nothing is kept for later" }).waitFor();
    assert.equal(site.state.kept.size, 0);
});

test("what is kept for later has a shelf at home", async () => {
    const page = await watching(ALICE);
    await page.getByRole("button", { name: "Watch later" }).click();
    await page.locator("button[aria-pressed=true]").waitFor();
    await page.goto(site.url);
    await page.getByRole("region", { name: "Watch later" }).getByRole("link", { name: "How bread rises" }).waitFor();
});

test("who is not signed in is not offered a list", async () => {
    const page = await watching();
    await page.getByRole("button", { name: "Copy link" }).waitFor();
    await page.getByRole("button", { name: "Pause" }).or(page.getByRole("button", { name: "Play" })).first().waitFor();
    assert.equal(await page.getByRole("button", { name: "Watch later" }).count(), 0);
    await page.goto(`${site.url}/later`);
    await page.getByRole("main").getByRole("link", { name: "Sign in" }).waitFor();
});

test("one video, then all, are forgotten from the history", async () => {
    const page = await site.open("/", { as: ALICE });
    const alice = [...site.state.users.values()].find((u) => u.user.email === ALICE.email).user;
    for (const video of site.state.listed().filter((v) => v.state === "ready").slice(0, 6))
        site.state.progress.set(`${alice.id}/${video.id}`, { position_ms: 23_000, duration_ms: video.duration_ms, updated_at: new Date().toISOString() });
    await page.goto(`${site.url}/history`);
    const removes = page.getByRole("button", { name: "from the history" });
    await removes.first().waitFor();
    const before = await removes.count();
    await removes.first().click();
    await page.waitForFunction((n) => document.querySelectorAll("main li button").length === n, before - 1);
    await assertAccessible(page, "the history");
    await page.getByRole("button", { name: "Forget all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Forget all" }).click();
    await page.getByRole("heading", { name: "You have not watched anything yet" }).waitFor();
    assert.equal(site.state.progress.size, 0);
});
