// Keeps a source on the element: opens it, moves it to new addresses of the same media, swaps it for the final one at the same
// position behind a still of the last picture, and asks for a new playback when the media's addresses are refused.
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
    const renewing = useRef(false);
    const opened = useRef(0);       // the round that the source is of

    const fail = (how: "unsupported" | "broken") => {
        setFailed(how);
        counting.current?.failed(how);
    };
    const onFail = (gone: boolean) => {
        if (renewing.current)
            return;
        if (!gone || Date.now() - renewed.current < 30_000)
            return fail("broken");
        renewed.current = Date.now();
        renewing.current = true;
        renew().catch(() => fail("broken")).finally(() => (renewing.current = false));
    };
    useEffect(() => {
        const element = video.current!;
        const again = source.current !== null;
        const playing = again && !element.paused && !element.ended;
        setFailed("");
        if (again && opened.current === round && source.current!.move(playback.hls_url ?? ""))
            return;
        opened.current = round;
        if (again) {
            position.current = element.currentTime;
            if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA)
                drawStill(element, still.current!);
            source.current?.close();
        }
        source.current = openSource({
            video: element, url: playback.hls_url ?? "", startAt: position.current, onTracks: setTracks,
            onQuality: (kbps, top) => counting.current?.quality(kbps, top), onFail,
        });
        if (!source.current)
            fail("unsupported");
        if (playing)
            void element.play().catch(() => {});
    }, [playback.hls_url, round]);
    useEffect(() => {
        const element = video.current!;
        const shown = () => still.current && (still.current.hidden = true);
        const events = ["playing", "seeked", "loadeddata"];
        events.forEach((event) => element.addEventListener(event, shown));
        return () => events.forEach((event) => element.removeEventListener(event, shown));
    }, []);
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
