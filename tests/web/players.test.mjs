// Players that are not ours, in a page of another origin that the operator allows: each plays what a running platform made of
// a film with two sounds, seeks, shows every size and lets each language be heard; where the film has several codecs, in one that the
// browser decodes. live.py starts the platform, and uploads.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { WAIT, eventually } from "../harness/patience.mjs";
import { endless, until } from "./lib/browser.mjs";

const { KINOBUS_WEB_URL: platform, KINOBUS_WEB_OTHER_ORIGIN: origin, KINOBUS_WEB_FILM: film, KINOBUS_WEB_PASSWORD: password,
    KINOBUS_WEB_HEIGHTS: heights, KINOBUS_WEB_CODECS: codecs } = process.env;
const SECONDS = 20, TONES = { en: 440, fr: 1320 }, HEIGHTS = heights.split(" ").map(Number);
const LIMIT = { timeout: 3 * WAIT };      // of a player's whole story
const seen = new Set();
const SCRIPTS = {
    "hls.js": "../../web/app/node_modules/hls.js/dist/hls.js",
    "shaka": "node_modules/shaka-player/dist/shaka-player.compiled-es2021.debug.js",
    "dash.js": "node_modules/dashjs/dist/modern/umd/dash.all.debug.js",
    "video.js": "node_modules/video.js/dist/video.js",
};
const served = {
    "/native": "",
    "/players.js": readFileSync(new URL("lib/players.js", import.meta.url)),
    ...Object.fromEntries(Object.entries(SCRIPTS).map(([name, path]) => [`/${name}`, readFileSync(new URL(path, import.meta.url))])),
};
// Shaka's way to say that it puts one language aside while another is played, and that of dash.js for a codec that the browser lacks.
const SET_ASIDE = /^Rejecting variant - not compatible with root|\[CapabilitiesFilter\] .*(?:="hvc1|no supported Representation)/;
let browser, server, playing;

before(async () => {
    server = http.createServer((request, answer) => {
        const { pathname, searchParams } = new URL(request.url, origin);
        answer.setHeader("Content-Type", pathname in served ? "text/javascript" : "text/html; charset=utf-8");
        answer.end(served[pathname] ?? `<!doctype html><title>Players</title><link rel=icon href=data:,><video crossorigin=anonymous></video>
            <script src="/players.js"></script><script src="/${searchParams.get("player")}"></script>`);
    });
    await new Promise((resolve) => server.listen(Number(new URL(origin).port), "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required"] });
    playing = await (await fetch(`${platform}/api/v1/videos/${film}/playback`, { method: "POST" })).json();
});
after(async () => {
    await browser.close();
    server.close();
    server.closeAllConnections();
});

async function newPage(options) {
    const page = await (await browser.newContext(options)).newPage();
    page.setDefaultTimeout(WAIT);
    return page;
}

const wait = (page, what, fn, arg) => until(page, fn, arg).catch(async (error) => {
    const { currentTime, readyState, videoHeight, error: broken } = await page.evaluate(() => {
        const { currentTime, readyState, videoHeight, error } = document.querySelector("video");
        return { currentTime, readyState, videoHeight, error: error?.message };
    });
    throw new Error(`${what}: at ${currentTime} s, ready ${readyState}, ${videoHeight} lines, ${broken}`, { cause: error });
});

/** A player in a page of its own, which plays: what can be asked of it, and what it complained of. */
async function open(player, url) {
    const page = await newPage(), complaints = [], fetched = codecsOf(page);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (line) => ["warning", "error"].includes(line.type()) && !SET_ASIDE.test(line.text()) && complaints.push(line.text()));
    await page.exposeFunction("complain", (text) => complaints.push(text));
    await page.goto(`${origin}/?player=${player}`);
    await page.evaluate(async ([player, url]) => {
        const video = document.querySelector("video");
        globalThis.player = await globalThis.PLAYERS[player](video, url, globalThis.complain);
        globalThis.heard = globalThis.listen(document.querySelector("video"));
        await document.querySelector("video").play();
    }, [player, platform + url]);
    const at = (s) => wait(page, `plays at ${s} s`, ([s, from]) => {
        const video = document.querySelector("video");      // a busy machine looks late
        return !video.seeking && video.currentTime > s && video.currentTime < s + 3 + (Date.now() - from) / 1000;
    }, [s + 0.3, Date.now()]);
    await at(0);
    await endless(page, SECONDS - 3);
    assert.ok(Math.abs(await page.evaluate(() => document.querySelector("video").duration) - SECONDS) < 0.1);
    return {
        ask: (what) => page.evaluate((name) => [...new Set(globalThis.player[name]())].sort((a, b) => a > b ? 1 : -1), what),
        choose: (what, value) => page.evaluate(([name, value]) => { globalThis.player[name](value); }, [what, value]),
        hears: (language) => wait(page, `${language} is heard`, (hz) => Math.abs(globalThis.heard() - hz) < 10, TONES[language]),
        shows: (height) => wait(page, `${height} lines are shown`, (h) => document.querySelector("video").videoHeight === h, height),
        another: () => page.evaluate((heights) => heights.find((h) => h !== document.querySelector("video").videoHeight), HEIGHTS),
        fetched: () => [...fetched],
        async seek(s) {
            await page.evaluate((s) => { document.querySelector("video").currentTime = s; }, s);
            await at(s);
        },
        async end() {
            await page.evaluate(() => { globalThis.endless = false; });
            await this.seek(SECONDS - 2);
            await wait(page, "it ends", () => document.querySelector("video").ended);
            await page.context().close();
            assert.deepEqual(complaints, []);
        },
    };
}

