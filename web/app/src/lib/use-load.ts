// What a page has asked the server for: one thing, or a list that comes by pages.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { isAbort } from "../api/http";

export interface Loaded<T> {
    data: T | undefined;
    error: unknown;
    reload: () => void;
    set: (data: T) => void;
}

/** Asks anew whenever `keys` change; an answer that came too late is dropped. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, keys: unknown[]): Loaded<T> {
    const [state, setState] = useState<{ data?: T; error?: unknown }>({});
    const [round, setRound] = useState(0);
    useEffect(() => {
        const abort = new AbortController();
        setState({});
        load(abort.signal).then(
            (data) => !abort.signal.aborted && setState({ data }),
            (error: unknown) => !abort.signal.aborted && !isAbort(error) && setState({ error }));
        return () => abort.abort();
    }, [...keys, round]);
    return {
        data: state.data, error: state.error,
        reload: useCallback(() => setRound((n) => n + 1), []),
        set: useCallback((data: T) => setState({ data }), []),
    };
}

interface Page<T> {
    items?: T[];
    next?: string;
}

export interface Pages<T, P extends Page<T> = Page<T>> {
    items: T[] | undefined;         // undefined until the first page is there
    first: P | undefined;
    error: unknown;
    more: (() => void) | undefined; // undefined: this was all
    busy: boolean;
    change: (edit: (items: T[]) => T[]) => void;
    reload: () => void;
}

type ItemOf<P> = P extends Page<infer T> ? T : never;

export function usePages<P extends Page<unknown>>(load: (cursor: string | undefined, signal: AbortSignal) => Promise<P>,
    keys: unknown[]): Pages<ItemOf<P>, P & Page<ItemOf<P>>> {
    type T = ItemOf<P>;
    const [items, setItems] = useState<T[]>();
    const [next, setNext] = useState<string>();
    const [busy, setBusy] = useState(false);
    const [failed, setFailed] = useState<unknown>();
    const first = useLoad((signal) => load(undefined, signal), keys);
    const current = useRef(first.data);
    current.current = first.data;
    useEffect(() => {
        setItems(first.data && ((first.data.items ?? []) as T[]));
        setNext(first.data?.next);
        setFailed(undefined);
    }, [first.data]);

    const more = async () => {
        const of = first.data;
        setBusy(true);
        setFailed(undefined);
        try {
            const page = await load(next, new AbortController().signal);
            if (current.current !== of)
                return;             // another list by now
            setItems((had) => [...(had ?? []), ...((page.items ?? []) as T[])]);
            setNext(page.next);
        } catch (error) {
            setFailed(error);
        } finally {
            setBusy(false);
        }
    };
    return {
        items, first: first.data as (P & Page<T>) | undefined, error: first.error ?? failed, busy, more: next ? () => void more() : undefined,
        change: (edit) => setItems((had) => had && edit(had)), reload: first.reload,
    };
}
