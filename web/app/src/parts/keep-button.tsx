import { keep, kept } from "../api/kept";
import { saying } from "../api/http";
import { Icon } from "./icon";
import { toast } from "./toasts";

/** Puts a video on the watchlist, or takes it off again. Shown once it is known which of the two it is. */
export function KeepButton({ id }: { id: string }) {
    const is = kept.value.get(id);
    if (is === undefined)
        return null;
    const change = async () => {
        try {
            await keep(id, !is);
            toast(is ? "It is off your watchlist." : "It is on your watchlist.", is ? undefined : { label: "Watch later", href: "/later" });
        } catch (error) {
            toast(saying(error));
        }
    };
    return (
        <button type="button" class="button slim" aria-pressed={is} onClick={() => void change()}>
            <Icon name={is ? "good" : "later"} size={18} />Watch later
        </button>
    );
}
