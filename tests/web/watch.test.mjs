// Watching, by hls.js on a real media element.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/patience.mjs";
import { ALICE, VERA, assertAccessible, endless, until, useSite } from "./lib/browser.mjs";
import { SHOTS } from "./lib/site.mjs";

const site = useSite();
const media = (page, what) => page.evaluate((w) => document.querySelector("video")[w], what);
/** It plays on by a second, of an endless film. */
const advances = async (page) => {
    await page.evaluate(() => {
        const video = document.querySelector("video");
        let from = video.currentTime;
        globalThis.passed = 0;
        video.ontimeupdate = () => {
            globalThis.passed += Math.max(0, video.currentTime - from);
            from = video.currentTime;
        };
    });
    await until(page, () => globalThis.passed > 1);
};

test("a video plays through media source extensions, not the browser's own HLS", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`, { still: false });
    await until(page, () => document.querySelector("video")?.currentTime > 1);
    assert.match(await media(page, "currentSrc"), /^blob:/);
    assert.ok(Math.abs((await media(page, "duration")) - 24) < 0.2);
});

test("quality, sound and speed can be chosen", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`);
    await until(page, () => document.querySelector("video")?.readyState >= 3);
    await endless(page);
    await page.getByRole("button", { name: "Settings" }).click();
    const settings = page.getByRole("group", { name: "Settings" });
    const qualities = await settings.getByLabel("Quality").locator("option").allTextContents();
    assert.deepEqual(qualities.filter((label) => /^\d+p$/.test(label)), ["360p", "180p"]);     // not once for each group of sounds
    await settings.getByLabel("Quality").selectOption({ label: "180p" });
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await until(page, () => document.querySelector("video").videoHeight === 180);
    await settings.getByLabel("Quality").selectOption({ label: "360p" });
    await until(page, () => document.querySelector("video").videoHeight === 360);
    await settings.getByLabel("Sound").selectOption({ label: "audio_3 (German)" });
    await eventually(() => site.state.asked.some((a) => a.includes("s3_")));
    await settings.getByLabel("Speed").selectOption({ label: "2 ×" });
    assert.equal(await media(page, "playbackRate"), 2);
    await advances(page);
});

