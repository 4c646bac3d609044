// Uploading by tus: several files, paused, interrupted, and never sent twice.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/patience.mjs";
import { ALICE, assertAccessible, useSite } from "./lib/browser.mjs";
import { SHOTS, clip, longFile } from "./lib/site.mjs";

const site = useSite();
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const uploads = () => [...site.state.uploads.values()];
const choose = (page, files) => page.getByLabel("Video files").setInputFiles(files);
const big = (name, size = 3_000_000) => ({ name, mimeType: "video/mp4", buffer: Buffer.alloc(size, name) });

test("a file is uploaded, prepared before one's eyes, renamed meanwhile and watched before it is ready", async () => {
    const page = await site.open("/upload", { as: ALICE, still: false });
    site.state.parts = 3;           // so far it is prepared, until the end
    await page.getByLabel("Who may watch what you upload now").selectOption("public");
    await choose(page, clip());
    const item = page.getByRole("article", { name: "clip" });
    await item.getByText("Uploaded", { exact: true }).waitFor();
    await item.getByLabel("Title").fill("My first film");
    await item.getByLabel("Title").press("Tab");
    const named = page.getByRole("article", { name: "My first film" });
    await named.getByText(/\d+ of 12 parts, about \d+ seconds? left/).waitFor();
    await named.getByRole("link", { name: "Watch now" }).waitFor();
    await page.screenshot({ path: join(SHOTS, "upload-going.png") });
    await assertAccessible(page, "an upload");
    const [tail, front, whole] = uploads();     // its index lies at its end, and was sent first
    assert.ok(tail.at > 0 && tail.at + tail.length === whole.length && front.at === 0 && tail.length < front.length);
    assert.equal(whole.sha256, sha256(readFileSync(clip())));
    const { title, visibility } = uploads()[0].video;
    assert.deepEqual([title, visibility], ["My first film", "public"]);
    await named.getByRole("link", { name: "Watch now" }).click();
    await page.getByText("Still being prepared", { exact: true }).waitFor();
    await page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.3);
});

test("several files are dropped at once; a strip tells of them on other pages", async () => {
    const page = await site.open("/upload", { as: ALICE });
    site.state.bytes = 500_000;     // of each, until all that waits has been seen
    await page.getByText("Drop videos here").waitFor();
    const files = await page.evaluateHandle(() => {
        const data = new DataTransfer();
        for (const name of ["a one.mp4", "b_two.mkv", "c.mov"])
            data.items.add(new File([new Uint8Array(2_000_000)], name));
        return data;
    });
    await page.locator(".dropzone").dispatchEvent("drop", { dataTransfer: files });
    for (const name of ["a one", "b two", "c"])
        await page.getByRole("article", { name, exact: true }).waitFor();
    await page.getByText("Waiting for its turn").waitFor();
    await page.getByRole("link", { name: "Kinobus, home" }).click();
    await page.getByRole("link", { name: /^Uploading \d videos?, \d+ %/ }).waitFor();
    site.state.bytes = Infinity;
    await eventually(() => uploads().length === 3 && uploads().every((u) => u.sha256));
});

test("a file that is there already is uploaded all the same, and one is told where the other one is", async () => {
    const page = await site.open("/upload", { as: ALICE });
    await choose(page, big("once.mp4"));
    await page.getByRole("article", { name: "once" }).getByText("Uploaded", { exact: true }).waitFor();
    await choose(page, { ...big("once.mp4"), name: "again.mp4" });
    const again = page.getByRole("article", { name: "again" });
    await again.getByText("You have this very file already").waitFor();
    assert.equal(await page.getByText("You have this very file already").count(), 1);
    assert.equal(await again.getByRole("link", { name: "another video of yours" }).getAttribute("href"), `/watch/${uploads()[0].video.id}`);
    await assertAccessible(page, "a file that is there already");
});

test("an upload is paused and goes on from where it stopped", async () => {
    const page = await site.open("/upload", { as: ALICE });
    site.state.bytes = 300_000;
    const file = big("pause.mp4", 6_000_000);
    await choose(page, file);
    await eventually(() => uploads()[0]?.offset >= 300_000);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused", { exact: true }).waitFor();
    const [upload] = uploads();
    await eventually(() => !upload.busy);      // what was on its way has arrived
    const had = upload.offset;
    assert.ok(had < file.buffer.length);
    site.state.bytes = Infinity;
    await page.getByRole("button", { name: "Go on" }).click();
    await eventually(() => upload.sha256);
    assert.equal(upload.sha256, sha256(file.buffer));
    assert.equal(uploads().length, 1);
});

