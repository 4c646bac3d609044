// Quality, sound, captions, chapters and speed: native selects, which every phone and screen reader knows how to show.
import { type Chapter, chapterAt } from "./chapters";
import type { Choice, Source, Tracks } from "./source";
import { KEYS } from "./keys";

export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

function Pick({ label, value, choices, onPick }: { label: string; value: number; choices: Choice[]; onPick: (id: number) => void }) {
    return (
        <label>
            {label}
            <select value={value} onChange={(e) => onPick(Number(e.currentTarget.value))}>
                {choices.map(({ id, label: text }) => <option key={id} value={id} selected={id === value}>{text}</option>)}
            </select>
        </label>
    );
}

export function Setup({ tracks, source, rate, onRate, chapters, time, onSeek }: {
    tracks: Tracks; source: Source | null; rate: number; onRate: (rate: number) => void;
    chapters: Chapter[]; time: number; onSeek: (to: number) => void;
}) {
    const on = chapterAt(chapters, time);
    const { qualities, audios, captions } = tracks;
    const auto = { id: -1, label: tracks.quality < 0 && tracks.shown ? `Automatic (${tracks.shown})` : "Automatic" };
    return (
        <div class="setup" role="group" aria-label="Settings">
            {qualities.length > 0 && <Pick label="Quality" value={tracks.quality} choices={[auto, ...qualities]} onPick={(id) => source?.chooseQuality(id)} />}
            {audios.length > 0 && <Pick label="Sound" value={tracks.audio} choices={audios} onPick={(id) => source?.chooseAudio(id)} />}
            {captions.length > 0 && <Pick label="Captions" value={tracks.caption} choices={[{ id: -1, label: "Off" }, ...captions]}
                onPick={(id) => source?.chooseCaption(id)} />}
            {chapters.length > 0 && <Pick label="Chapter" value={on ? chapters.indexOf(on) : -1} choices={chapters.map((c, id) => ({ id, label: c.title }))}
                onPick={(id) => onSeek(chapters[id]?.start ?? 0)} />}
            <Pick label="Speed" value={SPEEDS.indexOf(rate)} choices={SPEEDS.map((s, id) => ({ id, label: s === 1 ? "Normal" : `${s} ×` }))}
                onPick={(id) => onRate(SPEEDS[id] ?? 1)} />
        </div>
    );
}

export function Help() {
    return (
        <div class="setup" role="group" aria-label="Keys">
            <dl>{KEYS.map(([keys, does]) => <><dt>{keys}</dt><dd>{does}</dd></>)}</dl>
        </div>
    );
}
