// The line of time: where one is, what is loaded, how far a video that is still being made can be watched, where its
// chapters begin, and what is at the pointer.
import { useState } from "preact/hooks";
import { clock, spokenClock } from "../lib/format";
import { type Chapter, chapterAt } from "./chapters";
import { type Tile, tileAt } from "./storyboard";

interface SeekBarProps {
    time: number;                   // all in seconds
    duration: number;
    buffered: number;
    prepared: number;
    chapters: Chapter[];
    tiles: Tile[];
    onSeek: (to: number) => void;
}

export function SeekBar({ time, duration, buffered, prepared, chapters, tiles, onSeek }: SeekBarProps) {
    const [peek, setPeek] = useState<number>();
    const part = (at: number) => `${duration ? Math.min(100, (100 * at) / duration) : 0}%`;
    const chapter = chapterAt(chapters, time);
    const spoken = `${spokenClock(time * 1000)} of ${spokenClock(duration * 1000)}` + (chapter ? `, ${chapter.title}` : "") +
        (prepared < duration - 1 ? `, prepared up to ${spokenClock(prepared * 1000)}` : "");
    const look = (event: PointerEvent) => {
        const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
        setPeek(duration ? Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * duration : undefined);
    };
    return (
        <div class="time" onPointerMove={look} onPointerLeave={() => setPeek(undefined)}>
            <input type="range" class="seek" aria-label="Position" aria-valuetext={spoken}
                min={0} max={duration || 1} step="any" value={time} disabled={!duration}
                style={{ "--at": part(time), "--buffered": part(buffered), "--prepared": part(prepared) }}
                onInput={(e) => onSeek(Number(e.currentTarget.value))} />
            {chapters.map((c) => c.start > 0 && c.start < duration && <span key={c.start} class="mark" style={{ left: part(c.start) }} aria-hidden="true" />)}
            {peek !== undefined && <Peek at={peek} left={part(peek)} chapter={chapterAt(chapters, peek)} tile={tileAt(tiles, peek)} />}
        </div>
    );
}

function Peek({ at, left, chapter, tile }: { at: number; left: string; chapter: Chapter | undefined; tile: Tile | undefined }) {
    return (
        <span class="peek" style={{ "--left": left }} aria-hidden="true">
            {tile && <span class="tile" style={{
                width: `${tile.width}px`, height: `${tile.height}px`, "background-image": `url("${tile.image}")`, "background-position": `-${tile.x}px -${tile.y}px`,
            }} />}
            {chapter && <span class="name">{chapter.title}</span>}
            <span>{clock(at * 1000)}</span>
        </span>
    );
}
