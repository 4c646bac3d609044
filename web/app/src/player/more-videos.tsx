import { call } from "../api/http";
import { useLoad } from "../lib/use-load";
import { VideoCard } from "../parts/video-card";

/** Something to go on with. */
export function MoreVideos({ except }: { except: string }) {
    const { data } = useLoad((signal) => call("GET /api/v1/videos", { limit: 9 }, { signal }), []);
    const videos = data?.items?.filter((v) => v.id !== except).slice(0, 8);
    if (!videos?.length)
        return null;
    return (
        <aside aria-labelledby="more">
            <h2 id="more">More to watch</h2>
            <ul class="stack" role="list">{videos.map((v) => <li key={v.id}><VideoCard video={v} beside /></li>)}</ul>
        </aside>
    );
}
