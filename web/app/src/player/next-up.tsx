// What is offered when a video has ended: the next one, which begins by itself after a while, unless that is not wanted.
import type { Video } from "#api";
import { useLocation } from "preact-iso/router";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/http";
import { useLoad } from "../lib/use-load";
import { keep } from "../lib/theme";
import { Poster } from "../parts/poster";

const AFTER_S = 8;
const KEY = "kinobus.next-by-itself";

/** Asked for once the end is near. */
export function useNext(id: string, near: boolean): Video | undefined {
    const [asked, setAsked] = useState(near);
    useEffect(() => {
        if (near)
            setAsked(true);
    }, [near]);
    return useLoad(async (signal): Promise<{ video?: Video }> => asked ? call("GET /api/v1/videos/{id}/next", { id }, { signal }) : {}, [id, asked]).data?.video;
}

/** Whoever wants less motion starts each video by hand, as the player begins none by itself then. */
function wanted(): boolean {
    return keep.get(KEY) !== "no" && !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

export function NextUp({ video, onCancel }: { video: Video; onCancel: () => void }) {
    const { route } = useLocation();
    const [byItself, setByItself] = useState(wanted);
    const [left, setLeft] = useState(AFTER_S);
    const go = () => route(`/watch/${video.id}`);
    useEffect(() => {
        if (!byItself)
            return;
        if (left <= 0)
            return go();
        const timer = setTimeout(() => setLeft(left - 1), 1000);
        return () => clearTimeout(timer);
    }, [byItself, left]);
    useEffect(() => {
        const press = (event: KeyboardEvent) => event.key === "Escape" && onCancel();
        document.addEventListener("keydown", press);
        return () => document.removeEventListener("keydown", press);
    }, [onCancel]);
    const choose = (on: boolean) => {
        keep.set(KEY, on ? null : "no");
        setLeft(AFTER_S);
        setByItself(on);
    };
    return (
        <section class="next-up" aria-labelledby="next-up">
            <h2 id="next-up">Next up</h2>
            <Poster id={video.id} poster={video.poster} has={video.has_poster} sound={video.state === "ready" && !video.width} />
            <p><strong>{video.title || "Untitled"}</strong></p>
            {byItself && <p role="timer" aria-label={`Begins in ${left} seconds`}>Begins in {left} s</p>}
            <p class="row">
                <button type="button" class="button main" onClick={go}>Play now</button>
                <button type="button" class="button" onClick={onCancel}>Cancel</button>
            </p>
            <label class="row"><input type="checkbox" checked={byItself} onChange={(e) => choose(e.currentTarget.checked)} />Play the next one by itself</label>
        </section>
    );
}
