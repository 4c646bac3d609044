// One's own videos and what one is told about them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/patience.mjs";
import { ALICE, assertAccessible, until, useSite } from "./lib/browser.mjs";
import { SHOTS } from "./lib/site.mjs";

const site = useSite();
const own = (page, title) => page.getByRole("article", { name: title, exact: true });

test("a failed video says why, and is tried again until it can be watched", async () => {
    const page = await site.open("/mine", { as: ALICE });
    const broken = own(page, "Broken tape");
    await broken.getByText("The file ends in the middle").first().waitFor();
    await broken.getByRole("button", { name: "Why" }).click();
    await broken.getByText("with transcode").waitFor();
    await broken.getByText("gave up after three tries").waitFor();
    await assertAccessible(page, "why");
    site.state.parts = 3;
    await broken.getByRole("button", { name: "Try again" }).click();
    await broken.getByText(/\d+ of 12 parts/).waitFor();
    site.state.parts = Infinity;
    await broken.getByText("Ready", { exact: true }).waitFor();
    await broken.getByRole("link", { name: "Broken tape" }).waitFor();
});

test("what waits for its file can be gone on with, unless the server fetches it", async () => {
    await site.begin();
    const alice = [...site.state.users.values()].find((u) => u.user.email === ALICE.email).user;
    site.state.video(alice, { title: "Never sent" });
    const fetched = site.state.video(alice, { title: "From afar", imported: true });
    const page = await site.open("/mine", { as: ALICE });
    await own(page, "Never sent").getByRole("link", { name: "Go on with its upload" }).waitFor();
    await own(page, "From afar").getByText("is fetched from its address").waitFor();
    assert.equal(await own(page, "From afar").getByRole("link", { name: "Go on" }).count(), 0);
    await assertAccessible(page, "a video that waits for its file");
    site.state.bytes = 500_000;
    site.state.fetch(fetched, "From afar.mp4");
    await own(page, "From afar").getByText("Fetching", { exact: true }).waitFor();
});

test("what a virus scanner found is told, and looked at again", async () => {
    await site.begin();
    const video = site.state.titled("Broken tape");
    Object.assign(video, { media: "refused", virus: "infected", reason: "The virus scanner (clamd) found \"Eicar-Test-Signature\" in the file." });
    const page = await site.open("/mine", { as: ALICE });
    const broken = own(page, "Broken tape"), again = broken.getByRole("button", { name: "Try again" });
    await broken.getByText("Eicar-Test-Signature").waitFor();
    await again.click();
    await broken.getByText("waits for the virus scanner").waitFor();
    await again.waitFor({ state: "hidden" });
    await assertAccessible(page, "a file that a virus scanner found something in");
    Object.assign(video, { virus: "clean", reason: undefined });
    site.state.encode(video);
    await broken.getByText("found nothing in its file").waitFor();
});

test("nothing is asked for the picture of what lies in the trash", async () => {
    const page = await site.open("/mine", { as: ALICE }), asked = [];
    const video = own(page, "How bread rises");
    const [id] = /video_\w+/.exec(await video.locator("img").getAttribute("src"));
    await video.getByRole("button", { name: "Trash" }).click();
    await video.waitFor({ state: "hidden" });
    page.on("request", (request) => request.url().includes(id) && asked.push(request.url()));
    await page.goto(site.url + "/mine?show=trash");
    await video.getByRole("button", { name: "Restore" }).waitFor();
    await page.evaluate(async () => {       // by then a picture in view has been asked for
        await new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(seen))));
        await new Promise((seen) => new IntersectionObserver(seen).observe(document.querySelector(".own .poster")));
        await fetch("/healthz");
    });
    assert.deepEqual(asked, []);
    await video.getByRole("button", { name: "Restore" }).click();
    await video.waitFor({ state: "hidden" });
});

