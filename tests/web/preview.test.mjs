// A card of a list shows more of its video while somebody rests on it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/patience.mjs";
import { until, useSite } from "./lib/browser.mjs";
import { SHOTS } from "./lib/site.mjs";

const site = useSite();
const card = (page) => page.getByRole("article").filter({ has: page.getByRole("link", { name: "How bread rises", exact: true }) });
const shown = (page) => page.evaluate(() => [...document.querySelectorAll(".flip")].map((f) => f.style.backgroundImage));
const fetched = () => site.state.asked.filter((a) => a.endsWith("/storyboard.vtt")).length;

async function home(options) {
    await site.begin();
    const page = await site.open("/", { still: false, ...options });
    await card(page).getByRole("link").waitFor();
    await page.waitForFunction(() => [...document.images].every((i) => i.complete));
    return page;
}

test("the tiles of a video's storyboard pass by under the mouse, and are gone with it", async () => {
    const page = await home();
    assert.equal(fetched(), 0);
    await card(page).hover();
    await until(page, () => document.querySelector(".flip")?.style.backgroundImage.includes("poster1.jpg"));
    await page.screenshot({ path: join(SHOTS, "preview.png") });
    await until(page, () => document.querySelector(".flip")?.style.backgroundImage.includes("poster2.jpg"));
    const [box, over] = await page.evaluate(() => [document.querySelector(".poster:has(.flip)"), document.querySelector(".flip")]
        .map((e) => e.getBoundingClientRect()).map(({ x, y, width, height }) => [x, y, width, height].map(Math.round)));
    assert.deepEqual(over, box);
    assert.equal(fetched(), 1);
    await page.mouse.move(0, 0);
    await until(page, () => !document.querySelector(".flip"));
});

test("they pass for the keyboard, too", async () => {
    const page = await home();
    await page.getByRole("combobox", { name: "Search videos" }).focus();
    const link = card(page).getByRole("link");
    await eventually(async () => {
        await page.keyboard.press("Tab");
        return link.evaluate((e) => e === document.activeElement);
    });
    await until(page, () => document.querySelector(".flip"));
    await page.keyboard.press("Tab");
    await until(page, () => document.querySelector(".flip")?.closest("article").querySelector("a") === document.activeElement);
});

test("nothing moves where less motion is wanted", async () => {
    const page = await home({ still: true, clock: true });
    await card(page).hover();
    await page.clock.runFor(5000);
    await page.evaluate(() => fetch("/healthz"));       // what was asked before this has been asked by now
    assert.deepEqual([await shown(page), fetched()], [[], 0]);
});
