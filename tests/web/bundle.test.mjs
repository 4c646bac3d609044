// The bundle as it is shipped: typed, small where it is waited for, and nothing in the page that its policy forbids.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const APP = fileURLToPath(new URL("../../web/app", import.meta.url));
const OUT = resolve(process.env.KINOBUS_OUT ?? join(APP, "../../build"));
const SHARE = join(OUT, "share", "web");
const FIRST_KIB = 60;               // gzipped, of what every page needs

test("the app is well typed against the schemas", () => {
    const types = join(OUT, "gen", "web", "api.d.ts");
    execFileSync("python3", [join(APP, "api_types.py"), types]);
    const config = join(OUT, "gen", "web", "tsconfig.json");
    writeFileSync(config, JSON.stringify({
        extends: join(APP, "tsconfig.json"), include: [join(APP, "src")],
        compilerOptions: { paths: { "#api": [types] }, typeRoots: [] },
    }));
    const tsc = spawnSync(join(APP, "node_modules", ".bin", "tsc"), ["--noEmit", "-p", config], { cwd: APP, encoding: "utf8" });
    assert.equal(tsc.stdout + tsc.stderr, "");
    assert.equal(tsc.status, 0);
});

test("what is fetched before the first paint is small", () => {
    const page = readFileSync(join(SHARE, "index.html"), "utf8");
    const names = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((m) => m[1]);
    assert.ok(names.length >= 3);
    const bytes = names.reduce((sum, name) => sum + gzipSync(readFileSync(join(SHARE, name))).length, 0);
    console.log(`first load: ${(bytes / 1024).toFixed(1)} KiB gzipped in ${names.length} files`);
    for (const name of readdirSync(join(SHARE, "assets")).filter((n) => /\.(js|css)$/.test(n)))
        console.log(`${(gzipSync(readFileSync(join(SHARE, "assets", name))).length / 1024).toFixed(1).padStart(8)} KiB gzipped ${name}`);
    assert.ok(bytes < FIRST_KIB * 1024);
});

test("the page holds no inline script or style, and names only what is there", () => {
    const page = readFileSync(join(SHARE, "index.html"), "utf8");
    assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|[{}]/);
    for (const [, name] of page.matchAll(/(?:src|href)="(\/[^"]+)"/g))
        assert.ok(existsSync(join(SHARE, name)), name);
    const manifest = JSON.parse(readFileSync(join(SHARE, "manifest.webmanifest"), "utf8"));
    for (const icon of manifest.icons)
        assert.ok(existsSync(join(SHARE, icon.src)), icon.src);
});

test("the lock files name no host", () => {
    for (const file of [join(APP, "package-lock.json"), fileURLToPath(new URL("package-lock.json", import.meta.url))])
        assert.doesNotMatch(readFileSync(file, "utf8"), /"resolved"/);
});
