import { useLocation } from "preact-iso/router";
import { call } from "../api/http";
import { plural } from "../lib/format";
import { usePages } from "../lib/use-load";
import { MoreButton } from "../parts/more-button";
import { Failure, Waiting } from "../parts/notice";
import { Heading, usePage } from "../parts/page";
import { HitCard } from "../parts/video-card";

export function Search() {
    const q = (useLocation().query["q"] ?? "").trim();
    usePage(q ? `${q}: search` : "Search");
    return (
        <>
            <Heading>{q ? <>Results for “{q}”</> : "Search"}</Heading>
            {q ? <Results key={q} q={q} /> : <p>Write into the search field above: a title, a name, a tag.</p>}
        </>
    );
}

function Results({ q }: { q: string }) {
    const pages = usePages((cursor, signal) => call("GET /api/v1/search", { q, cursor: cursor ?? "" }, { signal }), [q]);
    const { items } = pages;
    const total = pages.first?.total ?? items?.length ?? 0;
    return (
        <section class="stack hits" aria-labelledby="results">
            <h2 id="results" class="unseen">Videos</h2>
            {pages.error !== undefined && <Failure error={pages.error} retry={items ? undefined : pages.reload} />}
            {!items && pages.error === undefined && <Waiting what="Searching" />}
            {items && <p role="status" class="quiet">{total ? plural(total, "video") : "No video holds all of these words."}</p>}
            {items?.length === 0 && <p>Try fewer words, or the beginning of one. <a href="/">See all videos</a></p>}
            {!!items?.length && <ul class="stack" role="list">{items.map((hit) => <li key={hit.video_id}><HitCard hit={hit} /></li>)}</ul>}
            <MoreButton pages={pages} />
        </section>
    );
}
