// The app on a running platform, as a person would meet it. KINOBUS_WEB_URL says where; nothing of the platform is
// looked at but its pages. Not part of the fast tier: live.py starts a platform for it.
import { join } from "node:path";
import { test } from "node:test";
import { assertAccessible, endless, until, useSite } from "./lib/browser.mjs";
import { FILM_SECONDS, SHOTS, film } from "./lib/site.mjs";

const site = useSite();
const mark = Date.now().toString(36);
const who = { name: `Rosa ${mark}`, email: `rosa-${mark}@example.org`, password: "a long way round" };
const title = `Ferry ${mark}`;
let address;                        // of the video, from test to test

const plays = (page) => until(page, () => document.querySelector("video")?.currentTime > 0.5);
const own = (page) => page.getByRole("article", { name: title, exact: true });

test("somebody registers, uploads, and watches before or when it is ready", async () => {
    const page = await site.open("/register?next=%2Fupload", { still: false });
    await page.getByRole("textbox", { name: "Name" }).fill(who.name);
    await page.getByLabel("E-mail address").fill(who.email);
    await page.getByLabel("Password").fill(who.password);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByLabel("Who may watch what you upload now").selectOption("public");
    await page.getByLabel("Video files").setInputFiles(film());
    const sent = page.getByRole("article", { name: "film" });
    await sent.getByText("Uploaded", { exact: true }).waitFor();
    await sent.getByLabel("Title").fill(title);
    await sent.getByLabel("Title").press("Tab");
    await own(page).getByRole("link", { name: "Watch now" }).click();
    await plays(page);
    address = new URL(page.url()).pathname;
    await page.getByText("Still being prepared", { exact: true }).waitFor({ state: "hidden" });
    await until(page, (s) => Math.abs(document.querySelector("video").duration - s) < 0.5, FILM_SECONDS);
    await page.screenshot({ path: join(SHOTS, "live-watch.png") });
    await assertAccessible(page, "watch");
});

test("a stranger finds it by its title, and it plays through hls.js", async () => {
    const page = await site.open("/", { still: false });
    await page.getByRole("combobox", { name: "Search videos" }).fill(title);
    await page.keyboard.press("Enter");
    const copied = page.waitForResponse((answer) => answer.url().includes("/v/source-720/0"));
    await page.getByRole("link", { name: title }).click();
    await plays(page);
    await endless(page, FILM_SECONDS - 3);
    await until(page, () => document.querySelector("video").currentSrc.startsWith("blob:"));
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByLabel("Quality").getByRole("option").nth(1).waitFor({ state: "attached" });
    await page.getByLabel("Quality").selectOption({ label: "720p" });
    await copied;
    await until(page, () => document.querySelector("video").videoHeight === 720 && !document.querySelector("video").error);
});

test("its owner sees how it came to be, changes it, takes it away and back", async () => {
    const page = await site.open("/mine", { as: who });
    await own(page).getByRole("button", { name: "Why" }).click();
    await own(page).getByText("media: ready").waitFor();
    await own(page).getByRole("button", { name: "Edit" }).click();
    await page.getByRole("dialog").getByLabel("Description").fill("From one shore to the other.");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await own(page).getByRole("button", { name: "Trash" }).click();
    await page.getByRole("navigation", { name: "My videos" }).getByRole("link", { name: "Trash" }).click();
    await own(page).getByRole("button", { name: "Restore" }).click();
    await own(page).waitFor({ state: "hidden" });
    await page.goto(site.url + address);
    await page.getByText("From one shore to the other.").waitFor();
});

test("its owner was told, and goes on watching where they stopped", async () => {
    const page = await site.open(address, { as: who });
    await until(page, () => document.querySelector("video")?.readyState >= 3);
    await page.getByRole("button", { name: /^Notifications/ }).click();
    await page.getByRole("listitem").getByText(/film|Ferry/).first().waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("region", { name: /^Player/ }).focus();
    await page.keyboard.press("5");
    await until(page, (s) => Math.abs(document.querySelector("video").currentTime - s) < 0.5, FILM_SECONDS / 2);
    await page.getByRole("link", { name: "Kinobus, home" }).click();
    await page.getByRole("region", { name: "Continue watching" }).getByRole("link", { name: title }).click();
    await until(page, (s) => document.querySelector("video")?.currentTime >= s, FILM_SECONDS / 2 - 0.5);
});

test("a file that is no film is refused with a reason, and can be given up", async () => {
    const page = await site.open("/upload", { as: who });
    await page.getByLabel("Video files").setInputFiles({ name: "letter.mp4", mimeType: "video/mp4", buffer: Buffer.alloc(400_000, "Dear Ida, ") });
    const item = page.getByRole("article", { name: "letter" });
    await item.getByRole("alert").getByText(/cannot/).waitFor();
    await item.getByRole("link", { name: /^See why/ }).click();
    const failed = page.getByRole("article", { name: "letter", exact: true });
    await failed.getByText("Failed", { exact: true }).waitFor();
    await failed.getByRole("button", { name: "Why" }).click();
    await failed.getByText("media: failed").waitFor();
    await failed.getByRole("button", { name: "Trash" }).click();
    await page.goto(site.url + "/mine?show=trash");
    await page.getByRole("article", { name: "letter", exact: true }).getByRole("button", { name: "Delete for good" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
    await page.getByText("The trash is empty").waitFor();
});

test("a video that is deleted for good is gone for everybody", async () => {
    const page = await site.open("/mine", { as: who });
    await own(page).getByRole("button", { name: "Trash" }).click();
    await page.getByRole("navigation", { name: "My videos" }).getByRole("link", { name: "Trash" }).click();
    await own(page).getByRole("button", { name: "Delete for good" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
    await page.getByText("The trash is empty").waitFor();
    const other = await site.open(address, { expected: [401, 404] });
    await other.getByText("There is no such video").waitFor();
});
