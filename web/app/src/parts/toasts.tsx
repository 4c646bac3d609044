// Short messages at the foot of the page; they are read out, stay long enough to be read, and never take the focus.
import { signal } from "@preact/signals";
import { Icon } from "./icon";

export interface ToastAction {
    label: string;
    href?: string;
    run?: () => void;
}

interface Toast {
    id: number;
    text: string;
    action: ToastAction | undefined;
}

const toasts = signal<Toast[]>([]);
let last = 0;

export function toast(text: string, action?: ToastAction): void {
    const id = ++last;
    toasts.value = [...toasts.value.slice(-2), { id, text, action }];
    setTimeout(() => dismiss(id), action ? 12_000 : 7000);
}

function dismiss(id: number): void {
    toasts.value = toasts.value.filter((t) => t.id !== id);
}

export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {toasts.value.map(({ id, text, action }) => (
                <div class="toast" key={id}>
                    <p>{text}</p>
                    {action?.href && <a href={action.href} onClick={() => dismiss(id)}>{action.label}</a>}
                    {action?.run && <button type="button" onClick={() => (dismiss(id), action.run?.())}>{action.label}</button>}
                    <button type="button" aria-label="Dismiss message" onClick={() => dismiss(id)}><Icon name="close" size={18} /></button>
                </div>
            ))}
        </div>
    );
}
