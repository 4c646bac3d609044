// Uppy, in a page of another origin that the operator allows: it uploads to a running platform with an access token, and
// goes on by itself when the line breaks. live.py starts the platform, and says where its blobs lie.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { WAIT } from "../harness/patience.mjs";

const { KINOBUS_WEB_URL: platform, KINOBUS_WEB_OTHER_ORIGIN: origin, KINOBUS_WEB_STATE: state, KINOBUS_WEB_PASSWORD: password } = process.env;
const SIZES = [1, 65_536, 600_001, 900_002, 1_200_003];
const closing = [];
let browser;

// What runs in the page; esbuild makes one script of it.
const SCRIPT = `
    import Uppy from "@uppy/core";
    import Tus from "@uppy/tus";
    window.send = async (endpoint, token, sizes) => {
        const uppy = new Uppy();
        uppy.use(Tus, { endpoint, headers: { Authorization: "Bearer " + token }, retryDelays: Array(60).fill(50), limit: 3,
            removeFingerprintOnSuccess: true });
        const sums = await Promise.all(sizes.map(async (size, i) => {
            const data = new Uint8Array(size);
            for (let at = 0; at < size; at += 65536)
                crypto.getRandomValues(data.subarray(at, at + 65536));
            uppy.addFile({ name: "film " + i + ".mp4", type: "video/mp4", data: new Blob([data]) });
            const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
            return Array.from(sum, b => b.toString(16).padStart(2, "0")).join("");
        }));
        const { successful, failed } = await uppy.upload();
        return { sums, sent: successful.length, failed: failed.map(f => f.error) };
    };`;

/** A way to the platform on which every connection ends after so many bytes from the client. */
async function brittle(bytes) {
    const to = new URL(platform), server = net.createServer((client) => {
        const there = net.connect(Number(to.port), to.hostname);
        let left = bytes;
        for (const socket of [client, there])
            socket.on("error", () => {}).on("close", () => { client.destroy(); there.destroy(); });
        there.pipe(client);
        client.on("data", (data) => {
            left -= data.length;
            if (left > 0)
                there.write(data);
            else
                client.destroy();
        });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    return `http://127.0.0.1:${server.address().port}`;
}

async function page() {
    const esbuild = createRequire(new URL("../../web/app/package.json", import.meta.url))("esbuild");
    const { outputFiles: [script] } = await esbuild.build({ stdin: { contents: SCRIPT, resolveDir: import.meta.dirname ?? process.cwd() },
        bundle: true, format: "iife", write: false, logLevel: "error" });
    const server = http.createServer((request, answer) => {
        const is = request.url === "/uppy.js";
        answer.setHeader("Content-Type", is ? "text/javascript" : "text/html");
        answer.end(is ? script.text : "<!doctype html><title>Uppy</title><script src=uppy.js></script>");
    });
    await new Promise((resolve) => server.listen(Number(new URL(origin).port), "127.0.0.1", resolve));
    closing.push(() => { server.close(); server.closeAllConnections(); });
    const shown = await (await browser.newContext()).newPage();
    shown.setDefaultTimeout(WAIT);
    await shown.goto(origin);
    return shown;
}

const stored = () => {
    const raw = join(state, "blobs", "raw");
    return readdirSync(raw, { recursive: true }).map((name) => join(raw, name)).filter((name) => !/\/\./.test(name) && statSync(name).isFile())
        .map((name) => createHash("sha256").update(readFileSync(name)).digest("hex"));
};

before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
});
after(async () => {
    await browser.close();
    closing.forEach((close) => close());
});

test("Uppy uploads several files at once from another origin, over a line that breaks", { timeout: WAIT }, async () => {
    const answer = await fetch(`${platform}/api/v1/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "admin@localhost", password }) });
    const { access_token: token } = await answer.json();
    const endpoint = `${await brittle(500_000)}/api/v1/uploads`;
    const said = await (await page()).evaluate(([...all]) => window.send(...all), [endpoint, token, SIZES]);
    assert.deepEqual([said.sent, said.failed], [SIZES.length, []]);
    const there = stored();
    for (const [i, sum] of said.sums.entries())
        assert.ok(there.includes(sum), `the file of ${SIZES[i]} bytes is not there as it was sent`);
});
