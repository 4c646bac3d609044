// Watching a video: the player, what there is to read about it, and more to watch.
import type { Playing as Playback, Video } from "#api";
import { useLocation, useRoute } from "preact-iso/router";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem, call } from "../api/http";
import { noteKept } from "../api/kept";
import { me } from "../api/session";
import { playable, useVideoLive } from "../api/video-live";
import { useLoad } from "../lib/use-load";
import { Failure, Waiting } from "../parts/notice";
import { Heading, usePage } from "../parts/page";
import { About } from "../player/about";
import { MoreVideos } from "../player/more-videos";
import { Player } from "../player/player";
import { Preparing } from "../player/preparing";
import { OthersMeet, Refused } from "../player/refused";

const RETRY_MS = 30_000;            // of a renewal that did not get through

export function Watch() {
    const id = useRoute().params["id"] ?? "";
    const signedIn = me.value?.id;
    const { data, error, reload, set } = useLoad((signal) => call("GET /api/v1/videos/{id}", { id }, { signal }), [id, signedIn]);
    usePage(data?.title ?? "Watch");
    if (error !== undefined)
        return <Missing error={error} retry={reload} />;
    if (!data)
        return <Waiting what="Loading the video" />;
    return <Watching key={id} first={data} onEdited={set} />;
}

function Missing({ error, retry }: { error: unknown; retry: () => void }) {
    if (!(error instanceof Problem) || (error.status !== 404 && error.status !== 400))
        return <Failure error={error} retry={retry} />;
    return (
        <div class="empty-page">
            <span class="board">NOT IN SERVICE</span>
            <Heading>There is no such video, or you may not see it</Heading>
            <p>It may be private, or have been deleted. {me.value ? "Ask who sent you the link." : "If it was shared with you, sign in."}</p>
            <p class="row"><a class="button main" href="/">All videos</a>{!me.value && <a class="button" href={`/signin?next=${encodeURIComponent(location.pathname)}`}>Sign in</a>}</p>
        </div>
    );
}

function Watching({ first, onEdited }: { first: Video; onEdited: (video: Video) => void }) {
    const video = useVideoLive(first);
    const canPlay = playable(video);
    return (
        <div class="watch">
            <div class="stack">
                {canPlay && <Playing video={video} />}
                <Preparing video={video} />
                <About video={video} onEdited={onEdited} />
            </div>
            <MoreVideos except={video.id} />
        </div>
    );
}

function Playing({ video }: { video: Video }) {
    const { query } = useLocation();
    const [playback, setPlayback] = useState<Playback>();
    const [error, setError] = useState<unknown>();
    const play = useRef("");        // one that gets new addresses is the same playback
    const renew = useCallback(async () => {
        try {
            const answer = await call("POST /api/v1/videos/{id}/playback", { id: video.id, ...(play.current ? { session_id: play.current } : {}) });
            play.current = answer.session_id ?? "";
            setPlayback(answer);
            if (me.value)
                noteKept(video.id, !!answer.kept);
            setError(undefined);
        } catch (thrown) {
            setError(thrown);
            if (thrown instanceof Problem && thrown.refusals.length)
                setPlayback(undefined);         // it may not be watched any more
            throw thrown;
        }
    }, [video.id]);
    const start = () => void renew().catch(() => {});
    useEffect(start, [renew]);
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const wait = (ms: number) => void (timer = setTimeout(() => renew().catch(() => wait(RETRY_MS)), ms));
        if (playback?.renew_after_ms !== undefined)
            wait(playback.renew_after_ms);
        return () => clearTimeout(timer);
    }, [playback]);
    const outgrown = playback && !playback.final && video.state === "ready";
    useEffect(() => {
        if (!outgrown)
            return;
        start();                    // the final manifest has all qualities; the player goes on at the same place
        const again = setInterval(start, 5000);
        return () => clearInterval(again);
    }, [outgrown]);

    if (!playback)
        return error instanceof Problem && error.refusals.length ? <Refused refusals={error.refusals} retry={start} /> : error !== undefined ? <Failure error={error} retry={start} /> : <div class="player"><div class="middle"><Waiting what="Loading" /></div></div>;
    const from = Number(query["t"]);
    return (<>
        <Player id={video.id} title={video.title ?? ""} playback={playback} renew={renew} growing={!playback.final}
            startAt={from > 0 ? from : (playback.resume_ms ?? 0) / 1000}
            preparedMs={Math.max(playback.playable_until_ms ?? 0, video.playable_until_ms ?? 0)}
            durationMs={Math.max(playback.duration_ms ?? 0, video.duration_ms ?? 0)} />
        {!!playback.others_meet?.length && <OthersMeet refusals={playback.others_meet} />}
    </>);
}
