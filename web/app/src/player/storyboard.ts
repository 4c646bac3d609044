// Small pictures of a video, as tiles of a few images; a WebVTT file says which tile is when.
import { useEffect, useState } from "preact/hooks";

export interface Tile {
    from: number;                   // seconds
    image: string;
    x: number;
    y: number;
    width: number;
    height: number;
}

const CUE = /^((?:\d+:)?\d\d:\d\d\.\d{3}) --> .*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;
const seconds = (clock: string) => clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);

/** The tiles of a file at an address, in order of time. */
export function tilesOf(text: string, url: string): Tile[] {
    return [...text.matchAll(CUE)].map(([, from = "", image = "", x, y, width, height]) => ({
        from: seconds(from), image: new URL(image, new URL(url, location.href)).href, x: Number(x), y: Number(y), width: Number(width), height: Number(height),
    }));
}

export const tileAt = (tiles: Tile[], time: number): Tile | undefined => tiles.findLast((t) => t.from <= time) ?? tiles[0];

/** Empty until the file is there, and where there is none. */
export function useStoryboard(url: string | undefined): Tile[] {
    const [tiles, setTiles] = useState<Tile[]>([]);
    useEffect(() => {
        const stop = new AbortController();
        setTiles([]);
        if (url)
            fetch(url, { signal: stop.signal }).then((answer) => (answer.ok ? answer.text() : "")).then((text) => setTiles(tilesOf(text, url)))
                .catch(() => {});       // the line of time does without
        return () => stop.abort();
    }, [url]);
    return tiles;
}
