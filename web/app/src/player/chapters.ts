// The chapters of a video, in order of time.
import type { Playing as Playback } from "#api";

export interface Chapter {
    start: number;                  // seconds; it ends where the next one begins
    title: string;
}

export function chaptersOf(playback: Playback): Chapter[] {
    return (playback.chapters ?? []).map((c) => ({ start: (c.start_ms ?? 0) / 1000, title: c.title ?? "" }));
}

/** The one that is on at a moment; before the first one there is none. */
export function chapterAt(chapters: Chapter[], time: number): Chapter | undefined {
    return chapters.findLast((c) => c.start <= time + 0.001);
}
