// Captions that nobody placed are lifted above the buttons while these are there, and come down again when they go.
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

const LINE = 0.06;      // of the picture's height: letters of 5 % (WebVTT, "CSS user agent style sheet"), and what is between their lines
const lifted = new WeakSet<VTTCue>();

function place(video: HTMLVideoElement, covered: number): void {
    const lines = Math.ceil(covered / (LINE * video.clientHeight));
    for (const track of video.textTracks)
        for (const cue of (track.mode === "showing" ? [...(track.activeCues ?? [])] : []) as VTTCue[]) {
            const line = lines ? -(lines + cue.text.split("\n").length) : "auto";
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
