import { saying } from "../api/http";
import { Heading, usePage } from "../parts/page";

/** The page itself failed: a part of it could not be loaded, or it has a mistake. */
export function Broken({ error }: { error: unknown }) {
    usePage("Something went wrong");
    return (
        <div class="empty-page">
            <span class="board">OUT OF ORDER</span>
            <Heading>This page could not be shown</Heading>
            <p>Reload it: if the server was updated meanwhile, that is all it takes. Uploads go on where they stopped.</p>
            <p class="small"><code>{saying(error)}</code></p>
            <p class="row">
                <button type="button" class="button main" onClick={() => location.reload()}>Reload</button>
                <a class="button" href="/" target="_top">All videos</a>
            </p>
        </div>
    );
}
