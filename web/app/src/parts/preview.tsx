// What a video looks like, tile by tile of its storyboard, on a card that a mouse rests on or the keyboard has come to. Nothing is
// fetched before that, and nothing moves where less motion is wanted; a finger just follows the link.
import { useEffect, useState } from "preact/hooks";
import { type Tile, tilesOf } from "../player/storyboard";
import { picturesOf } from "./poster";

const REST_MS = 250;                // a pointer on its way to somewhere else fetches nothing
const STEP_MS = 450;
const MOST = 24;
const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Every tile of a video's storyboard; none where it has none. */
export async function storyboard(id: string, signal: AbortSignal): Promise<Tile[]> {
    const url = (await picturesOf(id)).storyboard_url;
    const answer = url && !signal.aborted ? await fetch(url, { signal }) : undefined;
    return url && answer?.ok ? tilesOf(await answer.text(), url) : [];
}

/** At most so many of them, from all over the video. */
export function some(tiles: Tile[], most: number): Tile[] {
    const every = Math.max(1, tiles.length / most);
    return Array.from({ length: Math.min(most, tiles.length) }, (_, i) => tiles[Math.floor(i * every)]!);
}

/** An image that is there, for its size. */
export async function loaded(src: string): Promise<HTMLImageElement> {
    const image = new Image();
    image.src = src;
    await image.decode();
    return image;
}

/** Handlers for the card, and what is to be laid over its picture. */
export function usePreview(id: string) {
    const [wanted, setWanted] = useState(false);
    const [shown, setShown] = useState<{ tile: Tile; image: HTMLImageElement }>();
    useEffect(() => {
        if (!wanted || lessMotion.matches)
            return;
        const stop = new AbortController();
        const sleep = (ms: number) => new Promise((then) => setTimeout(then, ms));
        const play = async () => {
            await sleep(REST_MS);
            const tiles = stop.signal.aborted ? [] : some(await storyboard(id, stop.signal), MOST);
            for (let i = 0; tiles.length && !stop.signal.aborted; i = (i + 1) % tiles.length) {
                const tile = tiles[i]!, image = await loaded(tile.image);
                if (!stop.signal.aborted)
                    setShown({ tile, image });
                await sleep(STEP_MS);
            }
        };
        play().catch(() => {});     // the poster does
        return () => {
            stop.abort();
            setShown(undefined);
        };
    }, [wanted, id]);
    return {
        on: {
            onPointerEnter: (event: PointerEvent) => setWanted(event.pointerType === "mouse"),
            onPointerLeave: () => setWanted(false),
            onFocusIn: (event: FocusEvent) => setWanted((event.target as Element).matches(":focus-visible")),
            onFocusOut: () => setWanted(false),
        },
        tile: shown && <Flip {...shown} />,
    };
}

/** One tile of an image, as large as covers the picture. */
export function Flip({ tile, image }: { tile: Tile; image: HTMLImageElement }) {
    const part = (at: number, tile: number, all: number) => `${all > tile ? (100 * at) / (all - tile) : 0}%`;
    return <span class={`flip${9 * tile.width > 16 * tile.height ? " wide" : ""}`} aria-hidden="true" style={{
        "aspect-ratio": `${tile.width} / ${tile.height}`, "background-image": `url("${tile.image}")`,
        "background-size": `${(100 * image.naturalWidth) / tile.width}% ${(100 * image.naturalHeight) / tile.height}%`,
        "background-position": `${part(tile.x, tile.width, image.naturalWidth)} ${part(tile.y, tile.height, image.naturalHeight)}`,
    }} />;
}
