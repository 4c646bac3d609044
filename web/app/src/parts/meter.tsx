// A progress bar that is read out in quarters, not at every step.
import { useId } from "preact/hooks";

export function Meter({ label, part, whole, text }: { label: string; part: number; whole: number; text: string }) {
    const id = useId();
    const quarter = whole ? Math.floor((4 * part) / whole) * 25 : 0;
    return (
        <div class="stack tight">
            <p class="row apart small"><span id={id}><strong>{label}</strong></span><span>{text}</span></p>
            <progress class="meter" aria-labelledby={id} max={whole || 1} value={whole ? part : undefined} />
            <span class="unseen" role="status">{quarter > 0 ? `${label} ${quarter} percent` : ""}</span>
        </div>
    );
}
