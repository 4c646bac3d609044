// Where the pictures come from: hls.js wherever there are media source extensions, the browser's own HLS elsewhere.
// A source holds the element until it is closed; a growing video gets a new source when its final manifest is there.
import Hls, { ErrorTypes, Events, type LoadPolicy } from "hls.js";
import { keepOneCodec } from "./codecs";

export interface Choice {
    id: number;
    label: string;
}

export interface Tracks {
    qualities: Choice[];            // empty: nothing to choose
    quality: number;                // -1: automatic
    shown: string;                  // what automatic has chosen
    audios: Choice[];
    audio: number;
    captions: Choice[];
    caption: number;                // -1: none
}

export const NO_TRACKS: Tracks = { qualities: [], quality: -1, shown: "", audios: [], audio: 0, captions: [], caption: -1 };

export interface Source {
    chooseQuality(id: number): void;
    chooseAudio(id: number): void;
    chooseCaption(id: number): void;
    /** Goes on with another right to the same media; false: it is other media, or cannot be done while it plays. */
    move(url: string): boolean;
    close(): void;
}

export interface SourceOptions {
    video: HTMLVideoElement;
    url: string;
    startAt: number;                // seconds
    onTracks: (tracks: Tracks) => void;
    /** What is shown from now on, and the best there is, in kbit/s. */
    onQuality: (kbps: number, topKbps: number) => void;
    /** For good; `gone`: the media's address is no longer taken, a new playback may help. */
    onFail: (gone: boolean) => void;
}

export function openSource(options: SourceOptions): Source | null {
    if (Hls.isSupported())
        return openHls(options);
    if (options.video.canPlayType("application/vnd.apple.mpegurl"))
        return openNative(options);
    return null;
}

const REFUSALS = [401, 403, 410];
const REFUSED_TRIES = 8;
const MOVING_MS = 10_000;

/** What is refused is asked for again: there will be another right in a moment. */
function patient({ default: policy }: LoadPolicy): LoadPolicy {
    return { default: { ...policy, errorRetry: { ...policy.errorRetry!,
        shouldRetry: (_, tries, __, answer, retry) => retry || (REFUSALS.includes(answer?.code ?? 0) && tries < REFUSED_TRIES) } } };
}

/** Media's address is /media/{right}/{video}/{version}/{file}. */
const RIGHT = /(\/media\/)([^/]+)(\/video_[^/]+\/)/;

function withRight(address: string, right: string): string {
    return right ? address.replace(RIGHT, (_, before: string, __, after: string) => before + right + after) : address;
}

function openHls({ video, url, startAt, onTracks, onQuality, onFail }: SourceOptions): Source {
    let right = RIGHT.exec(url)?.[2] ?? "";
    const hls = new Hls({
        startPosition: startAt,     // a growing playlist looks live; without this it would start near its end
        autoStartLoad: false,       // but when it is known which codec
        enableWorker: false,        // CMAF needs no transmuxing that would be worth a worker
        abrEwmaDefaultEstimate: 3_000_000,      // a server of one's own is rarely far away; one segment tells better
        backBufferLength: 60,
        maxBufferLength: 30,
        capLevelToPlayerSize: true,
        fragLoadPolicy: patient(Hls.DefaultConfig.fragLoadPolicy),
        playlistLoadPolicy: patient(Hls.DefaultConfig.playlistLoadPolicy),
        xhrSetup: (xhr, address) => xhr.open("GET", withRight(address, right), true),     // playlists name media by the right they came with
    });
    let recovered = 0, closed = false;
    let stopped = false;            // it loads nothing any more, for its address was refused
    let movedAt = 0;                // what was asked before may still be refused
    const failed: string[] = [];    // codecs that the browser did not decode after all
    const codec = () => hls.levels[0]?.videoCodec ?? "avc1";
    const tell = () => {
        const shown = hls.levels[hls.currentLevel];
        onTracks({
            qualities: hls.levels.map((l, id) => ({ id, label: quality(l.height, l.width, l.bitrate, l.frameRate) })).reverse(),
            quality: hls.autoLevelEnabled ? -1 : hls.manualLevel,
            shown: shown ? quality(shown.height, shown.width, shown.bitrate, shown.frameRate) : "",
            audios: hls.audioTracks.map((t, id) => ({ id, label: language(t.name, t.lang) })),
            audio: hls.audioTrack,
            captions: hls.subtitleTracks.map((t, id) => ({ id, label: language(t.name, t.lang) })),
            caption: hls.subtitleTrack,
        });
    };
    hls.on(Events.MANIFEST_PARSED, () => {
        keepOneGroup(hls);
        void keepOneCodec(hls, failed).then(() => closed || hls.startLoad(hls.config.startPosition));
    });
    hls.on(Events.LEVEL_SWITCHED, (_, { level }) => {
        const kbps = hls.levels.map((l) => (l.averageBitrate || l.bitrate) / 1000);
        onQuality(kbps[level] ?? 0, Math.max(0, ...kbps));
    });
    for (const event of [Events.MANIFEST_PARSED, Events.LEVEL_SWITCHED, Events.AUDIO_TRACKS_UPDATED, Events.AUDIO_TRACK_SWITCHED,
        Events.SUBTITLE_TRACKS_UPDATED, Events.SUBTITLE_TRACK_SWITCH] as const)
        hls.on(event, tell);
    hls.on(Events.ERROR, (_, error) => {
        const status = error.response?.code ?? 0;
        if (REFUSALS.includes(status) || (status === 404 && error.fatal)) {
            stopped ||= error.fatal;
            if (error.fatal || Date.now() - movedAt > MOVING_MS)
                onFail(true);       // the right ended, or the version is another by now
        }
        else if (error.fatal && error.type === ErrorTypes.MEDIA_ERROR && recovered++ < 2)
            hls.recoverMediaError();
        else if (error.fatal && error.type === ErrorTypes.MEDIA_ERROR && !codec().startsWith("avc1")) {
            failed.push(codec().slice(0, 4));
            recovered = 0;
            hls.config.startPosition = video.currentTime;
            hls.loadSource(url);
        }
        else if (error.fatal)
            onFail(error.type === ErrorTypes.NETWORK_ERROR);
    });
    hls.loadSource(url);
    hls.attachMedia(video);
    return {
        chooseQuality(id) {
            hls.config.capLevelToPlayerSize = id < 0;   // who asks for it gets it, however small the window
            if (id >= 0 && (video.paused || isAllThere(video)))
                hls.currentLevel = id;
            else
                hls.nextLevel = id;
            tell();
        },
        chooseAudio: (id) => void (hls.audioTrack = id),
        chooseCaption(id) {
            hls.subtitleTrack = id;
            hls.subtitleDisplay = id >= 0;
            tell();
        },
        move(next) {
            if (withRight(next, "-") !== withRight(url, "-"))
                return false;
            right = RIGHT.exec(next)?.[2] ?? "";
            movedAt = Date.now();
            if (stopped)
                hls.startLoad();
            stopped = false;
            return true;
        },
        close() {
            closed = true;
            hls.destroy();
        },
    };
}

