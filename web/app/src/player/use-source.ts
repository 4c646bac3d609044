// Keeps a source on the element: opens it, swaps it for the final one at the same position behind a still of the last
// picture, and asks for a new playback when the media's addresses have run out.
import type { Playing as Playback } from "#api";
import type { RefObject } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Counting } from "./count";
import { NO_TRACKS, type Source, type Tracks, openSource } from "./source";

interface Held {
    tracks: Tracks;
    source: RefObject<Source | null>;
    failed: "" | "unsupported" | "broken";
    retry: () => void;
}

export function useSource(video: RefObject<HTMLVideoElement | null>, still: RefObject<HTMLCanvasElement | null>, playback: Playback,
    startAt: number, counting: RefObject<Counting | null>, renew: () => Promise<void>): Held {
    const [tracks, setTracks] = useState<Tracks>(NO_TRACKS);
    const [failed, setFailed] = useState<Held["failed"]>("");
    const [round, setRound] = useState(0);
    const source = useRef<Source>(null);
    const position = useRef(startAt);
    const renewed = useRef(0);

    const fail = (how: "unsupported" | "broken") => {
        setFailed(how);
        counting.current?.failed(how);
    };
    useEffect(() => {
        const element = video.current!;
        const again = source.current !== null;
        const playing = again && !element.paused && !element.ended;
        if (again) {
            position.current = element.currentTime;
            if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA)
                drawStill(element, still.current!);
            source.current?.close();
        }
        setFailed("");
        source.current = openSource({
            video: element, url: playback.hls_url ?? "", startAt: position.current, onTracks: setTracks,
            onQuality: (kbps, top) => counting.current?.quality(kbps, top),
            onFail(gone) {
                if (gone && Date.now() - renewed.current > 30_000) {
                    renewed.current = Date.now();
                    renew().catch(() => fail("broken"));
                } else {
                    fail("broken");
                }
            },
        });
        if (!source.current)
            fail("unsupported");
        if (playing)
            void element.play().catch(() => {});
        const shown = () => still.current && (still.current.hidden = true);
        element.addEventListener("playing", shown);
        element.addEventListener("seeked", shown);
        element.addEventListener("loadeddata", shown);
        return () => {
            element.removeEventListener("playing", shown);
            element.removeEventListener("seeked", shown);
            element.removeEventListener("loadeddata", shown);
        };
    }, [playback.hls_url, round]);
    useEffect(() => () => {
        source.current?.close();
        source.current = null;
    }, []);
    return { tracks, source, failed, retry: useCallback(() => setRound((n) => n + 1), []) };
}

function drawStill(video: HTMLVideoElement, canvas: HTMLCanvasElement): void {
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    canvas.hidden = false;
}
