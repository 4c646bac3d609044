// What a player counts, and what the owner of a video is shown of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALICE, assertAccessible, endless, until, useSite } from "./lib/browser.mjs";

const site = useSite();
const SLACK_MS = 500;               // between what one listener sees and the next one

/** A page in which a film plays that never ends, and which keeps what its element said: `doings` tells what that comes to. */
async function watch() {
    const page = await site.open("/", { still: false });
    await page.addInitScript(() => {
        const said = globalThis.said = [];
        for (const event of ["playing", "waiting", "seeking", "pause", "ended"])
            document.addEventListener(event, ({ target }) => said.push({ at: performance.now(), event: event === "waiting" && target.seeking ? "sought" : event }), true);
        globalThis.doings = () => {
            const first = said.findIndex(({ event }) => event === "playing");
            const now = { at: performance.now() }, since = first < 0 ? [] : said.slice(first);
            const until = (i, ...ends) => (since.slice(i + 1).find(({ event }) => ends.includes(event)) ?? now).at;
            let shown = 0, stood = 0, times = 0;
            since.forEach(({ at, event }, i) => {
                if (event === "playing")
                    shown += until(i, "playing", "waiting", "sought", "seeking", "pause", "ended") - at;
                if (event !== "waiting" || since[i - 1].event === "waiting")
                    return;
                times++;
                stood += until(i, "playing", "seeking", "pause", "ended") - at;
            });
            return { shown, stood, times, all: (since.findLast(({ event }) => event === "pause") ?? now).at - (since[0] ?? now).at };
        };
    });
    await page.goto(`${site.url}/watch/${site.state.titled("How bread rises").id}`);
    await until(page, () => document.querySelector("video")?.currentTime > 0.5);
    await endless(page);
    return page;
}

/** Returns when the player has told that it is paused. */
async function pause(page) {
    const told = page.waitForResponse((r) => r.url().endsWith("/report") && r.request().postDataJSON()?.state === "paused");
    await page.getByRole("button", { name: "Pause" }).click();
    await told;
}

test("a player tells when its first picture came, and what it showed when it is stopped", async () => {
    const page = await watch();
    await until(page, () => globalThis.doings().shown > 1500);
    await pause(page);
    const [first, ...more] = site.state.reports;
    const last = more.at(-1), { shown, all } = await page.evaluate(() => globalThis.doings());
    assert.equal(first.number, 1);
    assert.ok(first.startup_ms > 0, "it took a moment");
    assert.ok(last.played_ms > shown - SLACK_MS && last.played_ms < all + SLACK_MS, `shown: ${last.played_ms}, of ${shown} to ${all}`);
    assert.ok(last.bitrate_kbps > 0 && last.bitrate_kbps <= last.top_kbps, `quality: ${last.bitrate_kbps} of ${last.top_kbps}`);
    assert.deepEqual(site.state.reports.map((r) => r.number), site.state.reports.map((_, i) => i + 1));
});

test("a seek is not told as standing still, and that nothing is left to show is", async () => {
    await site.begin();
    site.state.held.push(/s\d_0(0[5-9]|1\d)\.m4s$/);       // nothing from 10 s on: there it has to wait
    const page = await watch();
    await page.evaluate(() => void (document.querySelector("video").currentTime = 15));
    await until(page, () => globalThis.said.some(({ event, at }) => event === "sought" && performance.now() - at > 1000));
    site.state.held = [/s\d_0(09|1\d)\.m4s$/];
    await until(page, () => document.querySelector("video").currentTime > 17.5 && globalThis.said.at(-1).event === "waiting");
    site.state.held = [];
    await until(page, () => document.querySelector("video").currentTime > 18.5);
    await pause(page);
    const { stalls, stalled_ms } = site.state.reports.at(-1), { times, stood } = await page.evaluate(() => globalThis.doings());
    assert.ok(times > 0 && stalls === times, `${stalls} times, of ${times}`);
    assert.ok(Math.abs(stalled_ms - stood) < SLACK_MS, `stood still: ${stalled_ms}, of ${stood}`);
});

test("who leaves the page says so", async () => {
    const page = await watch();
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
