// Captions that nobody placed are lifted above the buttons while these are there, and come down again when they go.
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

// Of the picture's height: letters (WebVTT, "CSS user agent style sheet"), and these with what is between their lines.
const LETTERS = 0.05, LINE = 0.06;
const ruler = document.createElement("canvas").getContext("2d")!;
const lifted = new WeakSet<VTTCue>();

/** Lines of a caption as they stand in the picture, where long ones are broken. */
function rows(cue: VTTCue, video: HTMLVideoElement): number {
    ruler.font = `${LETTERS * video.clientHeight}px sans-serif`;
    const text = cue.getCueAsHTML().textContent ?? "";
    return text.split("\n").reduce((n, line) => n + Math.max(1, Math.ceil(ruler.measureText(line).width / video.clientWidth)), 0);
}

function place(video: HTMLVideoElement, covered: number): void {
    const lines = Math.ceil(covered / (LINE * video.clientHeight));
    for (const track of video.textTracks)
        for (const cue of (track.mode === "showing" ? [...(track.activeCues ?? [])] : []) as VTTCue[]) {
            const line = lines ? -(lines + rows(cue, video)) : "auto";
            if (cue.line === line || (cue.line !== "auto" && !lifted.has(cue)))
                continue;
            cue.line = line;
            lifted.add(cue);
            track.removeCue(cue);       // Chromium lays out anew what is put in anew
            track.addCue(cue);
        }
}

/** `tracks` changes when there are others. */
export function useCaptions(root: RefObject<HTMLElement | null>, video: RefObject<HTMLVideoElement | null>, hushed: boolean, tracks: unknown): void {
    useEffect(() => {
        const all = [...video.current!.textTracks];
        const now = () => place(video.current!, hushed ? 0 : root.current!.querySelector<HTMLElement>(".bar")!.offsetHeight);
        all.forEach((track) => track.addEventListener("cuechange", now));
        now();
        return () => all.forEach((track) => track.removeEventListener("cuechange", now));
    }, [hushed, tracks]);
}
