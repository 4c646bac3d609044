// Notifications: how many are new, and the list. Opening it marks what it shows as read.
import type { Notification } from "#api";
import { useEffect, useRef, useState } from "preact/hooks";
import { on } from "../api/events";
import { call, saying } from "../api/http";
import { ago, plural } from "../lib/format";
import { Drop } from "./drop";
import { Icon } from "./icon";
import { toast } from "./toasts";

export function Bell() {
    const [items, setItems] = useState<Notification[]>([]);
    const [unread, setUnread] = useState(0);
    const [failed, setFailed] = useState("");

    const round = useRef(0);
    const load = async () => {
        const mine = ++round.current;
        try {
            const answer = await call("GET /api/v1/notifications", {});
            if (mine !== round.current)
                return;             // a later one is on its way
            setItems(answer.items ?? []);
            setUnread(answer.unread ?? 0);
            setFailed("");
        } catch (error) {
            setFailed(saying(error));
        }
    };
    useEffect(() => {
        void load();
        return on("lost", () => void load());
    }, []);
    useEffect(() => on("notification", (note) => {
        void load();                // counting here as well would count some twice
        toast(note.title ?? "Something happened.", note.video_id ? { label: "Look", href: `/watch/${note.video_id}` } : undefined);
    }), []);

    const onOpen = () => {
        const newest = items[0];
        if (!unread || !newest)
            return;
        setUnread(0);
        call("POST /api/v1/notifications/read", { up_to: newest.id }).catch(() => setUnread(unread));
    };
    return (
        <Drop label={unread ? `Notifications, ${unread} new` : "Notifications"} menuClass="bell" onOpen={onOpen}
            face={<><Icon name="bell" />{unread > 0 && <span class="count" aria-hidden="true">{Math.min(unread, 99)}</span>}</>}>
            {() => <>
                <header><h2>Notifications</h2><span class="small quiet">{plural(items.length, "message")}</span></header>
                {failed && <p class="empty">{failed}</p>}
                {!failed && !items.length && <p class="empty quiet">Nothing yet. You will be told when your videos can be watched.</p>}
                <ol role="list">
                    {items.map((note) => (
                        <li key={note.id} class={note.read ? undefined : "new"}>
                            <a href={note.video_id ? `/watch/${note.video_id}` : "/mine"}>
                                <strong>{note.title}</strong>
                                {note.body && <span class="small">{note.body}</span>}
                                <span class="small quiet">{note.read ? "" : "New · "}{ago(note.created_at)}</span>
                            </a>
                        </li>
                    ))}
                </ol>
            </>}
        </Drop>
    );
}
