// Tells the server where the viewer is: now and then while it plays, and at once when it stops or the page goes away.
import { saveProgress } from "../api/progress";

const EVERY_MS = 10_000;
const LOOKED_IN_MS = 2000;          // who left before has not begun to watch

export function keepProgress(id: string, video: HTMLVideoElement, duration: () => number): () => void {
    let at = 0;                     // the element forgets it when its source is closed
    let told = 0;
    const note = () => video.readyState > 0 && (at = Math.floor(video.currentTime * 1000));
    const tell = (keepalive = false) => {
        if (at === told || (!told && at < LOOKED_IN_MS))
            return;
        told = at;
        void saveProgress(id, at, Math.floor(duration()), keepalive).then((ok) => {
            if (!ok)
                told = 0;           // the next time tells it
        });
    };
    const stop = new AbortController();
    const { signal } = stop;
    const timer = setInterval(() => video.paused || tell(), EVERY_MS);
    for (const event of ["timeupdate", "seeked"])
        video.addEventListener(event, note, { signal });
    for (const event of ["pause", "ended"])
        video.addEventListener(event, () => tell(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && tell(true), { signal });
    addEventListener("pagehide", () => tell(true), { signal });
    return () => {
        tell(true);
        clearInterval(timer);
        stop.abort();
    };
}