test("a video goes to the trash, comes back, goes again and is deleted for good", async () => {
    const page = await site.open("/mine", { as: ALICE });
    await own(page, "Broken tape").getByRole("button", { name: "Trash" }).click();
    await own(page, "Broken tape").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Undo" }).click();
    await own(page, "Broken tape").getByRole("button", { name: "Trash" }).click();
    await page.getByRole("navigation", { name: "My videos" }).getByRole("link", { name: "Trash" }).click();
    await own(page, "Broken tape").getByRole("button", { name: "Delete for good" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep it" }).click();
    await own(page, "Broken tape").getByRole("button", { name: "Delete for good" }).click();
    await assertAccessible(page, "the question before deleting");
    await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
    await page.getByText("The trash is empty").waitFor();
    assert.equal(site.state.titled("Broken tape"), undefined);
});

test("what people read of a video is changed, and who may see it", async () => {
    const page = await site.open("/mine", { as: ALICE });
    await own(page, "Broken tape").getByLabel("Who may watch").selectOption("public");
    await own(page, "Broken tape").getByRole("button", { name: "Edit" }).click();
    const sheet = page.getByRole("dialog");
    await sheet.getByLabel("Title").fill("Mended tape");
    await sheet.getByLabel("Who may download it").selectOption({ label: "Whoever may watch it" });
    await sheet.getByLabel("Tags").fill("Tape, rust, tape");
    await sheet.getByRole("button", { name: "Add a person" }).click();
    await sheet.getByLabel("Name of person 1").fill("Ida Ruiz");
    await sheet.getByRole("button", { name: "Save" }).click();
    await own(page, "Mended tape").waitFor();
    const video = site.state.titled("Mended tape");
    assert.deepEqual([video.tags, video.people, video.visibility, video.allow_download], [["tape", "rust"], [{ name: "Ida Ruiz", role: "" }], "public", true]);
});

test("a change that came in between is not overwritten", async () => {
    const page = await site.open("/mine", { as: ALICE, expected: [401, 412] });
    await own(page, "Broken tape").getByRole("button", { name: "Edit" }).click();
    site.state.titled("Broken tape").rev++;
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("It has changed since you read it.").waitFor();
});

test("a title that is empty never leaves the browser, one that is too long is told at its field", async () => {
    const page = await site.open("/mine", { as: ALICE, expected: [400, 401] });
    await own(page, "Broken tape").getByRole("button", { name: "Edit" }).click();
    const title = page.getByRole("dialog").getByLabel("Title");
    await title.evaluate((e) => e.removeAttribute("maxlength"));
    await title.fill("x".repeat(201));
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("has more than 200 characters").waitFor();
});

test("a notification arrives while one is looking, and opening the list marks it as read", async () => {
    const page = await site.open("/", { as: ALICE });
    await page.getByRole("button", { name: "Notifications, 1 new" }).waitFor();
    const alice = [...site.state.users.values()].find((u) => u.user.email === ALICE.email).user;
    await eventually(() => site.state.streams.size);
    site.state.note(alice, { kind: "video_failed", title: "“Broken tape” failed", body: "Its file ends too early." });
    await page.getByRole("status").getByText("“Broken tape” failed").waitFor();
    await page.getByRole("button", { name: "Notifications, 2 new" }).click();
    await page.getByText("Its file ends too early.").waitFor();
    await assertAccessible(page, "notifications");
    await page.getByRole("button", { name: "Notifications", exact: true }).waitFor();
    assert.ok(site.state.notes.every((n) => n.read));
});

test("the pages of one browser share one connection for events, and pass it on", async () => {
    const first = await site.open("/mine", { as: ALICE });
    const second = await first.context().newPage();
    await second.goto(site.url + "/");
    const alice = [...site.state.users.values()].find((u) => u.user.email === ALICE.email).user;
    const told = async (pages, title) => {
        await eventually(() => site.state.streams.size);
        assert.equal(site.state.streams.size, 1);
        site.state.note(alice, { kind: "video_ready", title });
        await Promise.all(pages.map((page) => page.getByRole("status").getByText(title).waitFor()));
    };
    await second.getByRole("button", { name: "Notifications, 1 new" }).waitFor();
    await told([first, second], "To both");
    const asked = () => site.state.asked.filter((a) => a.endsWith("/events")).length;
    const had = asked();
    await first.close();
    await eventually(() => asked() > had && site.state.streams.size === 1);
    await told([second], "To the one that is left");
});

test("a server that fails is told with what to do, and asked again on wish", async () => {
    await site.begin();
    site.state.faults.push({ match: /^GET \/api\/v1\/videos$/, status: 500, times: 1 });
    const page = await site.open("/", { expected: [401, 500] });
    await page.getByRole("alert").getByText("Something is wrong on our side.").waitFor();
    await assertAccessible(page, "an error");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("link", { name: "How bread rises", exact: true }).waitFor();
});

test("a process that restarts behind the front is not noticed", async () => {
    await site.begin();
    site.state.faults.push({ match: /^GET \/api\/v1\/videos$/, status: 503, times: 2 });
    const page = await site.open("/", { expected: [401, 503] });
    await page.getByRole("link", { name: "How bread rises", exact: true }).waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
});

test("a list goes on by its button until its end", async () => {
    const page = await site.open("/");
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByRole("link", { name: "Thunder over the lake, part 3" }).waitFor();
    await page.getByRole("button", { name: "Show more" }).waitFor({ state: "hidden" });
    assert.equal(await page.locator("article.card").count(), 30);
});

test("another moment becomes the poster, and what else was changed is kept", async () => {
    const page = await site.open("/mine", { as: ALICE });
    const bread = own(page, "How bread rises");
    const src = () => bread.locator("img").getAttribute("src");
    const before = await src();
    await bread.getByRole("button", { name: "Edit" }).click();
    const sheet = page.getByRole("dialog");
    await sheet.getByLabel("Title").fill("How dough rises");
    await sheet.getByRole("button", { name: "The picture at 0:12" }).click();
    await page.getByText("The poster is changed.").waitFor();
    assert.equal(site.state.posterAt, 12_000);
    await sheet.getByLabel("Moment of the video").fill("7.5");
    await page.screenshot({ path: join(SHOTS, "poster-choice.png") });
    await assertAccessible(page, "the choice of a poster");
    await sheet.getByRole("button", { name: "Use this moment" }).click();
    await until(page, () => [...document.querySelectorAll(".toast")].length === 2 || !document.querySelector("[aria-disabled=true]"));
    assert.equal(site.state.posterAt, 7500);
    await sheet.getByRole("button", { name: "Save" }).click();
    const dough = own(page, "How dough rises");
    await dough.waitFor();
    assert.notEqual(await dough.locator("img").getAttribute("src"), before);
});
