// One function per call of the schemas that the app makes: (state, who, ask) -> reply. Refusals are thrown.
import { Refusal } from "./schema.mjs";
import { id } from "./state.mjs";

const mediaPath = (state, video, file) => `/media/${state.right}/${video.id}/${video.version}/${file}`;

function seen(state, who, videoId) {
    const video = state.videos.get(videoId);
    if (!video || (video.visibility === "private" && video.owner_id !== who?.id) || (video.life !== "live" && video.owner_id !== who?.id))
        throw new Refusal(404, "There is no such thing, or you may not see it.");
    return video;
}

function own(state, who, videoId) {
    const video = seen(state, who, videoId);
    if (video.owner_id !== who?.id)
        throw new Refusal(403, "You may not do that.");
    return video;
}

function page(items, ask, limit) {
    const from = Number(ask.cursor || 0);
    const to = from + (ask.limit ?? limit);
    return { items: items.slice(from, to), next: to < items.length ? String(to) : "" };
}

/** Of a map from user/video, what is the caller's. */
function ownList(state, who, ask, limit, rows, wanted = () => true) {
    const mine = [...rows].filter(([key, row]) => key.startsWith(who.id) && wanted(row))
        .map(([key, row]) => [state.videos.get(key.split("/")[1]), row]).filter(([v]) => v?.life === "live");
    return page(mine.map(([v, row]) => ({ video_id: v.id, title: v.title, ...row, poster_url: mediaPath(state, v, "poster0.jpg") })), ask, limit);
}

function account(state, email) {
    return [...state.users.values()].find((u) => u.user.email === email.toLowerCase());
}

const words = (text) => text.toLowerCase().split(/\W+/).filter(Boolean);