async function story(player, url) {
    const p = await open(player, url);
    assert.deepEqual([await p.ask("heights"), await p.ask("languages")], [HEIGHTS, Object.keys(TONES)]);
    await p.hears("en");
    await p.seek(14);
    await p.seek(2);
    const height = await p.another();       // wherever it began
    await p.choose("height", height);
    await p.shows(height);
    await p.choose("language", "fr");
    await p.hears("fr");
    await p.seek(11);
    await p.hears("fr");
    await p.end();
    p.fetched().forEach((codec) => seen.add(codec));
    return p.fetched();
}

for (const [player, kind] of [["hls.js", "hls"], ["shaka", "hls"], ["shaka", "dash"], ["dash.js", "dash"], ["video.js", "hls"], ["video.js", "dash"]])
    test(`${player} plays ${kind.toUpperCase()}`, LIMIT, async (t) => t.diagnostic(`codecs: ${await story(player, playing[`${kind}_url`])}`));

async function signIn() {
    const login = await fetch(`${platform}/api/v1/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "admin@localhost", password }) });
    return (await login.json()).access_token;
}

/** Of a page: the codecs whose segments it has fetched so far. */
function codecsOf(page) {
    const fetched = new Set();
    page.on("request", (request) => {
        const codec = /\/v\/([a-z0-9]+)-\d+\/\d+\.m4s/.exec(request.url())?.[1];
        if (codec)
            fetched.add(codec);
    });
    return fetched;
}

if (codecs)
    test("our own page plays the newest codec that the browser decodes, and that alone", async () => {
        const page = await newPage(), fetched = codecsOf(page);
        await page.goto(`${platform}/watch/${film}`);
        await page.locator("video").waitFor({ state: "attached" });
        await wait(page, "plays", () => {
            const video = document.querySelector("video");
            if (video.paused)
                video.play().catch(() => {});       // asked again when it is loading only now
            return video.currentTime > 1;
        });
        assert.deepEqual([...fetched], ["av1"]);
        await page.context().close();
    });

if (!codecs)
    test("our own page goes on when its addresses end, for it has had new ones", async () => {
        const page = await newPage({ reducedMotion: "no-preference" });
        let rights, refused, playbacks;
        const window = async (to, token) => {
            const answer = await fetch(`${platform}/api/v1/videos/${film}`, { method: "PATCH", body: JSON.stringify({ window: to }),
                headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` } });
            assert.equal(answer.status, 200);
        };
        page.on("response", (response) => {
            const right = /\/media\/([^/]+)\/.*\.(?:m4s|m3u8)$/.exec(response.url())?.[1];
            if (right && rights.at(-1) !== right)
                rights.push(right);
            if (response.status() >= 400 && response.url().includes("/media/"))
                refused.push(response.url());
            if (response.url().endsWith("/playback"))
                playbacks.push(response);
        });
        // Nothing ends sooner than its hour but with a window: one that ends in a moment, and is moved before it does. The moment is a
        // longer one where the machine was too slow for that, and to have all of the film by then.
        const token = await signIn();
        let end, src;
        for (let left = 6000, inTime = false; !inTime; left *= 2) {
            [rights, refused, playbacks] = [[], [], []];
            end = Math.ceil(Date.now() / 1000) * 1000 + left;
            await window({ until: new Date(end).toISOString() }, token);
            await page.goto(`${platform}/watch/${film}`);
            await until(page, ([end, seconds]) => {
                const video = document.querySelector("video");
                const buffered = video?.buffered, loaded = buffered?.length ? buffered.end(buffered.length - 1) : 0;
                return Date.now() > end || (video?.currentTime > 0.3 && loaded > seconds - 0.5);
            }, [end, SECONDS]);
            src = await page.evaluate(() => document.querySelector("video")?.currentSrc);
            await window({}, token);
            inTime = Date.now() < end - 1000 && playbacks.length === 1 && Date.parse((await playbacks[0].json()).expires_at) <= end;
        }
        await endless(page, SECONDS - 3);
        await eventually(() => playbacks.length === 2);
        assert.equal(playbacks[1].status(), 200);
        assert.ok(Date.now() >= end - 1000, "not before it is known whether there is more");
        await playbacks[1].finished();
        await page.evaluate(async () => {       // by then the page goes by what it was answered
            await fetch("/healthz");
            await new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(then))));
        });
        const label = `${HEIGHTS[0]}p`;
        await page.getByRole("button", { name: "Settings" }).click();
        await page.getByRole("group", { name: "Settings" }).getByLabel("Quality").selectOption({ label });
        await wait(page, "shows the other size", (h) => document.querySelector("video").videoHeight === h, HEIGHTS[0]);
        assert.equal(await page.evaluate(() => document.querySelector("video").currentSrc), src);
        assert.equal(rights.length, 2);
        assert.deepEqual(refused, []);
        await page.context().close();
    });

if (codecs)
    test("they fetched what the browser decodes, and nothing else", () => assert.equal([...seen].sort().join(" "), codecs));

test("a file to be kept plays without a player", async () => {
    const token = await signIn();
    const { items } = await (await fetch(`${platform}/api/v1/videos/${film}/downloads`, { headers: { Authorization: `Bearer ${token}` } })).json();
    const p = await open("native", items.find((file) => file.height === HEIGHTS[0] && file.language === "fr").url);
    await p.shows(HEIGHTS[0]);
    await p.hears("fr");
    await p.seek(14);
    await p.seek(2);
    await p.hears("fr");
    await p.end();
});
