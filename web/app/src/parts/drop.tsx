// A button with something that drops down from it: closed by Escape (focus goes back), by a click elsewhere, and when
// the focus leaves. A disclosure, not an ARIA menu: what is inside are plain links and buttons, reached with Tab.
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso/router";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface DropProps {
    label: string;
    face: ComponentChildren;
    menuClass?: string;
    onOpen?: () => void;
    children: (close: () => void) => ComponentChildren;
}

export function Drop({ label, face, menuClass = "", onOpen, children }: DropProps) {
    const [open, setOpen] = useState(false);
    const root = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    const id = useId();
    const { url } = useLocation();
    useEffect(() => setOpen(false), [url]);
    useEffect(() => {
        if (!open)
            return;
        const outside = (event: Event) => !root.current?.contains(event.target as Node) && setOpen(false);
        document.addEventListener("pointerdown", outside);
        return () => document.removeEventListener("pointerdown", outside);
    }, [open]);
    const onKeyDown = (event: KeyboardEvent) => {
        if (event.key === "Escape" && open) {
            setOpen(false);
            button.current?.focus();
        }
    };
    const onFocusOut = (event: FocusEvent) => {
        if (event.relatedTarget && !root.current?.contains(event.relatedTarget as Node))
            setOpen(false);
    };
    return (
        <div class="drop" ref={root} onKeyDown={onKeyDown} onFocusOut={onFocusOut}>
            <button type="button" class="button plain icon" ref={button} aria-label={label} aria-expanded={open} aria-controls={id}
                onClick={() => (open || onOpen?.(), setOpen(!open))}>{face}</button>
            <div id={id} class={`menu ${menuClass}`} hidden={!open}>{open && children(() => setOpen(false))}</div>
        </div>
    );
}
