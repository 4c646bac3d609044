// Uploads that were begun and not finished, remembered across reloads. A browser does not let a page keep a file, so
// the same file has to be chosen again; what was sent is not sent twice.
import { keep } from "../lib/theme";

export interface Remembered {
    videoId: string;
    owner: string;
    url: string;                    // of the tus upload, or of two (manager.ts); empty before it is made
    name: string;
    size: number;
    modified: number;
    title: string;
    sent: number;
}

const KEY = "kinobus.uploads";
const MOST = 50;

export function remembered(): Remembered[] {
    try {
        const found: unknown = JSON.parse(keep.get(KEY) ?? "[]");
        return Array.isArray(found) ? (found as Remembered[]) : [];
    } catch {
        return [];
    }
}

export function remember(one: Remembered): void {
    write([one, ...remembered().filter((r) => r.videoId !== one.videoId)].slice(0, MOST));
}

export function forget(videoId: string): void {
    write(remembered().filter((r) => r.videoId !== videoId));
}

function write(list: Remembered[]): void {
    keep.set(KEY, list.length ? JSON.stringify(list) : null);
}

export function isSame(one: Remembered, file: File): boolean {
    return one.name === file.name && one.size === file.size && one.modified === file.lastModified;
}
