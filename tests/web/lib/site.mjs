// What the tests run against: the stand-in server by default, a running platform when KINOBUS_WEB_URL names one.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { makeClip } from "../mock/media.mjs";
import { startMock } from "../mock/server.mjs";

const OUT = resolve(process.env.KINOBUS_OUT ?? fileURLToPath(new URL("../../../build", import.meta.url)));
const WORK = join(OUT, "web-tests");
export const SHOTS = join(WORK, "shots");
mkdirSync(SHOTS, { recursive: true });

export const clip = () => makeClip(join(WORK, "clip.mp4"));

export const FILM_SECONDS = 16;

/** One whose pictures a platform shows as they are: its largest rung is copied. */
export const film = () => makeClip(join(WORK, "film.mp4"), FILM_SECONDS, "1280x720", ["-preset", "superfast", "-sc_threshold", "0", "-b:v", "1500k"]);

/** A file that takes a while to be sent, and is no film. */
export function longFile() {
    const path = join(WORK, "long.mp4");
    writeFileSync(path, Buffer.alloc(12_000_000, "a long way to go "));
    return path;
}

/** {url, state (of the stand-in; null on a real platform), close}. */
export async function openSite() {
    const url = process.env.KINOBUS_WEB_URL;
    if (url)
        return { url: url.replace(/\/$/, ""), state: null, close: async () => {} };
    return startMock({ share: join(OUT, "share", "web"), mediaDir: join(WORK, "media") });
}
