// Tells the server where the viewer is: now and then while it plays, and at once when it stops or the page goes away.
import { call } from "../api/http";
import { me } from "../api/session";

const EVERY_MS = 10_000;

export function keepProgress(id: string, video: HTMLVideoElement, duration: () => number): () => void {
    let told = -1;
    const tell = (keepalive = false) => {
        const position_ms = Math.floor(video.currentTime * 1000);
        if (!me.value || !video.currentSrc || position_ms === told || (told < 0 && position_ms < 2000))
            return;                 // who only looked in has not begun to watch
        told = position_ms;
        const ask = { id, position_ms, duration_ms: Math.floor(duration()) };
        call("PUT /api/v1/videos/{id}/progress", ask, { keepalive }).catch(() => {
            told = -1;              // the next time tells it
        });
    };
    const timer = setInterval(() => video.paused || tell(), EVERY_MS);
    const stopped = () => tell();
    const hidden = () => document.hidden && tell(true);
    const leave = () => tell(true);
    video.addEventListener("pause", stopped);
    video.addEventListener("ended", stopped);
    document.addEventListener("visibilitychange", hidden);
    addEventListener("pagehide", leave);
    return () => {
        tell(true);
        clearInterval(timer);
        video.removeEventListener("pause", stopped);
        video.removeEventListener("ended", stopped);
        document.removeEventListener("visibilitychange", hidden);
        removeEventListener("pagehide", leave);
    };
}
