import type { Pages } from "../lib/use-load";
import { Icon } from "./icon";

/** The next page of a list, by a button: the foot of the page stays within reach. */
export function MoreButton<T>({ pages }: { pages: Pick<Pages<T>, "more" | "busy"> }) {
    if (!pages.more)
        return null;
    return (
        <p class="row">
            <button type="button" class="button" aria-disabled={pages.busy} onClick={() => pages.busy || pages.more?.()}>
                {pages.busy && <Icon name="wait" size={18} spin />}Show more
            </button>
        </p>
    );
}
