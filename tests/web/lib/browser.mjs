// A real browser, one for a file of tests; a fresh context, with no cookies and nothing kept, for each test.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before } from "node:test";
import { chromium } from "playwright-core";
import { WAIT } from "../../harness/patience.mjs";
import { openSite } from "./site.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-gpu", "--mute-audio", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-first-run", "--no-pings",
    "--disable-features=OptimizationHints,MediaRouter,Translate"];
// A platform counts listeners for a while after their pages are gone; the app then asks instead.
const BUSY = process.env.KINOBUS_WEB_URL ? [429] : [];

/** Sets up a file of tests: site.url, site.state, and open(). */
export function useSite() {
    const site = {};
    let browser, opened = [];
    before(async () => {
        browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
    });
    after(() => browser.close());
    const begin = async () => {
        if (!site.url)
            Object.assign(site, await openSite());
    };
    afterEach(async () => {
        const complaints = opened.flatMap((o) => o.complaints);
        await Promise.all(opened.map((o) => o.context.close()));
        opened = [];
        await site.close?.();
        delete site.url;
        assert.deepEqual(complaints, [], "the browser complained");
    });
    /** A page of the site. Errors and violations of the content policy fail the test; `expected` names HTTP errors that are meant.
     *  The clock of a page with a `clock` can be turned and stopped: by page.clock. */
    site.open = async (path = "/", { as, width = 1280, height = 800, dark = false, still = true, clock = false, expected = [401] } = {}) => {
        await begin();
        const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light",
            reducedMotion: still ? "reduce" : "no-preference" });
        const page = await context.newPage();
        page.setDefaultTimeout(WAIT);
        const complaints = [];
        page.on("pageerror", (error) => complaints.push(String(error)));
        page.on("console", (message) => {
            const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
            if (message.type() === "error" && ![...expected, ...BUSY].includes(status))
                complaints.push(message.text());
        });
        opened.push({ context, complaints });
        if (clock)
            await page.clock.install();
        if (as)
            await signIn(page, site.url, as);
        await page.goto(site.url + path);
        return page;
    };
    site.begin = begin;
    return site;
}

export const ALICE = { email: "alice@example.org", password: "a tram at night" };
export const ADA = { email: "ada@example.org", password: "a tram at night" };
export const VERA = { email: "vera@example.org", password: "a tram at night" };

async function signIn(page, url, { email, password }) {
    await page.goto(url + "/signin");
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: /^Account of/ }).waitFor();
}

/** No finding of axe-core, whose script must get past the page's own content policy. */
export async function assertAccessible(page, what) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const told = violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n    ` +
        v.nodes.slice(0, 4).map((n) => `${n.target.join(" ")}: ${n.failureSummary?.split("\n")[1]?.trim()}`).join("\n    "));
    assert.equal(told.join("\n"), "", `axe on ${what}`);
}

export async function assertNoSideScroll(page, what) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${what} is ${wide} px wider than the window`);
}

/** Waits for a condition in the page. */
export const until = (page, fn, arg) => page.waitForFunction(fn, arg, { timeout: WAIT, polling: 100 });

/** From its end on it is watched once more: a film is not over before a busy machine has seen of it what it is to see. */
export const endless = (page, end = 21) => page.evaluate((end) => {
    const video = document.querySelector("video");
    globalThis.endless = true;
    video.addEventListener("timeupdate", () => {
        if (!globalThis.endless || video.currentTime < end)
            return;
        video.currentTime = 1;
        void video.play();
    });
}, end);