test("an upload survives a reload: the same file chosen again goes on where it stopped", async () => {
    const page = await site.open("/upload", { as: ALICE, expected: [401, 409, 423] });  // the old connection may still have bytes
    page.on("dialog", (dialog) => void dialog.accept());    // the browser asks whether to leave
    site.state.bytes = 500_000;
    const path = longFile();
    await choose(page, path);
    await eventually(() => uploads()[0]?.offset >= 500_000);
    await page.reload();
    const item = page.getByRole("article", { name: "long" });
    await item.getByText("again, and it goes on from").waitFor();
    const [upload] = uploads();
    await eventually(() => !upload.busy);
    const had = upload.offset;
    assert.ok(had < upload.length / 2);
    let sent = 0;
    page.on("request", (request) => request.method() === "PATCH" && (sent = Number(request.headers()["upload-offset"])));
    site.state.bytes = Infinity;
    await choose(page, path);
    await eventually(() => upload.sha256);
    assert.equal(sent, had);
    assert.equal(upload.sha256, sha256(readFileSync(path)));
    assert.equal(uploads().length, 1);
    await item.getByText("Uploaded", { exact: true }).waitFor();
});

test("a connection that breaks is mended by itself; a server that refuses is told", async () => {
    const page = await site.open("/upload", { as: ALICE, expected: [401, 503, 507] });
    site.state.faults.push({ match: /^PATCH /, status: 503, times: 1 });
    await choose(page, big("mended.mp4"));
    await eventually(() => uploads()[0]?.sha256);
    site.state.faults.push({ match: /^POST \/api\/v1\/videos$/, status: 507, title: "The store is full.", times: 1 });
    await choose(page, big("full.mp4"));
    const item = page.getByRole("article", { name: "full" });
    await item.getByRole("alert").getByText("The store is full.").waitFor();
    await item.getByRole("button", { name: "Go on" }).click();
    await item.getByText("Uploaded", { exact: true }).waitFor();
});

test("an upload that is given up leaves no video behind", async () => {
    const page = await site.open("/upload", { as: ALICE, expected: [401, 404] });       // how it is may be asked while it goes
    site.state.bytes = 500_000;
    await choose(page, big("never.mp4", 8_000_000));
    await eventually(() => uploads()[0]?.offset > 0);
    await page.getByRole("button", { name: "Give up" }).click();
    await page.getByRole("article", { name: "never" }).waitFor({ state: "hidden" });
    assert.equal(site.state.titled("never"), undefined);
});

test("a film is imported from an address, followed, and watched; what cannot be is told", async () => {
    const page = await site.open("/upload", { as: ALICE, still: false, expected: [400, 401] });
    const address = page.getByRole("textbox", { name: "Or let the server get a film from an address" });
    const ask = async (url) => {
        await address.fill(url);
        await page.getByRole("button", { name: "Import", exact: true }).click();
    };
    await ask("ftp://example.org/film.mp4");
    await page.getByText("must begin with http:// or https://").waitFor();
    await page.getByLabel("Who may watch what you upload now").selectOption("public");
    site.state.bytes = 0;
    await ask("https://example.org/ferry.mp4");
    await page.getByRole("article", { name: "Import from example.org" }).waitFor();
    assert.equal(await address.inputValue(), "");
    site.state.bytes = 500_000;
    const item = page.getByRole("article", { name: "ferry" });
    await item.getByText(/Fetching/).first().waitFor();
    await assertAccessible(page, "an import");
    await page.screenshot({ path: join(SHOTS, "upload-import.png") });
    site.state.bytes = Infinity;
    await item.getByRole("link", { name: "Watch now" }).waitFor();
    await item.getByRole("button", { name: "Take off this list" }).click();
    assert.equal(await item.count(), 0);
    assert.equal(site.state.titled("ferry").visibility, "public");
    await ask("https://example.org/absent.mp4");
    await page.getByText("The server answered 404").waitFor();
});

test("an import is given up, and its video with it", async () => {
    const page = await site.open("/upload", { as: ALICE, expected: [401, 404] });
    site.state.bytes = 0;
    await page.getByRole("textbox", { name: "Or let the server get a film from an address" }).fill("https://example.org/slow.mp4");
    await page.getByRole("button", { name: "Import", exact: true }).click();
    const item = page.getByRole("article", { name: "Import from example.org" });
    await item.getByRole("button", { name: "Give up" }).click();
    await item.waitFor({ state: "detached" });
    assert.equal(site.state.titled("Import from example.org"), undefined);
});
