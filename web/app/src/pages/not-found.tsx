import { Heading, usePage } from "../parts/page";

export function NotFound() {
    usePage("Page not found");
    return (
        <div class="empty-page">
            <span class="board">NOT IN SERVICE</span>
            <Heading>There is no page here</Heading>
            <p>The address may be mistyped, or what was here is gone. Search above, or start over.</p>
            <p class="row"><a class="button main" href="/">All videos</a></p>
        </div>
    );
}
