// What every page does when it is shown: names itself in the title, and takes the focus after a change of page, so
// that a screen reader says where one is and the next Tab goes on from there.
import { useLocation } from "preact-iso/router";
import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";

let pagesShown = 0;

export function usePage(title: string): void {
    useEffect(() => {
        document.title = title ? `${title} · Kinobus` : "Kinobus";
    }, [title]);
}

/** The heading of a page; gets the focus when the page was reached from another one. */
export function Heading({ children, unseen = false }: { children: ComponentChildren; unseen?: boolean }) {
    const ref = useRef<HTMLHeadingElement>(null);
    const { path } = useLocation();
    useEffect(() => {
        if (pagesShown++ > 0)
            ref.current?.focus({ preventScroll: true });
    }, [path]);
    return <h1 ref={ref} tabIndex={-1} class={unseen ? "unseen" : undefined}>{children}</h1>;
}
