// Where the viewer is in a video, kept on the server.
import { call } from "./http";
import { me } from "./session";

let last: Promise<unknown> = Promise.resolve();

/** Settles when what was told last has arrived, so that a list asked for next is not older than that. */
export const progressSaved = () => last;

export function saveProgress(id: string, position_ms: number, duration_ms: number, keepalive: boolean): Promise<boolean> {
    if (!me.value)
        return Promise.resolve(false);
    const saved = call("PUT /api/v1/videos/{id}/progress", { id, position_ms, duration_ms }, { keepalive }).then(() => true, () => false);
    last = saved;
    return saved;
}
