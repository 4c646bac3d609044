// Pages of other origins that put the parts of a film straight into the store behind a running platform, by Uppy and by fetch. The
// bucket has the rule that ops/OPERATORS.md tells operators to set, for the one origin; live.py starts the platform and the store.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { WAIT, eventually } from "../harness/patience.mjs";

const { KINOBUS_WEB_URL: platform, KINOBUS_WEB_OTHER_ORIGIN: origin, KINOBUS_WEB_STATE: state, KINOBUS_WEB_PASSWORD: password,
    KINOBUS_WEB_CLIP: clip } = process.env;
const PART = 5 << 20;
const LIMIT = { timeout: 2 * WAIT };      // for what the page does, and then the platform
let browser, server, token;

// What runs in the page; esbuild makes one script of it.
const SCRIPT = `
    import Uppy from "@uppy/core";
    import AwsS3 from "@uppy/aws-s3";

    const api = async (method, path, body) => {
        const answer = await fetch(platform + path, { method, body: body && JSON.stringify(body),
            headers: { Authorization: "Bearer " + token, ...(body && { "Content-Type": "application/json" }) } });
        const text = await answer.text();
        if (!answer.ok)
            throw new Error(method + " " + path + ": " + answer.status + " " + text);
        return text ? JSON.parse(text) : null;
    };
    const open = (file) => api("POST", "/api/v1/direct-uploads", { length: file.size, filename: file.name, part_size: PART });
    const urls = async (id, numbers) => (await api("POST", "/api/v1/direct-uploads/" + id + "/parts", { numbers })).items;
    const complete = async (id, parts) => (await api("POST", "/api/v1/direct-uploads/" + id + "/complete", { parts })).id;
    const film = async (name) => new File([await (await fetch("/film")).blob()], name, { type: "video/mp4" });

    window.byUppy = async () => {
        const uppy = new Uppy(), file = await film("By Uppy.mp4");
        uppy.use(AwsS3, {
            shouldUseMultipart: true, getChunkSize: () => PART,
            createMultipartUpload: async (file) => { const { id, video_id } = await open(file); return { uploadId: id, key: video_id }; },
            signPart: async (file, { uploadId, partNumber }) => (await urls(uploadId, [partNumber]))[0],
            listParts: async (file, { uploadId }) => (await api("GET", "/api/v1/direct-uploads/" + uploadId)).there
                .map((part) => ({ PartNumber: part.number, Size: part.size, ETag: part.etag })),
            completeMultipartUpload: async (file, { uploadId, parts }) =>
                ({ location: await complete(uploadId, parts.map((part) => ({ number: part.PartNumber, etag: part.ETag }))) }),
            abortMultipartUpload: (file, { uploadId }) => api("DELETE", "/api/v1/direct-uploads/" + uploadId),
        });
        uppy.addFile({ name: file.name, type: file.type, data: file });
        const { successful, failed } = await uppy.upload();
        return { failed: failed.map((f) => String(f.error)), video: successful[0]?.response.uploadURL };
    };

    window.byFetch = async () => {
        const file = await film("By fetch.mp4"), { id } = await open(file);
        const parts = await Promise.all((await urls(id, [1, 2, 3])).map(async ({ number, url, size }) => {
            const body = file.slice((number - 1) * PART, (number - 1) * PART + size, file.type);   // its type is told, and asked for beforehand
            const answer = await fetch(url, { method: "PUT", body });
            return { number, status: answer.status, etag: answer.headers.get("ETag") };
        }));
        return { statuses: parts.map((part) => part.status), video: await complete(id, parts.map(({ number, etag }) => ({ number, etag }))) };
    };

    window.refused = async () => {
        const { id } = await open({ size: 3, name: "Refused.mp4" }), [{ url }] = await urls(id, [1]);
        const said = await fetch(url, { method: "PUT", body: "abc" }).then((answer) => answer.status, (error) => error.name);
        const { there } = await api("GET", "/api/v1/direct-uploads/" + id);
        await api("DELETE", "/api/v1/direct-uploads/" + id);
        return { said, there };
    };`;

async function page(from) {
    const shown = await (await browser.newContext()).newPage();
    shown.setDefaultTimeout(WAIT);
    await shown.goto(from);
    return shown;
}

const authorized = () => ({ headers: { Authorization: `Bearer ${token}` } });

/** It plays, and no byte of its original came through the platform. */
async function plays(video) {
    await eventually(async () => {
        const { state: word, reason } = await (await fetch(`${platform}/api/v1/videos/${video}`, authorized())).json();
        assert.notEqual(word, "failed", reason);
        return word === "ready";
    }, "it is ready");
    assert.equal(existsSync(join(state, "blobs", "raw", video)), false);
    const stream = await fetch(`${platform}/api/v1/videos/stream/${video}`, authorized());
    assert.match(await stream.text(), /^#EXTM3U/);
}

before(async () => {
    const login = await fetch(`${platform}/api/v1/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "admin@localhost", password }) });
    ({ access_token: token } = await login.json());
    const esbuild = createRequire(new URL("../../web/app/package.json", import.meta.url))("esbuild");
    const define = { platform: JSON.stringify(platform), token: JSON.stringify(token), PART: String(PART) };
    const { outputFiles: [script] } = await esbuild.build({ stdin: { contents: SCRIPT, resolveDir: import.meta.dirname ?? process.cwd() },
        bundle: true, format: "iife", write: false, logLevel: "error", define });
    const free = Buffer.alloc(2 * PART);        // a box that says nothing, so that there are three parts
    free.writeUInt32BE(free.length);
    free.write("free", 4);
    const film = Buffer.concat([readFileSync(clip), free]);
    const served = { "/direct.js": ["text/javascript", script.text], "/film": ["video/mp4", film] };
    server = http.createServer((request, answer) => {
        const [type, body] = served[request.url] ?? ["text/html", "<!doctype html><title>Straight</title><link rel=icon href=data:,><script src=direct.js></script>"];
        answer.setHeader("Content-Type", type);
        answer.end(body);
    });
    await new Promise((resolve) => server.listen(Number(new URL(origin).port), "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
});
after(async () => {
    await browser.close();
    server.close();
    server.closeAllConnections();
});

test("Uppy puts a film into the store from a page of an origin that the bucket allows", LIMIT, async () => {
    const { failed, video } = await (await page(origin)).evaluate(() => window.byUppy());
    assert.deepEqual(failed, []);
    await plays(video);
});

test("so does fetch, with a type of the parts that the browser asks leave for", LIMIT, async () => {
    const { statuses, video } = await (await page(origin)).evaluate(() => window.byFetch());
    assert.deepEqual(statuses, [200, 200, 200]);
    await plays(video);
});

test("from a page of an origin that the bucket does not know nothing is put there", LIMIT, async () => {
    const { said, there } = await (await page(origin.replace("127.0.0.1", "localhost"))).evaluate(() => window.refused());
    assert.deepEqual([said, there ?? []], ["TypeError", []]);
});
