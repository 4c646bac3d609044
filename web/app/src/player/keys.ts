// The keys of the player. They count only while the focus is inside of it, so that no single letter does anything to
// somebody who dictates or reads elsewhere on the page.
export interface Deck {
    toggle(): void;
    seekBy(seconds: number): void;
    seekTo(seconds: number): void;
    duration(): number;
    louder(by: number): void;
    mute(): void;
    captions(): void;
    fullscreen(): void;
    faster(by: number): void;
    help(): void;
}

export const KEYS: [keys: string, does: string][] = [
    ["Space, K", "play or pause"], ["← →", "5 seconds back, on"], ["J L", "10 seconds back, on"], ["0 to 9", "to that tenth"],
    ["Home End", "to the start, the end"], ["↑ ↓", "louder, quieter"], ["M", "sound off or on"], ["C", "captions off or on"],
    ["F", "whole screen"], ["< >", "slower, faster"], ["?", "these keys"],
];

/** True when the key was taken. */
export function pressKey(event: KeyboardEvent, deck: Deck): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey)
        return false;
    const target = event.target as HTMLElement;
    const on = target.tagName;
    if (on === "SELECT" || (on === "INPUT" && (target as HTMLInputElement).type !== "range"))
        return false;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((on === "BUTTON" || on === "A") && (key === " " || key === "Enter"))
        return false;               // the button's own
    if (target.classList.contains("loud") && key.startsWith("Arrow"))
        return false;
    if (/^\d$/.test(key)) {
        deck.seekTo((deck.duration() * Number(key)) / 10);
        return true;
    }
    const does: Record<string, () => void> = {
        " ": () => deck.toggle(), k: () => deck.toggle(),
        ArrowLeft: () => deck.seekBy(-5), ArrowRight: () => deck.seekBy(5), j: () => deck.seekBy(-10), l: () => deck.seekBy(10),
        Home: () => deck.seekTo(0), End: () => deck.seekTo(deck.duration()),
        ArrowUp: () => deck.louder(0.1), ArrowDown: () => deck.louder(-0.1), m: () => deck.mute(), c: () => deck.captions(),
        f: () => deck.fullscreen(),
        "<": () => deck.faster(-1), ">": () => deck.faster(1), "?": () => deck.help(),
    };
    const act = does[key];
    act?.();
    return !!act;
}
