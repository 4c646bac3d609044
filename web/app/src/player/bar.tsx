// The row of buttons under the picture.
import type { ComponentChildren } from "preact";
import { clock } from "../lib/format";
import { Icon, type IconName } from "../parts/icon";
import type { Deck } from "./keys";
import type { MediaState } from "./use-media";

interface BarProps {
    media: MediaState;
    deck: Deck;
    duration: number;               // seconds, of the whole video
    full: boolean;
    panel: "" | "setup" | "help";
    onPanel: (panel: "" | "setup" | "help") => void;
    onVolume: (volume: number) => void;
    onPicture: (() => void) | undefined;
    seekBar: ComponentChildren;
}

function Key({ icon, label, onClick, expanded, className }: {
    icon: IconName; label: string; onClick: () => void; expanded?: boolean; className?: string;
}) {
    return (
        <button type="button" class={className} aria-label={label} title={label} aria-expanded={expanded} onClick={onClick}>
            <Icon name={icon} />
        </button>
    );
}

export function Bar({ media, deck, duration, full, panel, onPanel, onVolume, onPicture, seekBar }: BarProps) {
    const silent = media.muted || media.volume === 0;
    return (
        <div class="bar">
            {seekBar}
            <div class="keys">
                <Key icon={media.playing ? "pause" : "play"} label={media.playing ? "Pause" : "Play"} onClick={() => deck.toggle()} />
                <Key className="skip-by" icon="back10" label="10 seconds back" onClick={() => deck.seekBy(-10)} />
                <Key className="skip-by" icon="on10" label="10 seconds on" onClick={() => deck.seekBy(10)} />
                <Key icon={silent ? "mute" : "loud"} label={silent ? "Sound on" : "Sound off"} onClick={() => deck.mute()} />
                <input type="range" class="loud" aria-label="Volume" min={0} max={1} step={0.05} value={silent ? 0 : media.volume}
                    aria-valuetext={`${Math.round((silent ? 0 : media.volume) * 100)} percent`}
                    style={{ "--at": `${silent ? 0 : media.volume * 100}%` }} onInput={(e) => onVolume(Number(e.currentTarget.value))} />
                <span class="clock">{clock(media.time * 1000)} / {clock(duration * 1000)}</span>
                <span class="gap" />
                <Key className="skip-by" icon="help" label="Keys" expanded={panel === "help"} onClick={() => onPanel(panel === "help" ? "" : "help")} />
                <Key icon="setup" label="Settings" expanded={panel === "setup"} onClick={() => onPanel(panel === "setup" ? "" : "setup")} />
                {onPicture && <Key className="skip-by" icon="pip" label="Small window" onClick={onPicture} />}
                <Key icon={full ? "small" : "full"} label={full ? "Leave whole screen" : "Whole screen"} onClick={() => deck.fullscreen()} />
            </div>
        </div>
    );
}
