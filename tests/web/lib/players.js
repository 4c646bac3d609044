// Runs in a page: players that people use, behind one face. PLAYERS[name](video, url, complain) answers, once it knows what there is,
// { heights(), height(h), languages(), language(l) }; what is wrong with the files is told to complain.
globalThis.PLAYERS = {
    async "hls.js"(video, url, complain) {
        const hls = new globalThis.Hls();
        // a slow machine stalls without the files' fault
        hls.on("hlsError", (_, e) => e.details === "bufferStalledError" || complain(`${e.type} ${e.details} ${e.error ?? e.reason ?? ""}`));
        const known = new Promise((then) => hls.once("hlsManifestParsed", then));
        hls.loadSource(url);
        hls.attachMedia(video);
        await known;
        return {
            heights: () => hls.levels.map((level) => level.height),
            height: (h) => { hls.currentLevel = hls.levels.findIndex((level) => level.height === h); },
            languages: () => hls.allAudioTracks.map((track) => track.lang),
            language: (l) => { hls.audioTrack = hls.audioTracks.findIndex((track) => track.lang === l); },
        };
    },

    async shaka(video, url, complain) {
        const player = new globalThis.shaka.Player();
        player.addEventListener("error", ({ detail }) => complain(`${detail.code} ${detail.message}`));
        await player.attach(video);
        player.configure({ abr: { enabled: false } });
        await player.load(url);
        return {
            heights: () => player.getVideoTracks().map((track) => track.height),
            height: (h) => player.selectVideoTrack(player.getVideoTracks().find((track) => track.height === h), true),
            languages: () => player.getAudioTracks().map((track) => track.language),
            language: (l) => player.selectAudioTrack(player.getAudioTracks().find((track) => track.language === l)),
        };
    },

    async "dash.js"(video, url, complain) {
        const player = globalThis.dashjs.MediaPlayer().create();
        // Nothing is kept behind a seek: where it keeps sound that ends in a hole, dash.js 5.2.1 takes that as complete when it is sent back,
        // never fetches what is missing, and jumps there, or, once it was sent to another size, stands still for ever.
        player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } }, buffer: { fastSwitchEnabled: true, bufferToKeep: 0 } } });
        player.on("error", ({ error }) => complain(`${error.code} ${error.message}`));
        const known = new Promise((then) => player.on("streamInitialized", then));
        player.initialize(video, url, true);
        await known;
        return {
            heights: () => player.getRepresentationsByType("video").map((r) => r.height),
            height: (h) => player.setRepresentationForTypeById("video", player.getRepresentationsByType("video").find((r) => r.height === h).id, true),
            languages: () => player.getTracksFor("audio").map((track) => track.lang),
            language: (l) => player.setCurrentTrack(player.getTracksFor("audio").find((track) => track.lang === l)),
        };
    },

    async "video.js"(video, url, complain) {
        const player = globalThis.videojs(video, { autoplay: true, muted: false,
            html5: { vhs: { overrideNative: true }, nativeAudioTracks: false, nativeVideoTracks: false } });
        player.on("error", () => complain(`${player.error().code} ${player.error().message}`));
        player.src({ src: url, type: url.endsWith(".mpd") ? "application/dash+xml" : "application/vnd.apple.mpegurl" });
        await new Promise((then) => player.one("loadedmetadata", then));
        const vhs = player.tech({ IWillNotUseThisInPlugins: true }).vhs;
        const sizes = () => vhs.playlists.main.playlists.map((playlist) => ({ playlist, height: playlist.attributes.RESOLUTION.height }));
        const tracks = () => Array.from({ length: player.audioTracks().length }, (_, i) => player.audioTracks()[i]);
        return {
            heights: () => sizes().map((r) => r.height),
            height(h) {             // representations() would choose once more with each that is disabled
                vhs.selectPlaylist = () => sizes().find((size) => size.height === h).playlist;
                vhs.playlistController_.fastQualityChange_();
            },
            languages: () => tracks().map((track) => track.language),
            language: (l) => { tracks().find((track) => track.language === l).enabled = true; },
        };
    },
};

/** No player: a file, by what the browser itself can. */
globalThis.PLAYERS.native = async (video, url, complain) => {
    video.addEventListener("error", () => complain(`${video.error.code} ${video.error.message}`));
    video.src = url;
    return { heights: () => [video.videoHeight] };
};

/** The loudest tone that can be heard, in Hz. */
globalThis.listen = (video) => {
    const context = new AudioContext(), ear = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    const bins = new Float32Array(ear.frequencyBinCount);
    context.createMediaElementSource(video).connect(ear).connect(context.destination);
    return () => {
        ear.getFloatFrequencyData(bins);
        const best = bins.indexOf(Math.max(...bins));
        return bins[best] > -60 ? best * context.sampleRate / ear.fftSize : 0;
    };
};