export const handlers = {
    register_user(state, who, { email, password, name }) {
        if (account(state, email))
            throw new Refusal(409, "The state of things does not allow it.", [{ field: "email", message: "This address has an account already." }]);
        return { ...state.user(email.toLowerCase(), name, "creator", password), verified: false };
    },
    login(state, who, { email, password, web, client }) {
        const found = account(state, email);
        if (found?.password !== password)
            throw new Refusal(401, "Who you are is not proved.");
        return { user: found.user, ...(web ? { session: state.signIn(found.user, client) } : {}) };
    },
    logout(state, who, { everywhere }, session) {
        for (const [key, user] of state.sessions)
            if (key === session || (everywhere && user === who.id))
                state.sessions.delete(key);
        return { session: "" };
    },
    verify_email(state, who, { token }) {
        if (token !== "a-token-of-enough-length")
            throw new Refusal(410, "It was there and is no more.");
        return [...state.users.values()][0].user;
    },
    get_me: (state, who) => who,
    update_user(state, who, { id: of, ...to }) {
        if (of !== who.id && who.role !== "admin")
            throw new Refusal(403, "You may not do that.");
        return Object.assign(state.users.get(of).user, to);
    },
    list_users: (state, who, ask) => page([...state.users.values()].map((u) => u.user), ask, 50),
    list_sessions: (state, who, ask, session) => page([...state.sessions].filter(([, user]) => user === who.id)
        .map(([key]) => ({ ...state.devices.get(key), current: key === session })), ask, 50),
    end_session(state, who, ask) {
        const found = [...state.devices].find(([key, d]) => d.id === ask.id && state.sessions.get(key) === who.id);
        if (!found)
            throw new Refusal(404, "There is no such thing, or you may not see it.");
        state.sessions.delete(found[0]);
    },
    change_password(state, who, ask) {
        const kept = state.users.get(who.id);
        if (ask.old_password !== kept.password)
            throw new Refusal(403, "You may not do that.");
        kept.password = ask.password;
        return { user: kept.user };
    },
    list_videos(state, who, ask) {
        const listed = state.listed().filter((v) => ask.mine
            ? v.owner_id === who?.id && (v.life === "trashed") === !!ask.trashed
            : v.visibility === "public" && v.life === "live" && v.playable_until_ms > 0);
        return page(listed, ask, 24);
    },
    get_video: (state, who, ask) => seen(state, who, ask.id),
    next_up(state, who, ask) {
        const of = seen(state, who, ask.id);
        const next = state.listed().find((v) => v.id !== of.id && v.visibility === "public" && v.life === "live" && v.state === "ready");
        return next ? { video: shown(next) } : {};
    },
    create_video: (state, who, ask) => state.video(who, ask),
    import_video(state, who, { url, visibility }) {
        const address = URL.canParse(url) ? new URL(url) : undefined;
        if (!/^https?:$/.test(address?.protocol))
            throw new Refusal(400, "The request does not fit its schema.", [{ field: "url", message: "must begin with http:// or https://" }]);
        const video = state.video(who, { title: `Import from ${address.host}`, visibility, imported: true });
        state.fetch(video, address.pathname.slice(1));
        return shown(video);
    },
    update_video(state, who, { id: of, if_rev, restore, ...to }) {
        const video = own(state, who, of);
        if (if_rev !== undefined && if_rev !== video.rev)
            throw new Refusal(412, "It has changed since you read it.");
        if (restore)
            Object.assign(video, { life: "live", state: video.before });
        Object.assign(video, to);
        video.rev++;
        return shown(video);
    },
    delete_video(state, who, ask) {
        const video = own(state, who, ask.id);
        if (ask.now)
            state.videos.delete(video.id);
        Object.assign(video, { before: video.state, life: "trashed", state: "trashed" });
    },
    why(state, who, ask) {
        const video = own(state, who, ask.id);
        return { state: video.state, sentence: video.reason ?? "Nothing stands in its way.", parts: [
            { what: "upload", state: video.upload, who: "front", since: video.created_at, attempts: 1 },
            { what: "media", state: video.media, who: "transcode", since: video.created_at, attempts: 3, detail: video.reason ? "decode: moov atom not found\nrun 0 of 360p: gave up after three tries" : "" }] };
    },
    retry_video(state, who, ask) {
        const video = own(state, who, ask.id);
        if (video.state !== "failed")
            throw new Refusal(409, "The state of things does not allow it.");
        if (video.virus === "infected") {       // it stays as it is until the scanner has said more
            video.virus = "waiting";
            video.rev++;
            return video;
        }
        delete video.reason;
        state.encode(video);
        return video;
    },
    start_playback(state, who, ask) {
        const video = seen(state, who, ask.id);
        if (!video.playable_until_ms)
            throw new Refusal(409, "Nothing of it can be watched yet.");
        const refusals = state.refusals.get(video.id) ?? [];
        if (refusals.length && video.owner_id !== who?.id)
            throw new Refusal(!who && refusals.some((r) => r.rule === "age") ? 401 : 403, "You may not do that.", [], refusals);
        const final = video.state === "ready";
        return { others_meet: refusals, ...(state.renewAfterMs === undefined ? {} : { renew_after_ms: state.renewAfterMs }), session_id: id("play"), video_id: video.id, hls_url: mediaPath(state, video, final ? "master.m3u8" : "preview.m3u8"), dash_url: "",
            poster_url: mediaPath(state, video, "poster0.jpg"), final, duration_ms: video.duration_ms, playable_until_ms: video.playable_until_ms,
            resume_ms: state.progress.get(`${who?.id}/${video.id}`)?.position_ms ?? 0, expires_at: new Date(Date.now() + 3.6e6).toISOString(), tracks: [],
            kept: state.kept.has(`${who?.id}/${video.id}`), storyboard_url: final ? mediaPath(state, video, "storyboard.vtt") : "",
            chapters: [{ start_ms: 0, title: "Flour" }, { start_ms: 12_000, title: "Water & salt" }] };
    },
    report_playback: (state, who, ask) => void state.reports.push(ask),
    video_quality(state, who, ask) {
        own(state, who, ask.id);
        return state.figures;
    },
    save_progress(state, who, { id: of, ...at }) {
        state.progress.set(`${who.id}/${of}`, { ...at, updated_at: new Date().toISOString() });
    },
    continue_watching: (state, who, ask) => ownList(state, who, ask, 12, state.progress, (p) => p.position_ms < 0.95 * p.duration_ms),
    watch_history: (state, who, ask) => ownList(state, who, ask, 24, state.progress),
    forget_watched: (state, who, ask) => void state.progress.delete(`${who.id}/${ask.id}`),
    forget_history(state, who) {
        const mine = [...state.progress.keys()].filter((key) => key.startsWith(who.id));
        mine.slice(0, 2).forEach((key) => state.progress.delete(key));
        return { forgotten: Math.min(2, mine.length), more: mine.length > 2 };
    },
    watchlist: (state, who, ask) => ownList(state, who, ask, 24, state.kept),
    keep_for_later(state, who, ask) {
        seen(state, who, ask.id);
        state.kept.set(`${who.id}/${ask.id}`, { updated_at: new Date().toISOString(), duration_ms: state.videos.get(ask.id).duration_ms });
    },
    drop_from_watchlist: (state, who, ask) => void state.kept.delete(`${who.id}/${ask.id}`),
    posters(state, who, ask) {
        const video = seen(state, who, ask.id);
        if (!video.has_poster)
            throw new Refusal(404, "There is no such thing, or you may not see it.");
        return { url: mediaPath(state, video, `poster${(video.title.length + (video.poster ?? 0)) % 6}.jpg`), storyboard_url: video.state === "ready" ? mediaPath(state, video, "storyboard.vtt") : "" };
    },
    choose_poster(state, who, ask) {
        const video = own(state, who, ask.id);
        setTimeout(() => Object.assign(video, { poster: (video.poster ?? 1) + 1, rev: video.rev + 1 }), 300).unref();
        video.rev++;
        state.posterAt = ask.at_ms;
        return shown(video);
    },
    list_downloads(state, who, ask) {
        const video = seen(state, who, ask.id);
        if (video.owner_id !== who?.id && !video.allow_download)
            throw new Refusal(403, "You may not do that.");
        return { items: [["English", "en"], ["German", "de"]].flatMap(([sound, language]) => [360, 180].map((height) => {
            const filename = `${video.title} (${height}p, ${language}).mp4`;
            return { url: mediaPath(state, video, `dl/h264-${height}/aac-${language}-0/${encodeURIComponent(filename)}`), filename,
                width: height * 16 / 9, height, sound, language };
        })) };
    },
    search(state, who, ask) {
        const wanted = words(ask.q);
        const hits = state.listed().filter((v) => v.visibility === "public" && v.life === "live" && wanted.every((w, i) =>
            words([v.title, ...v.tags, ...v.people.map((p) => p.name)].join(" ")).some((had) => (i === wanted.length - 1 ? had.startsWith(w) : had === w))));
        return { ...page(hits.map((v) => ({ video_id: v.id, title: v.title, description: v.description, owner_name: v.owner_name,
            duration_ms: v.duration_ms, created_at: v.created_at, score: 1, state: v.state })), ask, 20), total: hits.length };
    },
    suggest(state, who, ask) {
        const q = ask.q.toLowerCase();
        return { items: [...new Set(state.listed().filter((v) => v.visibility === "public").map((v) => v.title))]
            .filter((t) => words(t).some((w) => w.startsWith(q)) || t.toLowerCase().startsWith(q)).slice(0, ask.limit ?? 8) };
    },
    list_notifications(state, who, ask) {
        const notes = state.notes.filter((n) => n.user_id === who.id);
        return { ...page(notes, ask, 20), unread: notes.filter((n) => !n.read).length };
    },
    mark_read(state, who) {
        state.notes.filter((n) => n.user_id === who.id).forEach((n) => (n.read = true));
    },
};

/** A video without what the stand-in keeps for itself. */
export function shown(video) {
    const { before: _, ...rest } = video;
    return rest;
}
