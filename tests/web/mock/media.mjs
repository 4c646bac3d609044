// A small film, made once: two pictures sizes, two languages, segments of two seconds; and some posters.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

export const SECONDS = 24;
export const SEGMENT = 2;

const run = (args, cwd) => execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", ...args], { cwd });

export function makeMedia(dir) {
    if (existsSync(dir))
        return;
    const work = `${dir}.${process.pid}`;
    mkdirSync(work, { recursive: true });
    run(["-f", "lavfi", "-i", `testsrc2=size=640x360:rate=25:duration=${SECONDS}`,
        "-f", "lavfi", "-i", `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`,
        "-f", "lavfi", "-i", `sine=frequency=660:sample_rate=48000:duration=${SECONDS}`,
        "-filter_complex", "[0:v]split[a][b];[b]scale=320:180[c]", "-map", "[c]", "-map", "[a]", "-map", "1:a", "-map", "2:a",
        "-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-pix_fmt", "yuv420p", "-g", "50", "-sc_threshold", "0",
        "-maxrate:v:0", "300k", "-bufsize:v:0", "300k", "-maxrate:v:1", "900k", "-bufsize:v:1", "900k", "-c:a", "aac", "-b:a", "64k",
        "-f", "hls", "-hls_time", String(SEGMENT), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_flags", "independent_segments",
        "-master_pl_name", "master.m3u8", "-hls_segment_filename", "s%v_%03d.m4s", "-hls_fmp4_init_filename", "init%v.mp4",
        "-var_stream_map", "v:0,agroup:a v:1,agroup:a a:0,agroup:a,language:en,default:yes a:1,agroup:a,language:de", "p%v.m3u8"], work);
    const sources = ["mandelbrot=size=640x360:start_scale=0.5", "gradients=size=640x360:seed=3:c0=#274060:c1=#ffc53d",
        "life=size=640x360:mold=10:ratio=0.2:death_color=#c83232:life_color=#00d0a0", "gradients=size=640x360:seed=9:c0=#7b2d26:c1=#0b7a75",
        "cellauto=size=640x360:rule=110", "gradients=size=640x360:seed=5:c0=#1b1b3a:c1=#d96c06"];
    sources.forEach((source, i) => run(["-f", "lavfi", "-i", source, "-ss", "0.4", "-frames:v", "1", "-q:v", "6", `poster${i}.jpg`], work));
    try {
        renameSync(work, dir);
    } catch {
        rmSync(work, { recursive: true, force: true });     // somebody else was faster
    }
}

/** A clip to be uploaded: real, and small. */
export function makeClip(file, seconds = 6, size = "640x360", how = ["-preset", "ultrafast"]) {
    if (existsSync(file))
        return file;
    const work = `${file}.${process.pid}.mp4`;              // somebody else may be making it
    run(["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=25:duration=${seconds}`, "-f", "lavfi", "-i", `sine=frequency=330:duration=${seconds}`,
        "-c:v", "libx264", ...how, "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac", work], ".");
    renameSync(work, file);
    return file;
}

const TYPES = { m3u8: "application/vnd.apple.mpegurl", mp4: "video/mp4", m4s: "video/iso.segment", jpg: "image/jpeg", vtt: "text/vtt" };

/** A storyboard of two tiles, and a text track as one segment: a line in every second. */
const TEXTS = {
    "storyboard.vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:12.000\nposter1.jpg#xywh=0,0,160,90\n\n00:00:12.000 --> 00:00:24.000\nposter2.jpg#xywh=160,90,160,90\n",
    "t0.m3u8": `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:${SECONDS}\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:${SECONDS},\nt0.vtt\n#EXT-X-ENDLIST\n`,
    "t0.vtt": "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n" + Array.from({ length: SECONDS }, (_, s) =>
        `\n00:00:${String(s).padStart(2, "0")}.000 --> 00:00:${String(s).padStart(2, "0")}.900\nSecond <b>${s}</b>\n`).join(""),
};

const withText = (master) => master.replace("#EXT-X-STREAM-INF", '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="Words",LANGUAGE="de",' +
    'DEFAULT=NO,AUTOSELECT=NO,FORCED=NO,URI="t0.m3u8"\n#EXT-X-STREAM-INF').replace(/^(#EXT-X-STREAM-INF:.*)$/gm, '$1,SUBTITLES="text"');

/** The same sounds once more as a group of six channels, and the sizes with it. */
function withSix(master) {
    const group = /GROUP-ID="([^"]+)"/.exec(master)[1];
    const six = (text) => text.replace(`"${group}"`, '"six"');
    return master
        .replace(/^(#EXT-X-MEDIA:TYPE=AUDIO.*)$/gm, (line) => `${line},CHANNELS="2"\n${six(line)},CHANNELS="6"`)
        .replace(/^#EXT-X-STREAM-INF:BANDWIDTH=(\d+)(.*)\n(p\d.m3u8)$/gm, (pair, rate, rest, uri) =>
            `${pair}\n${six(`#EXT-X-STREAM-INF:BANDWIDTH=${Number(rate) + 200000}${rest}`)}\n${uri}`);
}

/** The answer to /media/TOKEN/VIDEO/VERSION/FILE. A video that still grows has its first size only, as far as it is. */
export function media(dir, file, video) {
    const growing = video.state !== "ready";
    if (TEXTS[file] && !growing)
        return { body: Buffer.from(TEXTS[file]), type: TYPES[file.split(".").pop()], growing: false };
    const path = join(dir, file === "preview.m3u8" ? "master.m3u8" : file.replace(/^e(\d)\.m3u8$/, "p$1.m3u8"));
    if (!/^[\w.]+$/.test(file) || !existsSync(path) || (file === "master.m3u8" && growing))
        return null;
    let body = readFileSync(path);
    if (file === "master.m3u8")
        body = withText(withSix(body.toString()));
    else if (file === "preview.m3u8")
        body = preview(body.toString());
    else if (file.startsWith("e"))
        body = grown(body.toString(), growing ? video.playable_until_ms / 1000 / SEGMENT : Infinity);
    return { body: Buffer.from(body), type: TYPES[file.split(".").pop()], growing: file.endsWith(".m3u8") && !file.startsWith("p") };
}

function preview(master) {
    const lines = master.split("\n");
    const at = lines.findIndex((l) => l.startsWith("#EXT-X-STREAM-INF"));
    const sound = lines.find((l) => l.startsWith("#EXT-X-MEDIA") && l.includes("p2.m3u8"));
    return ["#EXTM3U", "#EXT-X-VERSION:7", sound, lines[at], lines[at + 1], ""].join("\n").replace(/p(\d)\.m3u8/g, "e$1.m3u8");
}

function grown(playlist, segments) {
    const out = [];
    let n = 0;
    for (const line of playlist.replace("PLAYLIST-TYPE:VOD", "PLAYLIST-TYPE:EVENT").split("\n")) {
        if (line.startsWith("#EXTINF") && ++n > segments)
            return out.join("\n") + "\n";
        out.push(line);
    }
    return out.join("\n");
}
