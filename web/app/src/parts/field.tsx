// A form and its labelled fields. What the server refuses is shown at the field it concerns.
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { Problem, isAbort } from "../api/http";
import { Icon } from "./icon";
import { Failure } from "./notice";

export interface FormState {
    busy: boolean;
    error: unknown;
    wrong: Record<string, string>;
    ref: { current: HTMLFormElement | null };
    submit: (event: Event) => void;
}

/** Runs `send` on submit; its Problem's fields go to `wrong`, and the first of them gets the focus. */
export function useForm(send: (data: FormData) => Promise<void>): FormState {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const [wrong, setWrong] = useState<Record<string, string>>({});
    const ref = useRef<HTMLFormElement>(null);
    const submit = async (event: Event) => {
        event.preventDefault();
        if (busy)
            return;
        setBusy(true);
        setError(undefined);
        setWrong({});
        try {
            await send(new FormData(event.currentTarget as HTMLFormElement));
        } catch (thrown) {
            if (isAbort(thrown))
                return;
            const fields = thrown instanceof Problem ? thrown.fields : {};
            const known = Object.keys(fields).filter((name) => ref.current?.elements.namedItem(name));
            setWrong(fields);
            setError(known.length ? undefined : thrown);
            if (known[0])
                setTimeout(() => (ref.current?.elements.namedItem(known[0]!) as HTMLElement | null)?.focus());
        } finally {
            setBusy(false);
        }
    };
    return { busy, error, wrong, ref, submit: (event) => void submit(event) };
}

export function Form({ form, children, label }: { form: FormState; children: ComponentChildren; label?: string }) {
    return (
        <form class="stack" ref={form.ref} onSubmit={form.submit} aria-label={label}>
            {form.error !== undefined && <Failure error={form.error} />}
            {children}
        </form>
    );
}

interface FieldProps {
    name: string;
    label: string;
    form?: FormState;
    hint?: string;
    type?: "text" | "email" | "password" | "date" | "datetime-local" | "number";
    min?: number;
    max?: number | string;
    value?: string;
    required?: boolean;
    minLength?: number;
    maxLength?: number;
    autoComplete?: string;
    placeholder?: string;
    rows?: number;
    options?: [value: string, label: string][];
    onChange?: (value: string) => void;
}

export function Field({ name, label, form, hint, rows, options, value, onChange, type = "text", ...rest }: FieldProps) {
    const id = useId();
    const wrong = form?.wrong[name];
    const told = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
    const common = {
        id, name, class: "input", "aria-describedby": told || undefined, "aria-invalid": wrong ? true : undefined,
        onChange: (event: Event) => onChange?.((event.currentTarget as HTMLInputElement).value), ...rest,
    };
    return (
        <div class="field">
            <label for={id}>{label}</label>
            {options
                ? <select {...common} defaultValue={value}>
                    {options.map(([v, text]) => <option key={v} value={v} selected={v === value}>{text}</option>)}
                </select>
                : rows
                    ? <textarea {...common} rows={rows} defaultValue={value ?? ""} />
                    : <input {...common} {...{ type } as object} defaultValue={value ?? ""} />}
            {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
            {wrong && <p class="wrong" id={`${id}-wrong`}><Icon name="warn" size={18} />{wrong}</p>}
        </div>
    );
}

export function SubmitButton({ form, children, wide }: { form: FormState; children: ComponentChildren; wide?: boolean }) {
    return (
        <button type="submit" class={`button main${wide ? " wide" : ""}`} aria-disabled={form.busy}>
            {form.busy && <Icon name="wait" size={18} spin />}{children}
        </button>
    );
}
