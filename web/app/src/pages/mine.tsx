import { useLocation } from "preact-iso/router";
import { call } from "../api/http";
import { usePages } from "../lib/use-load";
import { MoreButton } from "../parts/more-button";
import { NeedsAccount } from "../parts/needs-account";
import { Failure, Waiting } from "../parts/notice";
import { OwnVideo } from "../parts/own-video";
import { Heading, usePage } from "../parts/page";

export function Mine() {
    usePage("My videos");
    const trashed = useLocation().query["show"] === "trash";
    return (
        <NeedsAccount title="My videos">
            <Heading>My videos</Heading>
            <nav class="tabs" aria-label="My videos">
                <a href="/mine" aria-current={trashed ? undefined : "page"}>Videos</a>
                <a href="/mine?show=trash" aria-current={trashed ? "page" : undefined}>Trash</a>
            </nav>
            <OwnVideos key={String(trashed)} trashed={trashed} />
        </NeedsAccount>
    );
}

function OwnVideos({ trashed }: { trashed: boolean }) {
    const pages = usePages((cursor, signal) => call("GET /api/v1/videos",
        { mine: true, ...(trashed ? { trashed } : {}), cursor: cursor ?? "" }, { signal }), [trashed]);
    const { items } = pages;
    return (
        <section class="stack" aria-label={trashed ? "Trash" : "Videos"}>
            {pages.error !== undefined && <Failure error={pages.error} retry={items ? undefined : pages.reload} />}
            {!items && pages.error === undefined && <Waiting what="Loading your videos" />}
            {items?.length === 0 && (
                <div class="empty-page">
                    <h2>{trashed ? "The trash is empty" : "You have no videos yet"}</h2>
                    {!trashed && <p><a class="button main" href="/upload">Upload a video</a></p>}
                </div>
            )}
            <ul class="mine" role="list">
                {items?.map((video) => (
                    <li key={video.id}>
                        <OwnVideo video={video} onGone={(id) => pages.change((had) => had.filter((v) => v.id !== id))}
                            onChange={(now) => pages.change((had) => had.some((v) => v.id === now.id)
                                ? had.map((v) => (v.id === now.id ? now : v)) : [now, ...had])} />
                    </li>
                ))}
            </ul>
            <MoreButton pages={pages} />
        </section>
    );
}
