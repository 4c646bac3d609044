// Home: what one began and has not finished, what one keeps for later, then all public videos, newest first.
import { call } from "../api/http";
import { progressSaved } from "../api/progress";
import { atLeast, me } from "../api/session";
import { usePages } from "../lib/use-load";
import { MoreButton } from "../parts/more-button";
import { Failure } from "../parts/notice";
import { Heading, usePage } from "../parts/page";
import { GhostGrid, VideoCard, WatchingCard } from "../parts/video-card";

export function Home() {
    usePage("");
    return (
        <>
            <Heading unseen>Home</Heading>
            {me.value && <Shelf key={`begun ${me.value.id}`} title="Continue watching" route="GET /api/v1/users/me/watching" />}
            {me.value && <Shelf key={`kept ${me.value.id}`} title="Watch later" route="GET /api/v1/users/me/watchlist" />}
            <Newest />
        </>
    );
}

function Shelf({ title, route }: { title: string; route: "GET /api/v1/users/me/watching" | "GET /api/v1/users/me/watchlist" }) {
    const { items } = usePages(async (cursor, signal) => {
        await progressSaved();
        return call(route, { cursor: cursor ?? "" }, { signal });
    }, []);
    if (!items?.length)
        return null;                // a courtesy: when it cannot be loaded, home is still home
    return (
        <section class="stack" aria-label={title}>
            <h2>{title}</h2>
            <ul class="shelf" role="list">{items.map((item) => <li key={item.video_id}><WatchingCard item={item} /></li>)}</ul>
        </section>
    );
}

function Newest() {
    const who = me.value?.id;
    const pages = usePages((cursor, signal) => call("GET /api/v1/videos", { cursor: cursor ?? "" }, { signal }), [who]);
    return (
        <section class="stack" aria-labelledby="newest" aria-busy={!pages.items && !pages.error}>
            <h2 id="newest">Newest videos</h2>
            {pages.error !== undefined && <Failure error={pages.error} retry={pages.items ? undefined : pages.reload} />}
            {!pages.items && pages.error === undefined && <GhostGrid />}
            {pages.items?.length === 0 && (
                <div class="empty-page">
                    <h2>No videos yet</h2>
                    {atLeast("creator")
                        ? <><p>Upload the first one. It can be watched seconds after its first bytes arrive.</p>
                            <p><a class="button main" href="/upload">Upload a video</a></p></>
                        : <p>Come back later, or sign in to upload the first one.</p>}
                </div>
            )}
            {!!pages.items?.length && <ul class="grid" role="list">{pages.items.map((v) => <li key={v.id}><VideoCard video={v} /></li>)}</ul>}
            <MoreButton pages={pages} />
        </section>
    );
}
