// What a player counts, and what the owner of a video is shown of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALICE, assertAccessible, until, useSite } from "./lib/browser.mjs";

const site = useSite();

/** Returns when the player has told that it is paused. */
async function pause(page) {
    const told = page.waitForResponse((r) => r.url().endsWith("/report") && r.request().postDataJSON()?.state === "paused");
    await page.getByRole("button", { name: "Pause" }).click();
    await told;
}

test("a player tells when its first picture came, and what it showed when it is stopped", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`, { still: false });
    await until(page, () => document.querySelector("video")?.currentTime > 1.5);
    await pause(page);
    const [first, ...more] = site.state.reports;
    const last = more.at(-1);
    assert.equal(first.number, 1);
    assert.ok(first.startup_ms > 0, "it took a moment");
    assert.ok(last.played_ms > 1000 && last.played_ms < 60_000, `shown: ${last.played_ms}`);
    assert.ok(last.bitrate_kbps > 0 && last.bitrate_kbps <= last.top_kbps, `quality: ${last.bitrate_kbps} of ${last.top_kbps}`);
    assert.deepEqual(site.state.reports.map((r) => r.number), site.state.reports.map((_, i) => i + 1));
});

test("a seek is not told as standing still", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`, { still: false });
    await until(page, () => document.querySelector("video")?.currentTime > 0.5);
    await page.evaluate(() => void (document.querySelector("video").currentTime = 15));
    await until(page, () => document.querySelector("video").currentTime > 15.5);
    await pause(page);
    assert.equal(site.state.reports.at(-1).stalls, 0);
});

test("who leaves the page says so", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`, { still: false });
    await until(page, () => document.querySelector("video")?.currentTime > 0.5);
    const told = page.waitForRequest((r) => r.url().endsWith("/report") && r.postDataJSON()?.state === "left");
    await page.getByRole("link", { name: "Kinobus, home" }).click();
    await told;
});

test("its owner is shown how a video was watched", async () => {
    const page = await site.open("/mine", { as: ALICE });
    const own = page.getByRole("article", { name: "How bread rises", exact: true });
    await own.getByRole("button", { name: "Figures" }).click();
    await own.getByText("Nobody has watched it").waitFor();
    site.state.figures = { views: 41, tried: 42, failed: 1, played_ms: 3_600_000, startup_p50_ms: 420, startup_p95_ms: 1900, stalls: 3, stalled_percent: 0.25,
        switches: 17, score: 93, days: [] };
    await own.getByRole("button", { name: "Figures" }).click();
    await own.getByRole("button", { name: "Figures" }).click();
    await own.getByText("93 of 100").waitFor();
    await own.getByText("0.4 s; for 95 of 100 within 1.9 s").waitFor();
    await own.getByText("1 of 42").waitFor();
    await assertAccessible(page, "the figures of a video");
});