test("captions are shown, a chapter can be gone to, and the line of time tells what is at the pointer", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`);
    await until(page, () => document.querySelector("video")?.readyState >= 3);
    await page.getByRole("button", { name: "Settings" }).click();
    const settings = page.getByRole("group", { name: "Settings" });
    await settings.getByLabel("Captions").selectOption({ label: "Words (German)" });
    await settings.getByLabel("Chapter").selectOption({ label: "Water & salt" });
    await until(page, () => Math.abs(document.querySelector("video").currentTime - 12) < 0.5);
    await until(page, () => [...document.querySelector("video").textTracks].some((t) => t.mode === "showing" &&
        [...(t.activeCues ?? [])].some((c) => c.text === "Second <b>12</b>")));
    const line = page.getByRole("slider", { name: "Position" });
    assert.match(await line.getAttribute("aria-valuetext"), /Water & salt/);
    await page.keyboard.press("Escape");
    const box = await line.boundingBox();
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
    await page.getByText("Flour", { exact: true }).waitFor();
    await page.getByText("0:06", { exact: true }).waitFor();
    const tile = () => page.locator(".peek .tile").evaluate((tile) => {
        const style = getComputedStyle(tile);
        return [style.backgroundImage.split("/").pop(), style.backgroundPosition, style.width];
    });
    assert.deepEqual(await tile(), ['poster1.jpg")', "0px 0px", "160px"]);
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2);
    await page.getByText("0:18", { exact: true }).waitFor();
    assert.deepEqual(await tile(), ['poster2.jpg")', "-160px -90px", "160px"]);
    const places = (where) => until(page, (where) => {
        const lines = [...document.querySelector("video").textTracks].flatMap((t) => t.mode === "showing" ? [...t.activeCues] : []).map((c) => c.line);
        return lines.length > 0 && lines.every((line) => where === "above the buttons" ? line < -2 : line === "auto");
    }, where);
    await places("above the buttons");
    const lineOf = () => page.evaluate(() => [...document.querySelector("video").textTracks].find((t) => t.mode === "showing").activeCues[0].line);
    const short = await lineOf();
    for (const shown of [0, 1]) {
        await page.keyboard.press("c");
        await until(page, (n) => [...document.querySelector("video").textTracks].filter((t) => t.mode === "showing").length === n, shown);
    }
    await endless(page);
    if (await media(page, "paused"))
        await page.keyboard.press("k");
    await page.locator(".player.hush").waitFor();
    await places("at the bottom");
    await page.evaluate(() => {
        for (const track of document.querySelector("video").textTracks)
            for (const cue of track.mode === "showing" ? track.cues : [])
                cue.text = "A caption that is broken into several lines. ".repeat(5);
    });
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await until(page, (short) => [...document.querySelector("video").textTracks].some((t) => t.mode === "showing" &&
        [...t.activeCues].some((c) => c.line !== "auto" && c.line <= short - 2)), short);      // all of its lines are above them
});

test("it goes on where one stopped, on home as on its own page, and says where that is", async () => {
    const page = await site.open("/", { as: ALICE });
    await page.getByRole("region", { name: "Continue watching" }).getByRole("link").click();
    await until(page, () => document.querySelector("video")?.currentTime >= 9);
    await page.getByRole("region", { name: /^Player/ }).focus();
    await page.keyboard.press("ArrowRight");
    await until(page, () => document.querySelector("video").currentTime >= 14 && !document.querySelector("video").seeking);
    await page.getByRole("link", { name: "Kinobus, home" }).click();
    await page.getByText("0:09 left").or(page.getByText("0:10 left")).waitFor();
});

test("seeking works anywhere, and a finished video can be begun again", async () => {
    await site.begin();
    const page = await site.open(`/watch/${site.state.titled("How bread rises").id}`);
    await until(page, () => document.querySelector("video")?.readyState >= 2);
    await page.getByRole("region", { name: /^Player/ }).focus();
    for (const key of ["7", "2", "9"]) {
        await page.keyboard.press(key);
        await until(page, (t) => Math.abs(document.querySelector("video").currentTime - t) < 0.5 && document.querySelector("video").readyState >= 3, 2.4 * Number(key));
    }
    await page.keyboard.press("End");
    await page.keyboard.press("k");
    await until(page, () => document.querySelector("video").ended);
    await page.evaluate(() => {
        const video = document.querySelector("video");
        video.addEventListener("seeked", () => (globalThis.begun = video.currentTime), { once: true });
    });
    await page.keyboard.press("k");
    await until(page, () => globalThis.begun < 5 && document.querySelector("video").currentTime > 0.2);
});

for (const [how, off] of [["told by events", false], ["by asking, where events do not come", true]])
    test(`a video is watched while it is being made, and goes over to all of its qualities at the end, ${how}`, async () => {
        await site.begin();
        site.state.parts = 9;           // 18 s, so far that a player of what is live would not begin at its start
        site.state.eventsOff = off;
        const video = site.state.titled("Broken tape");
        site.state.encode(video);
        const page = await site.open(`/watch/${video.id}`, { as: ALICE, still: false, expected: [401, 503] });
        await page.getByText("Still being prepared", { exact: true }).waitFor();
        await page.getByText(/^\d+ of 12 parts/).waitFor();
        await until(page, () => document.querySelector("video")?.currentTime > 1);
        await endless(page);
        const asked = () => site.state.asked.filter((a) => a.includes(video.id));
        assert.ok(asked().some((a) => a.endsWith("/preview.m3u8")));
        await page.screenshot({ path: join(SHOTS, "watch-growing.png") });
        assert.ok(await page.evaluate(() => document.querySelector("video").played.start(0)) < 1, "it began at its start, not where the playlist ended");
        await page.evaluate(() => {
            const video = document.querySelector("video");
            let before = video.currentTime, swapped = false;
            video.addEventListener("emptied", () => (swapped = true));
            video.addEventListener("timeupdate", () => {
                if (swapped && video.readyState >= 2 && !video.seeking)
                    globalThis.places ??= [before, video.currentTime];
                else if (!swapped)
                    before = video.currentTime;
            });
        });
        site.state.parts = Infinity;
        await eventually(() => asked().some((a) => a.endsWith("/master.m3u8")));
        await page.getByText("Still being prepared", { exact: true }).waitFor({ state: "hidden" });
        await until(page, () => Math.abs(document.querySelector("video").duration - 24) < 0.2 && document.querySelector("video").readyState >= 3);
        const [before, after] = await page.evaluate(() => globalThis.places);
        assert.ok(before > 1 && after > before - 0.5, `it stayed at its place: ${after} after ${before}`);
        await advances(page);
    });

test("a viewer who is faster than the server waits, is told so, and goes on", async () => {
    await site.begin();
    site.state.parts = 1;
    const video = site.state.titled("Broken tape");
    site.state.encode(video);
    const page = await site.open(`/watch/${video.id}`, { as: ALICE, still: false });
    await page.getByText("Waiting for more to be prepared").waitFor();
    site.state.parts = Infinity;
    await until(page, () => document.querySelector("video").currentTime > 2.5);
    await page.getByText("Waiting for more to be prepared").waitFor({ state: "hidden" });
});

test("a page that was opened too early begins to play by itself", async () => {
    await site.begin();
    const video = site.state.titled("Broken tape");
    Object.assign(video, { state: "uploading", upload: "receiving", uploaded_bytes: 1_000_000 });
    const page = await site.open(`/watch/${video.id}`, { as: ALICE, still: false });
    await page.getByText("as soon as its first seconds are there").waitFor();
    site.state.encode(video);
    await until(page, () => document.querySelector("video")?.currentTime > 0.5);
});

test("an address of media that has run out is renewed, and the viewer goes on", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    site.state.held.push(/\/1\/s\d_0(0[4-9]|1\d)\.m4s$/);        // else a player has all of it before the address runs out
    const page = await site.open(`/watch/${video.id}`, { expected: [401, 403] });
    await until(page, () => document.querySelector("video")?.readyState >= 2);
    const before = site.state.asked.filter((a) => a.endsWith("/playback")).length;
    await page.getByRole("region", { name: /^Player/ }).focus();
    await page.keyboard.press("9");
    await page.keyboard.press("k");
    await eventually(() => site.state.asked.some((a) => a.endsWith("_010.m4s")));
    site.state.faults.push({ match: /^GET \/media\/.*\/1\/.*m4s$/, status: 403, times: Infinity });
    video.version = 2;
    site.state.held = [];
    await until(page, () => document.querySelector("video").currentTime > 21.7);
    assert.ok(site.state.asked.filter((a) => a.endsWith("/playback")).length > before);
});

/** What plays, as a mark in the page: another source would take it away, or nothing left to play. */
const mark = (page) => page.evaluate(() => {
    const video = document.querySelector("video");
    const kept = globalThis.kept = { src: video.currentSrc, hidden: 0, starved: 0 };
    const more = ({ buffered, currentTime }) =>     // a busy machine waits with all that it needs
        Array.from({ length: buffered.length }, (_, i) => buffered.start(i) <= currentTime && buffered.end(i) > currentTime + 0.5).includes(true);
    video.addEventListener("waiting", () => video.seeking || more(video) || kept.starved++);
    new MutationObserver(() => kept.hidden++).observe(document.querySelector("canvas"), { attributes: true });
});
const untouched = (page) => page.evaluate(() => [document.querySelector("video").currentSrc === globalThis.kept.src, globalThis.kept.hidden, globalThis.kept.starved]);

async function chooseQuality(page, label) {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("group", { name: "Settings" }).getByLabel("Quality").selectOption({ label });
    await page.keyboard.press("Escape");
}

test("addresses are renewed before they end, and what plays goes on", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    site.state.renewAfterMs = 1500;
    const page = await site.open(`/watch/${video.id}`, { still: false });
    await until(page, () => document.querySelector("video")?.currentTime > 0.2);
    await endless(page);
    await until(page, () => document.querySelector("video").buffered.end(0) > 23.5);
    await mark(page);
    site.state.renewAfterMs = 3_600_000;
    site.state.right = "token1";
    await eventually(() => site.state.asked.some((a) => /\/token1\/.*\/storyboard.vtt$/.test(a)));     // by then the media's address is the new one
    site.state.refusedRights.add("token0");     // from now on what still asked by it would be told so in the console, and fail
    await advances(page);
    assert.deepEqual(await untouched(page), [true, 0, 0]);
    await chooseQuality(page, "180p");
    await until(page, () => document.querySelector("video").videoHeight === 180);
    await advances(page);
    assert.deepEqual((await untouched(page)).slice(0, 2), [true, 0]);
    assert.ok(site.state.asked.some((a) => a.includes("/media/token1/") && a.endsWith("m4s")));
});

test("an address that ended all the same is renewed when it is refused, and what plays goes on", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    const page = await site.open(`/watch/${video.id}`, { still: false, expected: [401, 403] });
    await until(page, () => document.querySelector("video")?.currentTime > 0.2);
    await endless(page);
    await mark(page);
    site.state.right = "token1";
    site.state.refusedRights.add("token0");
    await chooseQuality(page, "180p");
    await until(page, () => document.querySelector("video").videoHeight === 180);
    await advances(page);
    assert.deepEqual((await untouched(page)).slice(0, 2), [true, 0]);
    assert.equal(site.state.asked.filter((a) => a.endsWith("/playback")).length, 2);
});

test("the browser's own HLS gets new addresses too, and goes on at its place", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    site.state.renewAfterMs = 2500;
    const page = await site.open("/", { still: false });
    await page.addInitScript(() => {
        delete globalThis.MediaSource;
        delete globalThis.ManagedMediaSource;
        delete globalThis.WebKitMediaSource;
    });
    await page.goto(`${site.url}/watch/${video.id}`);
    await until(page, () => document.querySelector("video")?.currentTime > 0.5);
    assert.match(await media(page, "currentSrc"), /token0\/.*master.m3u8$/);
    site.state.right = "token1";
    await until(page, () => document.querySelector("video").currentSrc.includes("token1"));
    site.state.renewAfterMs = 3_600_000;
    site.state.refusedRights.add("token0");
    await until(page, () => document.querySelector("video").currentTime > 3);
});

test("who may not watch any longer is told so in the place of the player", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    site.state.renewAfterMs = 1500;
    const page = await site.open(`/watch/${video.id}`, { expected: [401, 403] });
    await until(page, () => document.querySelector("video")?.readyState >= 2);
    site.state.refusals.set(video.id, [{ rule: "window", sentence: "It could be watched until 3 May 2026, 12:00 UTC.", until: "2026-05-03T12:00:00Z" }]);
    await page.getByRole("region", { name: "You cannot watch this here and now" }).waitFor();
    assert.equal(await page.locator("video").count(), 0);
});

test("whoever may keep a video is offered its files, others are not", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    const page = await site.open(`/watch/${video.id}`, { as: ALICE });
    await page.getByRole("button", { name: "Download" }).click();
    const sheet = page.getByRole("dialog", { name: "Download" });
    await sheet.getByRole("region", { name: "German" }).getByRole("link", { name: "180p" }).waitFor();
    await page.screenshot({ path: join(SHOTS, "download.png") });
    await assertAccessible(page, "download");
    const link = sheet.getByRole("region", { name: "English" }).getByRole("link", { name: "360p" });
    assert.equal(await link.getAttribute("download"), "How bread rises (360p, en).mp4");
    const other = await site.open(`/watch/${video.id}`);
    await other.getByRole("button", { name: "Copy link" }).waitFor();
    assert.equal(await other.getByRole("button", { name: "Download" }).count(), 0);
    video.allow_download = true;
    await other.reload();
    await other.getByRole("button", { name: "Download" }).waitFor();
});

test("whoever may not watch a video is told which rules say so, its owner which others meet", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    site.state.refusals.set(video.id, [{ rule: "region", sentence: "It may not be watched in the country where you seem to be (FR)." },
        { rule: "age", sentence: "It is for people of 16 years and above. Sign in, so that your age is known." }]);
    const page = await site.open(`/watch/${video.id}`);
    const told = page.getByRole("region", { name: "You cannot watch this here and now" });
    await told.getByText("the country where you seem to be (FR)").waitFor();
    await told.getByRole("link", { name: "Sign in" }).waitFor();
    await page.getByRole("heading", { name: "How bread rises" }).waitFor();     // what there is to read is there
    await page.screenshot({ path: join(SHOTS, "refused.png") });
    await assertAccessible(page, "refused");
    const vera = await site.open(`/watch/${video.id}`, { as: VERA, expected: [401, 403] });
    await vera.getByRole("region", { name: "You cannot watch this here and now" }).getByRole("link", { name: "Your account" }).click();
    await vera.getByRole("textbox", { name: "Birthday" }).fill("1990-12-31");
    await vera.getByRole("button", { name: "Save birthday" }).click();
    await vera.getByText("Birthday: 31 December 1990").waitFor();
    const alice = await site.open(`/watch/${video.id}`, { as: ALICE });
    await alice.getByText("You may watch it, others may not, or not all of them:").waitFor();
    await alice.getByText("16 years and above").waitFor();
    await until(alice, () => document.querySelector("video")?.readyState >= 2);
});

test("a video that may be watched soon begins when it may", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    const from = new Date(Date.now() + 3_600_000).toISOString();
    site.state.refusals.set(video.id, [{ rule: "window", sentence: "It can be watched from 3 May 2026, 12:00 UTC on.", from }]);
    const page = await site.open(`/watch/${video.id}`, { clock: true, expected: [401, 403] });
    await page.getByRole("region", { name: "You cannot watch this yet" }).getByText("where you are").waitFor();
    site.state.refusals.clear();
    await page.clock.fastForward("50:00");
    await page.evaluate(() => fetch("/healthz"));       // what was asked before this has been asked by now
    assert.equal(site.state.asked.filter((a) => a.endsWith("/playback")).length, 1);
    await page.clock.fastForward("10:00");
    await until(page, () => document.querySelector("video")?.readyState >= 2);
});

test("its owner says when, where and from which age a video may be watched, and takes it back", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    const page = await site.open(`/watch/${video.id}`, { as: ALICE });
    const sheet = page.getByRole("dialog", { name: "Edit video" });
    const open = () => page.getByRole("button", { name: "Edit", exact: true }).click();
    await open();
    await sheet.getByLabel("From", { exact: true }).fill("2026-05-03T12:00");
    await sheet.getByLabel("Where").selectOption({ label: "Only in these countries" });
    await sheet.getByLabel("Countries").fill("de, GB, de");
    await sheet.getByLabel("From the age of").fill("16");
    await assertAccessible(page, "rights");
    await sheet.getByRole("button", { name: "Save" }).click();
    await sheet.waitFor({ state: "hidden" });
    assert.deepEqual([video.regions, video.minimum_age], [{ rule: "only", countries: ["DE", "GB"] }, 16]);
    assert.deepEqual(Object.keys(video.window), ["from"]);
    const exact = (video.window.from = new Date(Date.parse(video.window.from) + 7000).toISOString());
    await page.reload();
    await open();
    await sheet.getByLabel("Where").selectOption({ label: "Everywhere" });
    await sheet.getByLabel("From the age of").fill("");
    await sheet.getByRole("button", { name: "Save" }).click();
    await sheet.waitFor({ state: "hidden" });
    assert.deepEqual([video.regions, video.minimum_age, video.window], [{}, 0, { from: exact }]);
});

/** To the last second of a video, which then plays out. */
async function playOut(page) {
    await until(page, () => document.querySelector("video")?.readyState >= 2);
    await page.evaluate(() => {
        const video = document.querySelector("video");
        video.currentTime = video.duration - 0.5;
        void video.play();
    });
    await until(page, () => document.querySelector("video").ended);
}

test("the next video is offered at the end, and begins by itself unless that is not wanted", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    site.state.held.push(/\/next$/);
    const page = await site.open(`/watch/${video.id}`, { still: false, clock: true });
    const offer = page.getByRole("region", { name: "Next up" });
    await playOut(page);
    await page.clock.pauseAt(Date.now() + 60_000);      // no second passes but when it is said
    site.state.held = [];
    await offer.getByText("Begins in 8 s").waitFor();
    await page.clock.runFor(1100);
    await offer.getByText("Begins in 7 s").waitFor();
    await page.screenshot({ path: join(SHOTS, "next-up.png") });
    let checked = false;
    const ticks = async () => {         // the checker asks for moments, too
        while (!checked)
            await page.clock.runFor(1);
    };
    await Promise.all([assertAccessible(page, "next up").finally(() => (checked = true)), ticks()]);
    await page.keyboard.press("Escape");
    await offer.waitFor({ state: "hidden" });
    await playOut(page);
    await offer.getByLabel("Play the next one by itself").uncheck();
    await offer.getByText(/Begins in/).waitFor({ state: "hidden" });
    await page.clock.resume();
    await page.reload();
    await playOut(page);
    await offer.getByRole("button", { name: "Play now" }).waitFor();
    assert.equal(await offer.getByText(/Begins in/).count(), 0);       // as it was said before
    await offer.getByLabel("Play the next one by itself").check();
    await page.clock.runFor(10_000);
    await page.waitForURL((url) => url.pathname !== `/watch/${video.id}` && url.pathname.startsWith("/watch/"));
    await until(page, () => document.querySelector("video")?.currentTime > 0.2);
});

test("whoever wants less motion starts the next video by hand, and by keys alone", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    const page = await site.open(`/watch/${video.id}`);
    await playOut(page);
    const offer = page.getByRole("region", { name: "Next up" });
    await offer.getByRole("button", { name: "Play now" }).waitFor();
    assert.equal(await offer.getByText(/Begins in/).count(), 0);
    await offer.getByRole("button", { name: "Play now" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname !== `/watch/${video.id}`);
});
