// What can be done can be done by keyboard, and one always knows where one is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../harness/patience.mjs";
import { ALICE, assertAccessible, until, useSite } from "./lib/browser.mjs";

const site = useSite();
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") || document.activeElement?.textContent?.trim());

test("the first Tab offers to skip to the content", async () => {
    const page = await site.open("/signin");
    await page.getByLabel("Password").waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Skip to content");
    await page.keyboard.press("Enter");
    await until(page, () => document.activeElement.id === "main");
});

test("a change of page puts the focus on its heading and changes the title", async () => {
    const page = await site.open("/");
    const link = page.getByRole("link", { name: "How bread rises", exact: true });
    await link.focus();
    await page.keyboard.press("Enter");
    await until(page, () => document.activeElement?.tagName === "H1" && document.activeElement.textContent === "How bread rises");
    await until(page, () => document.title === "How bread rises · Kinobus");
    await page.goBack();
    await until(page, () => document.activeElement?.textContent === "Home" && document.title === "Kinobus");
});

test("search suggests, arrows choose, Enter searches, Escape closes", async () => {
    const page = await site.open("/");
    const box = page.getByRole("combobox", { name: "Search videos" });
    await box.pressSequentially("bre", { delay: 20 });
    await page.getByRole("option").first().and(page.getByRole("option", { name: "How bread rises", exact: true })).waitFor();   // not those of "b"
    assert.equal(await box.getAttribute("aria-expanded"), "true");
    await assertAccessible(page, "suggestions");
    await page.keyboard.press("Escape");
    assert.equal(await box.getAttribute("aria-expanded"), "false");
    await page.keyboard.press("ArrowDown");
    const chosen = await box.getAttribute("aria-activedescendant");
    assert.equal(await page.locator(`[id="${chosen}"]`).textContent(), "How bread rises");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Results for “How bread rises”" }).waitFor();
    assert.match(page.url(), /\/search\?q=How%20bread%20rises$/);
});

test("suggestions that come when nobody waits for them any more stay closed", async () => {
    const page = await site.open("/"), ended = [];
    const box = page.getByRole("combobox", { name: "Search videos" });
    for (const event of ["requestfinished", "requestfailed"])
        page.on(event, (request) => request.url().includes("/suggest?q=bre") && ended.push(event));
    for (const key of ["Escape", "Tab", "Enter", "Enter"]) {    // which leads to the page of results, then stays there
        await box.fill("br");
        await page.getByRole("option").first().waitFor();
        site.state.held = [/suggest$/];
        const asked = page.waitForRequest(/suggest\?q=bre/);
        await box.fill("bre");
        await asked;
        await page.keyboard.press(key);
        site.state.held = [];
        await eventually(() => ended.length);
        await page.evaluate(() => fetch("/healthz"));       // what was answered has been heard by then
        assert.equal(await box.getAttribute("aria-expanded"), "false", `after ${key}`);
        ended.length = 0;
        await box.fill("");
    }
});

test("what drops down closes by Escape and gives the focus back", async () => {
    const page = await site.open("/", { as: ALICE });
    const button = page.getByRole("button", { name: /^Account of/ });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "My videos" }).waitFor();
    await assertAccessible(page, "account menu");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "My videos");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "My videos" }).waitFor({ state: "hidden" });
    assert.equal(await focused(page), "Account of Alice Auerbach");
});

test("a dialog keeps the focus and gives it back", async () => {
    const page = await site.open("/mine", { as: ALICE });
    const edit = page.getByRole("article", { name: "Broken tape" }).getByRole("button", { name: "Edit" });
    await edit.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Edit video" }).waitFor();
    for (let i = 0; i < 12; i++)
        await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => !document.activeElement || document.activeElement === document.body || !!document.activeElement.closest("dialog")));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await until(page, () => document.activeElement?.textContent === "Edit");
});

test("the player is played, sought and muted by keys, inside of it alone", async () => {
    await site.begin();
    const video = site.state.titled("How bread rises");
    const page = await site.open(`/watch/${video.id}`);
    await until(page, () => document.querySelector("video")?.readyState >= 2);
    await page.locator("body").press("m");
    assert.equal(await page.evaluate(() => document.querySelector("video").muted), false);
    await page.getByRole("region", { name: /^Player/ }).focus();
    await page.keyboard.press("m");
    assert.equal(await page.evaluate(() => document.querySelector("video").muted), true);
    await page.keyboard.press("l");
    await until(page, () => document.querySelector("video").currentTime >= 10);
    await page.keyboard.press("Home");
    await until(page, () => document.querySelector("video").currentTime < 1);
    await page.keyboard.press("k");
    await until(page, () => !document.querySelector("video").paused && document.querySelector("video").currentTime > 0.2);
    await page.keyboard.press("k");
    await until(page, () => document.querySelector("video").paused);
    await page.keyboard.press(">");
    assert.equal(await page.evaluate(() => document.querySelector("video").playbackRate), 1.25);
    await page.keyboard.press("?");
    await page.getByRole("group", { name: "Keys" }).waitFor();
    await assertAccessible(page, "the keys");
    await page.getByRole("slider", { name: "Position" }).focus();
    await page.keyboard.press("5");
    await until(page, () => Math.abs(document.querySelector("video").currentTime - 12) < 0.5);
    await page.locator('[aria-valuetext="12 seconds of 24 seconds, Water & salt"]').waitFor();
});
