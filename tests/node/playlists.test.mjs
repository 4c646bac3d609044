// What three parsers that are not ours make of presentations: they read every playlist without a complaint, and see the
// same variants, renditions and segments in HLS and in DASH. KINOBUS_PRESENTATIONS names folders, with colons between.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { test } from "node:test";
import * as HLS from "hls-parser";
import { Parser } from "m3u8-parser";
import { parse as parseMpd } from "mpd-parser";

const { parse, setOptions } = HLS.default ?? HLS;
setOptions({ strictMode: true });

function m3u8(text) {
    const parser = new Parser(), complaints = [];
    parser.on("warn", e => complaints.push(e.message));
    parser.on("error", e => complaints.push(e.message));
    parser.push(text);
    parser.end();
    assert.deepEqual(complaints, []);
    return parser.manifest;
}

const round = seconds => Math.round(seconds * 1000) / 1000;

/** A media playlist as both parsers of HLS see it: [[uri, seconds], ...], uris from the presentation's folder. */
function mediaPlaylist(folder, uri) {
    const text = readFileSync(join(folder, uri), "utf8"), strict = parse(text), loose = m3u8(text);
    const from = (list, length) => list.map(s => [posix.join(posix.dirname(uri), s.uri), round(s[length])]);
    const seen = from(strict.segments, "duration");
    assert.ok(seen.length > 0);
    assert.deepEqual(from(loose.segments, "duration"), seen);
    assert.deepEqual([strict.targetDuration, strict.playlistType, strict.endlist], [loose.targetDuration, loose.playlistType, true]);
    for (const [name] of seen)
        assert.ok(existsSync(join(folder, name)), name);
    return seen;
}

/** The multivariant playlist as both see it: the variants and the sounds, each with its segments. */
function multivariant(folder) {
    const text = readFileSync(join(folder, "master.m3u8"), "utf8"), strict = parse(text), loose = m3u8(text);
    const variants = strict.variants.filter(v => !v.isIFrameOnly);
    const size = r => r ? `${r.width}x${r.height}` : "";
    assert.deepEqual(loose.playlists.map(v => [v.uri, v.attributes.BANDWIDTH, v.attributes.CODECS, size(v.attributes.RESOLUTION)]),
        variants.map(v => [v.uri, v.bandwidth, v.codecs, size(v.resolution)]));
    const sounds = new Map(variants.flatMap(v => v.audio ?? []).filter(a => a.uri).map(a => [a.uri, a]));
    const inGroups = Object.values(loose.mediaGroups.AUDIO).flatMap(group => Object.entries(group)).filter(([, a]) => a.uri);
    const groups = new Map(inGroups.map(([name, a]) => [a.uri, [a.uri, name, a.language]]));      // what has no more channels is in both
    assert.deepEqual([...groups.values()].sort(), [...sounds.values()].map(a => [a.uri, a.name, a.language]).sort());
    const languages = Object.values(loose.mediaGroups.AUDIO).map(group => Object.values(group).map(a => a.language).sort());
    for (const group of languages)
        assert.deepEqual(group, languages[0]);          // whichever a player takes, no language lacks
    for (const iframes of strict.variants.filter(v => v.isIFrameOnly))
        assert.ok(parse(readFileSync(join(folder, iframes.uri), "utf8")).isIFrame);
    return {
        groups: languages.length,
        pictures: [...new Map(variants.filter(v => v.resolution).map(v => [v.uri, v])).values()]     // with each group of sounds
            .map(v => [size(v.resolution), mediaPlaylist(folder, v.uri)]),
        sounds: (sounds.size ? [...sounds.keys()] : variants.filter(v => !v.resolution).map(v => v.uri)).map(uri => mediaPlaylist(folder, uri)),
    };
}

function mpd(folder) {
    const complaints = [], base = "http://presentation.test/";
    const seen = parseMpd(readFileSync(join(folder, "manifest.mpd"), "utf8"), {
        manifestUri: base + "manifest.mpd", eventHandler: e => complaints.push(e) });
    assert.deepEqual(complaints, []);
    const segments = playlist => playlist.segments.map(s => [s.resolvedUri.replace(base, ""), round(s.duration)]);
    const groups = Object.values(seen.mediaGroups.AUDIO.audio ?? {}).flatMap(group => group.playlists);
    return {
        pictures: seen.playlists.filter(p => p.attributes.RESOLUTION).map(p => [`${p.attributes.RESOLUTION.width}x${p.attributes.RESOLUTION.height}`, segments(p)]),
        sounds: (groups.length ? groups : seen.playlists.filter(p => !p.attributes.RESOLUTION)).map(segments),
    };
}

const inOrder = ({ pictures, sounds }) => ({ pictures: [...pictures].sort(), sounds: [...sounds].sort() });

const folders = process.env.KINOBUS_PRESENTATIONS.split(":");

test("sounds in six channels are a second group", () => assert.equal(Math.max(...folders.map(f => multivariant(f).groups)), 2));
for (const folder of folders)
    test(`HLS and DASH of ${posix.basename(dirname(folder))} are read alike`, () => {
        const hls = multivariant(folder);
        assert.ok(hls.pictures.length + hls.sounds.length > 0);
        assert.deepEqual(inOrder(mpd(folder)), inOrder(hls));
    });
