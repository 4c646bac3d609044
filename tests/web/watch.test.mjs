// Watching, by hls.js on a real media element.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ALICE, assertAccessible, until, useSite } from "./lib/browser.mjs";
import { SHOTS } from "./lib/site.mjs";

const site = useSite();
const media = (page, what) => page.evaluate((w) => document.querySelector("video")[w], what);
const advances = async (page) => {
    const from = await media(page, "currentTime");
    await until(page, (t) => document.querySelector("video").currentTime > t + 1, from);
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
    while (!site.state.asked.some((a) => a.includes("s3_")))
        await page.waitForTimeout(50);
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
    const tile = () => page.evaluate(() => {
        const style = getComputedStyle(document.querySelector(".peek .tile"));
        return [style.backgroundImage.split("/").pop(), style.backgroundPosition, style.width];
    });
    assert.deepEqual(await tile(), ['poster1.jpg")', "0px 0px", "160px"]);
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2);
    await page.getByText("0:18", { exact: true }).waitFor();
    assert.deepEqual(await tile(), ['poster2.jpg")', "-160px -90px", "160px"]);
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
    await page.keyboard.press("k");
    await until(page, () => document.querySelector("video").currentTime > 0.2 && document.querySelector("video").currentTime < 5);
});

for (const [how, off] of [["told by events", false], ["by asking, where events do not come", true]])
    test(`a video is watched while it is being made, and goes over to all of its qualities at the end, ${how}`, async () => {
        await site.begin();
        site.state.partMs = 500;
        site.state.eventsOff = off;
        const video = site.state.titled("Broken tape");
        site.state.encode(video);
        const page = await site.open(`/watch/${video.id}`, { as: ALICE, still: false, expected: [401, 503] });
        await page.getByText("Still being prepared", { exact: true }).waitFor();
        await page.getByText(/^\d+ of 12 parts/).waitFor();
        await until(page, () => document.querySelector("video")?.currentTime > 0);
        const asked = () => site.state.asked.filter((a) => a.includes(video.id));
        assert.ok(asked().some((a) => a.endsWith("/preview.m3u8")));
        await page.screenshot({ path: join(SHOTS, "watch-growing.png") });
        assert.ok((await media(page, "currentTime")) < 6, "it began at its start, not where the playlist ended");
        while (!asked().some((a) => a.endsWith("/master.m3u8")))
            await page.waitForTimeout(50);
        await page.getByText("Still being prepared", { exact: true }).waitFor({ state: "hidden" });
        await until(page, () => Math.abs(document.querySelector("video").duration - 24) < 0.2 && document.querySelector("video").readyState >= 3);
        assert.ok((await media(page, "currentTime")) > 0.5, "it stayed at its place");
        await advances(page);
    });

test("a viewer who is faster than the server waits, is told so, and goes on", async () => {
    await site.begin();
    site.state.partMs = 4500;
    const video = site.state.titled("Broken tape");
    site.state.encode(video);
    const page = await site.open(`/watch/${video.id}`, { as: ALICE, still: false });
    await page.getByText("Waiting for more to be prepared").waitFor();
    site.state.partMs = 200;
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
    const page = await site.open(`/watch/${video.id}`, { expected: [401, 403] });
    await until(page, () => document.querySelector("video")?.readyState >= 2);
    const before = site.state.asked.filter((a) => a.endsWith("/playback")).length;
    site.state.faults.push({ match: /^GET \/media\/.*m4s$/, status: 403, times: 1 });
    video.version = 2;
    await page.getByRole("region", { name: /^Player/ }).focus();
    await page.keyboard.press("9");
    await page.keyboard.press("k");
    await until(page, () => document.querySelector("video").currentTime > 21.7);
    assert.ok(site.state.asked.filter((a) => a.endsWith("/playback")).length > before);
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
