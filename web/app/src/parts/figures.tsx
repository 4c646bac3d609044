// How often a video was watched and how well that went, for its owner.
import { call } from "../api/http";
import { clock } from "../lib/format";
import { useLoad } from "../lib/use-load";
import { Failure, Waiting } from "./notice";

const DAYS = 28;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export function Figures({ id }: { id: string }) {
    const { data, error, reload } = useLoad((signal) => call("GET /api/v1/videos/{id}/quality", { id, days: DAYS }, { signal }), [id]);
    if (error !== undefined)
        return <Failure error={error} retry={reload} />;
    if (!data)
        return <Waiting what="Loading the figures" />;
    if (!data.tried)
        return <p class="quiet">Nobody has watched it in the last {DAYS} days.</p>;
    const rows: [string, string][] = [
        ["Views", `${data.views ?? 0}`],
        ["Watched", clock(data.played_ms ?? 0)],
        ...(data.score === undefined ? [] : [["Quality", `${data.score} of 100`] as [string, string]]),
        ...(data.startup_p50_ms === undefined ? [] : [["First picture", `${seconds(data.startup_p50_ms)}; for 95 of 100 within ${seconds(data.startup_p95_ms ?? 0)}`] as [string, string]]),
        ["Stood still", `${data.stalls ?? 0} times, ${(data.stalled_percent ?? 0).toFixed(1)} % of the time`],
        ["Changes of quality", `${data.switches ?? 0}`],
        ["Failed", `${data.failed ?? 0} of ${data.tried}`],
    ];
    return (
        <section aria-label={`The last ${DAYS} days`} class="figures">
            <h3>The last {DAYS} days</h3>
            <dl>{rows.map(([what, much]) => <div key={what}><dt>{what}</dt><dd>{much}</dd></div>)}</dl>
            <p class="small quiet">As players told. Quality: 100 is the best there is of this video, without waiting.</p>
        </section>
    );
}
