// Every page, in both themes, on a phone and on a wide screen: rendered, accessible, within the window.
import { join } from "node:path";
import { test } from "node:test";
import { ADA, ALICE, VERA, assertAccessible, assertNoSideScroll, useSite } from "./lib/browser.mjs";
import { SHOTS } from "./lib/site.mjs";

const site = useSite();

const PAGES = [
    ["home", "/", ALICE, (page) => page.getByRole("heading", { name: "Continue watching" })],
    ["home-anonymous", "/", null, (page) => page.getByRole("heading", { name: "Night bus through the old town" }).first()],
    ["search", "/search?q=bread", null, (page) => page.getByText("3 videos")],
    ["search-nothing", "/search?q=zebra", null, (page) => page.getByText("No video holds all")],
    ["sign-in", "/signin", null, (page) => page.getByRole("heading", { name: "Sign in" })],
    ["register", "/register", null, (page) => page.getByRole("heading", { name: "Create an account" })],
    ["verify", "/verify?token=a-token-of-enough-length", null, (page) => page.getByRole("button", { name: "This is my address" })],
    ["upload", "/upload", ALICE, (page) => page.getByText("Drop videos here")],
    ["upload-viewer", "/upload", VERA, (page) => page.getByText("may watch, but not upload")],
    ["mine", "/mine", ALICE, (page) => page.getByRole("heading", { name: "Broken tape" })],
    ["trash", "/mine?show=trash", ALICE, (page) => page.getByText("The trash is empty")],
    ["account", "/account", ALICE, (page) => page.getByRole("button", { name: "Change password" })],
    ["people", "/people", ADA, (page) => page.getByRole("button", { name: "Disable Vera" })],
    ["people-others", "/people", ALICE, (page) => page.getByText("for administrators")],
    ["needs-account", "/account", null, (page) => page.getByText("for people with an account")],
    ["not-found", "/no/such/page", null, (page) => page.getByText("There is no page here")],
    ["no-video", "/watch/video_00000000000000000000000000", null, (page) => page.getByText("There is no such video")],
];

for (const [name, path, as, shows] of PAGES)
    for (const [width, dark] of [[360, true], [1440, false]])
        test(`the page ${name} is right at ${width} px, ${dark ? "dark" : "light"}`, async () => {
            const page = await site.open(path, { as, width, dark, expected: [401, 404] });
            await shows(page).waitFor();
            await page.waitForFunction(() => [...document.images].every((i) => i.complete));
            await page.screenshot({ path: join(SHOTS, `${name}-${width}.png`) });
            await assertNoSideScroll(page, name);
            await assertAccessible(page, name);
        });

for (const [width, dark] of [[360, false], [1440, true]])
    test(`the page watch is right at ${width} px, ${dark ? "dark" : "light"}`, async () => {
        await site.begin();
        const video = site.state.titled("Night bus through the old town");
        const page = await site.open(`/watch/${video.id}`, { as: ALICE, width, dark });
        await page.getByRole("region", { name: /^Player/ }).waitFor();
        await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2);
        await page.getByRole("button", { name: "Settings" }).click();
        await page.screenshot({ path: join(SHOTS, `watch-${width}.png`) });
        await assertNoSideScroll(page, "watch");
        await assertAccessible(page, "watch");
        await page.getByRole("button", { name: "Edit" }).click();
        await page.getByRole("dialog").waitFor();
        await page.screenshot({ path: join(SHOTS, `edit-${width}.png`) });
        await assertAccessible(page, "edit");
    });
