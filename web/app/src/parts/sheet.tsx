// A modal dialog: the browser keeps the focus inside and gives it back; Escape and a click outside close it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon";

export function Sheet({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        const dialog = ref.current;
        const from = document.activeElement as HTMLElement | null;
        dialog?.showModal();
        return () => {
            dialog?.close();
            from?.focus();
        };
    }, []);
    return (
        <dialog class="sheet" ref={ref} aria-labelledby={id} onCancel={(e) => (e.preventDefault(), onClose())}
            onMouseDown={(e) => e.target === ref.current && onClose()}>
            <div class="sheet-head">
                <h2 id={id}>{title}</h2>
                <button type="button" class="button plain icon" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
            </div>
            <div class="sheet-body">{children}</div>
        </dialog>
    );
}

/** Asks before something that cannot be undone. */
export function Confirm({ title, text, action, onYes, onNo }: {
    title: string; text: string; action: string; onYes: () => void; onNo: () => void;
}) {
    return (
        <Sheet title={title} onClose={onNo}>
            <div class="stack">
                <p>{text}</p>
                <div class="row">
                    <button type="button" class="button danger" onClick={onYes}>{action}</button>
                    <button type="button" class="button" onClick={onNo}>Keep it</button>
                </div>
            </div>
        </Sheet>
    );
}
