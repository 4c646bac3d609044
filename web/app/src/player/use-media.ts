// What a media element is doing, as state.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface MediaState {
    playing: boolean;
    waiting: boolean;               // would play, but has nothing to show
    ended: boolean;
    time: number;                   // seconds
    duration: number;
    buffered: number;               // the end of what is loaded around the present
    volume: number;
    muted: boolean;
    rate: number;
}

const EVENTS = ["play", "pause", "playing", "waiting", "seeking", "seeked", "ended", "timeupdate", "durationchange", "progress",
    "volumechange", "ratechange", "emptied", "loadeddata", "canplay"];

export function useMedia(ref: RefObject<HTMLVideoElement | null>): MediaState {
    const [state, setState] = useState<MediaState>({
        playing: false, waiting: false, ended: false, time: 0, duration: 0, buffered: 0, volume: 1, muted: false, rate: 1,
    });
    useEffect(() => {
        const video = ref.current!;
        const update = () => {
            const playing = !video.paused && !video.ended;
            setState({
                playing, waiting: playing && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA, ended: video.ended,
                time: video.currentTime,
                duration: Number.isFinite(video.duration) ? video.duration : 0, buffered: bufferedTo(video),
                volume: video.volume, muted: video.muted, rate: video.playbackRate,
            });
        };
        EVENTS.forEach((name) => video.addEventListener(name, update));
        return () => EVENTS.forEach((name) => video.removeEventListener(name, update));
    }, []);
    return state;
}

function bufferedTo(video: HTMLVideoElement): number {
    for (let i = 0; i < video.buffered.length; i++)
        if (video.buffered.start(i) <= video.currentTime + 0.1 && video.buffered.end(i) >= video.currentTime)
            return video.buffered.end(i);
    return video.currentTime;
}