/** With nothing left to load, what follows the part that plays is not always replaced by hls.js; then all of it must be. */
function isAllThere({ buffered, duration }: HTMLMediaElement): boolean {
    return buffered.length > 0 && buffered.end(buffered.length - 1) > duration - 0.5;
}

/** Of the groups of sounds the one with the most channels that there are loudspeakers for; the levels of others go: a quality is
 *  there once, and what is changed for the line's sake changes no sound. */
function keepOneGroup(hls: Hls) {
    const channels = (group: string) =>
        Math.max(0, ...hls.allAudioTracks.filter((t) => t.groupId === group).map((t) => parseInt(t.channels ?? "2", 10)));
    const groups = [...new Set(hls.levels.flatMap((l) => l.audioGroups ?? []).filter((g): g is string => !!g))].sort((a, b) => channels(a) - channels(b));
    if (groups.length < 2)
        return;
    const there = loudspeakers();
    const kept = groups.filter((g) => channels(g) <= there).pop() ?? groups[0]!;
    for (let id = hls.levels.length - 1; id >= 0; id--)
        if (!hls.levels[id]!.audioGroups?.includes(kept))
            hls.removeLevel(id);
}

function loudspeakers(): number {
    try {
        const context = new AudioContext();
        void context.close();
        return Math.max(2, context.destination.maxChannelCount);
    } catch {
        return 2;
    }
}

function openNative({ video, url, startAt, onTracks, onFail }: SourceOptions): Source {
    const start = () => {
        if (startAt > 0)
            video.currentTime = startAt;
        onTracks(NO_TRACKS);
    };
    const fail = () => onFail(video.error?.code === MediaError.MEDIA_ERR_NETWORK);
    video.addEventListener("loadedmetadata", start, { once: true });
    video.addEventListener("error", fail);
    video.src = url;
    return {
        chooseQuality() {},
        chooseAudio() {},
        chooseCaption() {},
        move: () => false,          // the browser asks by the address that it was given
        close() {
            video.removeEventListener("loadedmetadata", start);
            video.removeEventListener("error", fail);
            video.removeAttribute("src");
            video.load();
        },
    };
}

function quality(height: number, width: number, bitrate: number, frameRate: number): string {
    if (!height)
        return `${Math.round(bitrate / 1000)} kb/s`;
    const lines = Math.min(height, width || height);        // an upright video is named by its short side too
    return `${lines}p${frameRate > 40 ? Math.round(frameRate) : ""}`;
}

const tongues = new Intl.DisplayNames("en", { type: "language", fallback: "code" });

function language(name: string, tag: string | undefined): string {
    let tongue = "";
    try {
        tongue = tag && tag !== "und" ? (tongues.of(tag) ?? "") : "";
    } catch {
        // not a tag that anybody knows
    }
    return name && name !== tag && name !== tongue ? (tongue ? `${name} (${tongue})` : name) : tongue || name || "Sound";
}
