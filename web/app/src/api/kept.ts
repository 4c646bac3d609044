// The watchlist, as far as this page has heard of it: by video, whether it is kept for later.
import { signal } from "@preact/signals";
import { call } from "./http";

export const kept = signal<ReadonlyMap<string, boolean>>(new Map());

export function noteKept(id: string, is: boolean): void {
    if (kept.value.get(id) !== is)
        kept.value = new Map(kept.value).set(id, is);
}

export async function keep(id: string, is: boolean): Promise<void> {
    await (is ? call("PUT /api/v1/users/me/watchlist/{id}", { id }) : call("DELETE /api/v1/users/me/watchlist/{id}", { id }));
    noteKept(id, is);
}
