// Why a video is in the state it is in, as the server tells it.
import { call } from "../api/http";
import { ago, moment, plural } from "../lib/format";
import { useLoad } from "../lib/use-load";
import { Failure, Waiting } from "./notice";

export function Why({ id }: { id: string }) {
    const { data, error, reload } = useLoad((signal) => call("GET /api/v1/videos/{id}/why", { id }, { signal }), [id]);
    return (
        <div class="why" aria-live="polite">
            {error !== undefined && <Failure error={error} retry={reload} />}
            {!data && error === undefined && <Waiting what="Asking" />}
            {data && <p><strong>{data.sentence}</strong></p>}
            {!!data?.parts?.length && (
                <dl>
                    {data.parts.map((part, i) => (
                        <div key={i}>
                            <dt>{part.what}: {part.state}</dt>
                            <dd class="small quiet">
                                {[part.who && `with ${part.who}`, part.since && `since ${ago(part.since)}`, part.attempts && plural(part.attempts, "attempt"),
                                    part.next_try_at && `next try ${moment(part.next_try_at)}`].filter(Boolean).join(", ")}
                            </dd>
                            {part.detail && <dd><pre tabIndex={0} aria-label={`Last message of ${part.what}`}>{part.detail}</pre></dd>}
                        </div>
                    ))}
                </dl>
            )}
            {data && <p><button type="button" class="button slim" onClick={reload}>Ask again</button></p>}
        </div>
    );
}
