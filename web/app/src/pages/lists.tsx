// The lists of one's own: what was watched, and what is kept to be watched later.
import type { Watching } from "#api";
import { useState } from "preact/hooks";
import { call, saying } from "../api/http";
import { keep } from "../api/kept";
import { progressSaved } from "../api/progress";
import { usePages } from "../lib/use-load";
import { Icon } from "../parts/icon";
import { MoreButton } from "../parts/more-button";
import { NeedsAccount } from "../parts/needs-account";
import { Failure } from "../parts/notice";
import { Heading, usePage } from "../parts/page";
import { Confirm } from "../parts/sheet";
import { toast } from "../parts/toasts";
import { GhostGrid, WatchingCard } from "../parts/video-card";

interface List {
    title: string;
    route: "GET /api/v1/users/me/history" | "GET /api/v1/users/me/watchlist";
    none: string;
    hint: string;
    off: (title: string) => string;             // what the button that takes one off is called
    takeOff: (id: string) => Promise<unknown>;
    empty?: () => Promise<void>;
}

const HISTORY: List = {
    title: "History", route: "GET /api/v1/users/me/history",
    none: "You have not watched anything yet", hint: "What you watch is listed here, for you alone.",
    off: (title) => `Remove ${title} from the history`,
    takeOff: (id) => call("DELETE /api/v1/users/me/history/{id}", { id }),
    async empty() {
        while ((await call("DELETE /api/v1/users/me/history", {})).more)
            continue;
    },
};

const LATER: List = {
    title: "Watch later", route: "GET /api/v1/users/me/watchlist",
    none: "Nothing is kept for later", hint: "Press “Watch later” beneath a video, and it is listed here.",
    off: (title) => `Remove ${title} from the watchlist`,
    takeOff: (id) => keep(id, false),
};

export const History = () => <ListPage list={HISTORY} />;
export const Later = () => <ListPage list={LATER} />;

function ListPage({ list }: { list: List }) {
    usePage(list.title);
    return <NeedsAccount title={list.title}><Items key={list.title} list={list} /></NeedsAccount>;
}

function Items({ list }: { list: List }) {
    const [asked, setAsked] = useState(false);
    const pages = usePages(async (cursor, signal) => {
        await progressSaved();
        return call(list.route, { cursor: cursor ?? "" }, { signal });
    }, [list]);
    const { items } = pages;
    const act = async (what: () => Promise<unknown>, then: (had: Watching[]) => Watching[]) => {
        try {
            await what();
            pages.change(then);
        } catch (error) {
            toast(saying(error));
        }
    };
    const emptied = () => {
        setAsked(false);
        void act(list.empty!, () => []);
    };
    return (
        <>
            <div class="row apart">
                <Heading>{list.title}</Heading>
                {list.empty && !!items?.length && <button type="button" class="button slim" onClick={() => setAsked(true)}><Icon name="trash" size={18} />Forget all</button>}
            </div>
            {pages.error !== undefined && <Failure error={pages.error} retry={items ? undefined : pages.reload} />}
            {!items && pages.error === undefined && <GhostGrid />}
            {items?.length === 0 && !pages.more && <div class="empty-page"><h2>{list.none}</h2><p>{list.hint}</p></div>}
            {!!items?.length && (
                <section aria-labelledby="videos">
                    <h2 id="videos" class="unseen">Videos</h2>
                    <ul class="grid" role="list">
                        {items.map((item) => (
                            <li key={item.video_id} class="stack tight">
                                <WatchingCard item={item} />
                                <p><button type="button" class="button slim" aria-label={list.off(item.title || "Untitled")}
                                    onClick={() => void act(() => list.takeOff(item.video_id!), (had) => had.filter((v) => v.video_id !== item.video_id))}>
                                    <Icon name="close" size={18} />Remove
                                </button></p>
                            </li>
                        ))}
                    </ul>
                </section>
            )}
            <MoreButton pages={pages} />
            {asked && <Confirm title="Forget all that you watched?" text="Where you were in each video is forgotten, too. This cannot be undone."
                action="Forget all" onYes={emptied} onNo={() => setAsked(false)} />}
        </>
    );
}
