// What is being uploaded, at the foot of every page but the upload page itself.
import { useLocation } from "preact-iso/router";
import { percent, plural } from "../lib/format";
import { Icon } from "../parts/icon";
import { active } from "./manager";

export function UploadStrip() {
    const { path } = useLocation();
    const now = active.value;
    if (!now.length || path === "/upload")
        return null;
    const size = now.reduce((sum, i) => sum + i.size, 0);
    const sent = now.reduce((sum, i) => sum + i.sent, 0);
    return (
        <aside class="strip" aria-label="Uploads">
            <a href="/upload"><Icon name="upload" size={18} />Uploading {plural(now.length, "video")}, {percent(sent, size)} %</a>
        </aside>
    );
}
