// Of the codecs that a film has, the one to play: the newest that the browser decodes without effort, else H.264, which all do.
import type Hls from "hls.js";
import type { Level } from "hls.js";

const NEWEST_FIRST = ["av01", "hvc1", "avc1"];

const codecOf = (level: Level) => (level.videoCodec ?? "").slice(0, 4);

/** Leaves the levels of one codec, so that each quality is there once; none of those that are given. */
export async function keepOneCodec(hls: Hls, not: readonly string[]): Promise<void> {
    const there = NEWEST_FIRST.filter((codec) => hls.levels.some((level) => codecOf(level) === codec));
    if (there.length < 2)
        return;
    const kept = await firstSmooth(hls.levels, there.filter((codec) => !not.includes(codec)));
    for (let id = hls.levels.length - 1; id >= 0; id--)
        if (codecOf(hls.levels[id]!) !== kept)
            hls.removeLevel(id);
}

async function firstSmooth(levels: readonly Level[], codecs: readonly string[]): Promise<string> {
    for (const codec of codecs) {
        const top = levels.filter((level) => codecOf(level) === codec).reduce((a, b) => (b.height > a.height ? b : a));
        if (await isSmooth(top))
            return codec;
    }
    return codecs[codecs.length - 1]!;
}

async function isSmooth({ videoCodec, width, height, bitrate, frameRate }: Level): Promise<boolean> {
    try {
        const { supported, smooth } = await navigator.mediaCapabilities.decodingInfo({
            type: "media-source",
            video: { contentType: `video/mp4; codecs="${videoCodec}"`, width, height, bitrate, framerate: frameRate || 30 },
        });
        return supported && smooth;
    } catch {
        return false;           // a browser that cannot tell
    }
}
