// Bundles the app:  node build.mjs --out DIR [--watch]
// DIR gets index.html and what must keep its name; everything under DIR/assets is named by its content, so that it
// may be cached for ever. Prints what a browser has to fetch.
import * as esbuild from "esbuild";
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[process.argv.indexOf("--out") + 1] ?? "");
if (!process.argv.includes("--out")) {
    console.error("usage: node build.mjs --out DIR");
    process.exit(2);
}

const common = {
    absWorkingDir: here,
    bundle: true,
    minify: true,
    metafile: true,
    target: "es2022",
    outdir: join(out, "assets"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    legalComments: "none",          // all licences are in licences.txt, whole
    logLevel: "warning",
};

// The theme is set by a classic script in the head, before the first paint; the CSP allows no inline one.
const [app, theme] = await Promise.all([
    esbuild.build({
        ...common, entryPoints: { app: "src/main.tsx", style: "src/styles/app.css" },
        format: "esm", splitting: true, jsx: "automatic", jsxImportSource: "preact",
    }),
    esbuild.build({ ...common, entryPoints: { theme: "src/early.ts" }, format: "iife" }),
]);

const outputs = { ...app.metafile.outputs, ...theme.metafile.outputs };
const built = new Set(Object.keys(outputs).map((path) => basename(path)));
const asset = (name, end) => {
    const found = [...built].find((file) => file.startsWith(name + "-") && file.endsWith(end) &&
        outputs[Object.keys(outputs).find((path) => basename(path) === file)].entryPoint);
    return "/assets/" + found;
};

const entry = Object.values(app.metafile.outputs).find((o) => o.entryPoint === "src/main.tsx");
const preloads = entry.imports.filter((i) => i.kind === "import-statement")
    .map((i) => `<link rel="modulepreload" href="/assets/${basename(i.path)}">`).join("\n    ");
const page = readFileSync(join(here, "public/index.html"), "utf8")
    .replace("{theme}", asset("theme", ".js")).replace("{style}", asset("style", ".css"))
    .replace("{app}", asset("app", ".js")).replace("{preloads}", preloads);

mkdirSync(out, { recursive: true });
for (const name of readdirSync(join(here, "public")))
    if (name !== "index.html")
        cpSync(join(here, "public", name), join(out, name));
writeFileSync(join(out, ".index.html"), page);
renameSync(join(out, ".index.html"), join(out, "index.html"));
for (const name of readdirSync(join(out, "assets")))    // of builds before
    if (!built.has(name))
        rmSync(join(out, "assets", name));

// Whoever gets the bundle gets the licences of what is in it.
const packages = new Set(Object.keys(app.metafile.inputs).map((p) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(p)?.[1]).filter(Boolean));
const licences = [...packages].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : ""}\n`;
});
writeFileSync(join(out, "licences.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));

const first = new Set([entry, ...entry.imports.filter((i) => i.kind === "import-statement")
    .map((i) => app.metafile.outputs[i.path])]);
const kib = (n) => (n / 1024).toFixed(1).padStart(7) + " KiB";
for (const [path, output] of Object.entries(outputs).sort((a, b) => b[1].bytes - a[1].bytes)) {
    const file = join(here, relative(here, resolve(here, path)));
    const when = first.has(output) || output.entryPoint?.endsWith(".css") || path.includes("theme-") ? "first" : "later";
    if (/\.(js|css)$/.test(path))
        console.log(`${kib(output.bytes)} ${kib(gzipSync(readFileSync(file)).length)} gzip  ${when}  ${basename(path)}`);
}
