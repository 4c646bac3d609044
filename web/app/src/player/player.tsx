// The player: a media element, its source, its buttons and its keys.
import type { Playing as Playback } from "#api";
import type { RefObject } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icon";
import { Bar } from "./bar";
import { useCaptions } from "./captions";
import { chaptersOf } from "./chapters";
import { type Counting, countPlayback } from "./count";
import { type Deck, pressKey } from "./keys";
import { NextUp, useNext } from "./next-up";
import { keepProgress } from "./keep-progress";
import { SeekBar } from "./seek-bar";
import { Help, SPEEDS, Setup } from "./setup";
import { useStoryboard } from "./storyboard";
import { useMedia } from "./use-media";
import { useSource } from "./use-source";

const HUSH_MS = 2800;
const NEAR_END_S = 20;

interface PlayerProps {
    id: string;
    title: string;
    playback: Playback;
    startAt: number;                // seconds
    preparedMs: number;             // can be watched up to here
    durationMs: number;             // of the whole video; 0: not known
    growing: boolean;
    renew: () => Promise<void>;
}

export function Player({ id, title, playback, startAt, preparedMs, durationMs, growing, renew }: PlayerProps) {
    const root = useRef<HTMLDivElement>(null);
    const video = useRef<HTMLVideoElement>(null);
    const still = useRef<HTMLCanvasElement>(null);
    const media = useMedia(video);
    const counting = useCounting(playback.session_id, video);
    const { tracks, source, failed, retry } = useSource(video, still, playback, startAt, counting, renew);
    const [panel, setPanel] = useState<"" | "setup" | "help">("");
    const [full, setFull] = useState(false);
    const [hush, setHush] = useState(false);
    const quiet = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
    const wasHushed = useRef(false);
    const [declined, setDeclined] = useState(false);
    const decline = useCallback(() => setDeclined(true), []);
    useEffect(() => {
        if (!media.ended)
            setDeclined(false);     // it plays again: at its end it is offered anew
    }, [media.ended]);

    const prepared = growing ? Math.max(preparedMs / 1000, media.duration) : media.duration;
    const duration = Math.max(media.duration, growing ? durationMs / 1000 : 0);
    const next = useNext(id, media.ended || (!growing && duration > 0 && media.time > duration - NEAR_END_S));
    const chapters = useMemo(() => chaptersOf(playback), [playback]);
    const tiles = useStoryboard(playback.storyboard_url);
    const caption = useRef<number | undefined>(undefined);      // the one that was shown last
    const hushed = hush && media.playing;
    useCaptions(root, video, hushed, tracks);
    const whole = useRef(0);
    whole.current = Math.max(durationMs, media.duration * 1000);

    useEffect(() => announce(title, playback.poster_url), [title, playback.poster_url]);
    useEffect(() => keepProgress(id, video.current!, () => whole.current), [id]);
    useEffect(() => {
        const change = () => setFull(document.fullscreenElement === root.current);
        document.addEventListener("fullscreenchange", change);
        if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
            void video.current?.play().catch(() => {});        // a browser that forbids it shows the big button
        return () => document.removeEventListener("fullscreenchange", change);
    }, []);

    const deck: Deck = {
        toggle() {
            const v = video.current!;
            if (v.paused || v.ended)
                void v.play().catch(() => {});
            else
                v.pause();
        },
        seekTo(seconds) {
            const v = video.current!;
            v.currentTime = Math.max(0, Math.min(seconds, (v.duration || 0) - 0.1));   // no further than there is
        },
        seekBy: (seconds) => deck.seekTo(video.current!.currentTime + seconds),
        duration: () => duration,
        louder(by) {
            const v = video.current!;
            v.muted = false;
            v.volume = Math.max(0, Math.min(1, v.volume + by));
        },
        mute: () => void (video.current!.muted = !video.current!.muted),
        captions() {
            if (tracks.caption >= 0)
                caption.current = tracks.caption;
            source.current?.chooseCaption(tracks.caption >= 0 ? -1 : caption.current ?? tracks.captions[0]?.id ?? -1);
        },
        fullscreen() {
            const v = video.current as HTMLVideoElement & { webkitEnterFullscreen?: () => void };
            if (document.fullscreenElement)
                void document.exitFullscreen();
            else if (root.current?.requestFullscreen)
                void root.current.requestFullscreen();
            else
                v.webkitEnterFullscreen?.();    // phones that give the whole screen to the element alone
        },
        faster(by) {
            const at = SPEEDS.indexOf(video.current!.playbackRate);
            video.current!.playbackRate = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + by))] ?? 1;
        },
        help: () => setPanel(panel === "help" ? "" : "help"),
    };

    const stir = () => {
        setHush(false);
        clearTimeout(quiet.current);
        quiet.current = setTimeout(() => setHush(!video.current?.paused && !panel), HUSH_MS);
    };
    const tap = (event: MouseEvent) => {
        if ((event as PointerEvent).pointerType !== "touch" || !wasHushed.current)
            deck.toggle();          // a finger's first tap only shows the buttons
    };
    const onKeyDown = (event: KeyboardEvent) => {
        stir();
        if (event.key === "Escape" && panel)
            setPanel("");
        else if (!pressKey(event, deck))
            return;
        event.preventDefault();
    };
    const wait = growing && media.waiting && media.time > prepared - 1.5;
    return (
        <div class={`player${hushed ? " hush" : ""}`} ref={root} role="region" tabIndex={-1} aria-label={`Player: ${title}`}
            onKeyDown={onKeyDown} onPointerMove={stir} onFocusIn={stir}
            onPointerDown={() => ((wasHushed.current = hushed), stir())}>
            <video ref={video} playsInline preload="auto" poster={playback.poster_url || undefined} onClick={tap}
                onDblClick={() => deck.fullscreen()} />
            <canvas ref={still} hidden />
            <div class="middle">
                {media.waiting && !failed
                    ? <span class="word row" role="status"><Icon name="wait" spin />{wait ? "Waiting for more to be prepared" : "Loading"}</span>
                    : !media.playing && !failed && <span class="big" aria-hidden="true"><Icon name={media.ended ? "retry" : "play"} size={38} /></span>}
            </div>
            {panel === "setup" && <Setup tracks={tracks} source={source.current} rate={media.rate} onRate={(r) => void (video.current!.playbackRate = r)}
                chapters={chapters} time={media.time} onSeek={(to) => deck.seekTo(to)} />}
            {panel === "help" && <Help />}
            <Bar media={media} deck={deck} duration={duration} full={full} panel={panel} onPanel={setPanel}
                onVolume={(v) => (video.current!.muted = false, video.current!.volume = v)}
                onPicture={document.pictureInPictureEnabled ? () => void picture(video.current!) : undefined}
                seekBar={<SeekBar time={media.time} duration={duration} buffered={media.buffered} prepared={prepared}
                    chapters={chapters} tiles={tiles} onSeek={(to) => deck.seekTo(to)} />} />
            {media.ended && next && !declined && !failed && <NextUp video={next} onCancel={decline} />}
            {failed && (
                <div class="fail" role="alert">
                    <p><strong>{failed === "unsupported" ? "This browser cannot play the video." : "The video stopped: its media could not be loaded."}</strong></p>
                    <p>{failed === "unsupported" ? "Try a newer one." : "Check your connection, then go on."}</p>
                    {failed === "broken" && <button type="button" class="button main" onClick={retry}>Go on</button>}
                </div>
            )}
        </div>
    );
}

/** Of this player's first playback: one that is renewed is the same view. */
function useCounting(play: string | undefined, video: RefObject<HTMLVideoElement | null>): RefObject<Counting | null> {
    const counting = useRef<Counting>(null);
    useEffect(() => {
        if (!play)
            return;
        counting.current = countPlayback(play, video.current!);
        return () => {
            counting.current?.stop();
            counting.current = null;
        };
    }, []);
    return counting;
}

/** To the system's own media keys and lock screen. */
function announce(title: string, poster: string | undefined): void {
    if ("mediaSession" in navigator)
        navigator.mediaSession.metadata = new MediaMetadata({ title, artwork: poster ? [{ src: poster }] : [] });
}

async function picture(video: HTMLVideoElement): Promise<void> {
    try {
        await (document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture());
    } catch {
        // the browser said no
    }
}
