// Search with suggestions, as the ARIA combobox pattern has it: the focus stays in the input, arrows walk the list,
// Enter takes what is chosen or what was typed, Escape closes the list first and clears second.
import { useLocation } from "preact-iso/router";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { call, isAbort } from "../api/http";
import { plural } from "../lib/format";
import { Icon } from "./icon";

/** By itself, for the types want a <datalist> with this role, which can neither be styled nor filled as one types. */
const COMBOBOX: object = { role: "combobox" };

export function SearchBox() {
    const { path, query, route } = useLocation();
    const here = path === "/search" ? (query["q"] ?? "") : "";
    const [text, setText] = useState(here);
    const [found, setFound] = useState<string[]>([]);
    const [open, setOpen] = useState(false);
    const [at, setAt] = useState(-1);
    const typed = useRef(false);
    const stop = useRef(() => {});          // waiting for suggestions: who closed the list, or left, is shown none any more
    const id = useId();

    useEffect(() => setText(here), [here]);
    useEffect(() => {
        const q = text.trim();
        if (!typed.current || !q) {
            setFound([]);
            return;
        }
        const abort = new AbortController();
        const timer = setTimeout(async () => {
            try {
                const { items } = await call("GET /api/v1/suggest", { q, limit: 8 }, { signal: abort.signal });
                setFound(items ?? []);
                setAt(-1);
                setOpen(true);
            } catch (error) {
                if (!isAbort(error))
                    setFound([]);   // suggestions are a courtesy
            }
        }, 150);
        stop.current = () => {
            clearTimeout(timer);
            abort.abort();
        };
        return stop.current;
    }, [text]);

    const go = (q: string) => {
        typed.current = false;
        stop.current();
        setOpen(false);
        setText(q);
        if (q.trim())
            route(`/search?q=${encodeURIComponent(q.trim())}`);
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const n = found.length;
        if ((event.key === "ArrowDown" || event.key === "ArrowUp") && n) {
            event.preventDefault();
            setOpen(true);
            setAt(event.key === "ArrowDown" ? (at + 1) % n : (at <= 0 ? n : at) - 1);
        } else if (event.key === "Escape") {
            event.preventDefault();
            stop.current();
            if (shown)
                setOpen(false);
            else
                setText("");
            setAt(-1);
        }
    };
    const shown = open && found.length > 0;
    return (
        <form class="finder" role="search" onSubmit={(e) => (e.preventDefault(), go(shown && at >= 0 ? found[at]! : text))}>
            <input class="input" type="search" name="q" value={text} placeholder="Search" aria-label="Search videos"
                {...COMBOBOX} aria-autocomplete="list" aria-expanded={shown} aria-controls={`${id}-list`}
                aria-activedescendant={shown && at >= 0 ? `${id}-${at}` : undefined} autocomplete="off" maxLength={100} enterkeyhint="search"
                onInput={(e) => ((typed.current = true), setText(e.currentTarget.value))}
                onKeyDown={onKeyDown} onBlur={() => (stop.current(), setOpen(false))} />
            <button type="submit" aria-label="Search"><Icon name="search" /></button>
            <ul id={`${id}-list`} role="listbox" aria-label="Suggestions" hidden={!shown}>
                {shown && found.map((title, i) => (
                    <li key={title} id={`${id}-${i}`} role="option" aria-selected={i === at}
                        onMouseDown={(e) => (e.preventDefault(), go(title))}>{title}</li>
                ))}
            </ul>
            <span class="unseen" role="status">{shown ? plural(found.length, "suggestion") : ""}</span>
        </form>
    );
}
