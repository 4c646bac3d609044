// The line of time: where one is, what is loaded, and, while a video is still being made, how far it can be watched.
import { clock, spokenClock } from "../lib/format";

interface SeekBarProps {
    time: number;                   // all in seconds
    duration: number;
    buffered: number;
    prepared: number;
    onSeek: (to: number) => void;
}

export function SeekBar({ time, duration, buffered, prepared, onSeek }: SeekBarProps) {
    const part = (at: number) => `${duration ? Math.min(100, (100 * at) / duration) : 0}%`;
    const spoken = `${spokenClock(time * 1000)} of ${spokenClock(duration * 1000)}` +
        (prepared < duration - 1 ? `, prepared up to ${spokenClock(prepared * 1000)}` : "");
    return (
        <input type="range" class="seek" aria-label="Position" aria-valuetext={spoken} title={clock(time * 1000)}
            min={0} max={duration || 1} step="any" value={time} disabled={!duration}
            style={{ "--at": part(time), "--buffered": part(buffered), "--prepared": part(prepared) }}
            onInput={(e) => onSeek(Number(e.currentTarget.value))} />
    );
}
