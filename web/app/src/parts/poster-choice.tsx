// Another poster for a video: one of a few moments of it, or any.
import type { Video } from "#api";
import { useEffect, useState } from "preact/hooks";
import { call, saying } from "../api/http";
import { clock, spokenClock } from "../lib/format";
import { useLoad } from "../lib/use-load";
import { type Tile, tileAt } from "../player/storyboard";
import { forgetPictures } from "./poster";
import { Flip, loaded, some, storyboard } from "./preview";
import { toast } from "./toasts";

const OFFERED = 8;
const ASK_MS = 500;
const PATIENCE = 60;                // times

/** The video with the picture of that moment as its poster. */
async function choose(id: string, seconds: number): Promise<Video> {
    let video = await call("POST /api/v1/videos/{id}/poster", { id, at_ms: Math.round(seconds * 1000) });
    const before = video.poster;
    for (let i = 0; i < PATIENCE && video.poster === before; i++) {
        await new Promise((then) => setTimeout(then, ASK_MS));
        video = await call("GET /api/v1/videos/{id}", { id });
    }
    if (video.poster === before)
        throw new Error("The picture is not there yet; it will show up by itself.");
    forgetPictures(id);
    return video;
}

export function PosterChoice({ video, onChosen }: { video: Video; onChosen: (video: Video) => void }) {
    const ready = video.state === "ready";
    const { data: tiles } = useLoad((signal) => (ready ? storyboard(video.id, signal) : Promise.resolve([])), [video.id, ready]);
    const [at, setAt] = useState(0);
    const [busy, setBusy] = useState(false);
    if (!tiles?.length)
        return null;
    const take = async (seconds: number) => {
        if (busy)
            return;
        setBusy(true);
        try {
            onChosen(await choose(video.id, seconds));
            toast("The poster is changed.");
        } catch (error) {
            toast(saying(error));
        } finally {
            setBusy(false);
        }
    };
    const last = Math.max(0, (video.duration_ms ?? 0) / 1000 - 0.1);
    return (
        <fieldset>
            <legend>Poster</legend>
            <ul class="moments" role="list">
                {some(tiles, OFFERED).map((tile) => (
                    <li key={tile.from}>
                        <button type="button" aria-disabled={busy} aria-label={`The picture at ${clock(tile.from * 1000)}`} onClick={() => void take(tile.from)}>
                            <Picture tile={tile} />
                        </button>
                    </li>
                ))}
            </ul>
            <div class="moment">
                <Picture tile={tileAt(tiles, at)!} at={at} />
                <input type="range" aria-label="Moment of the video" aria-valuetext={spokenClock(at * 1000)} min={0} max={last} step={0.1} value={at}
                    onInput={(e) => setAt(Number(e.currentTarget.value))} />
                <button type="button" class="button slim" aria-disabled={busy} onClick={() => void take(at)}>Use this moment</button>
            </div>
        </fieldset>
    );
}

function Picture({ tile, at = tile.from }: { tile: Tile; at?: number }) {
    const [image, setImage] = useState<HTMLImageElement>();
    useEffect(() => void loaded(tile.image).then(setImage, () => {}), [tile.image]);
    return <div class="poster" aria-hidden="true">{image && <Flip tile={tile} image={image} />}<span class="board">{clock(at * 1000)}</span></div>;
}
