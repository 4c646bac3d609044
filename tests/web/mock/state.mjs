// What the stand-in server knows: some accounts, some videos, and how a video comes to be.
import { createHash, randomBytes } from "node:crypto";
import { SECONDS, SEGMENT } from "./media.mjs";
import { checkTold } from "./schema.mjs";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
let minted = 0;

export function id(kind) {
    const order = (++minted).toString(32).padStart(6, "0").split("").map((c) => ALPHABET[parseInt(c, 32)]).join("");
    const noise = createHash("sha256").update(`${kind}${minted}`).digest();
    return `${kind}_01k${order}${[...noise.subarray(0, 17)].map((b) => ALPHABET[b & 31]).join("")}`;
}

const TITLES = ["Night bus through the old town", "How bread rises", "A walk along the tide line", "Repairing a pocket watch", "Choir rehearsal, second part",
    "The long way up the mountain", "Tram 4, driver's view", "Ferns and their spores", "Letterpress for beginners", "Thunder over the lake"];
const PART_MS = SEGMENT * 1000;
export const LOOK_MS = 20;          // how often what stopped looks whether it may go on

export class State {
    constructor() {
        this.users = new Map();
        this.sessions = new Map();
        this.devices = new Map();           // session -> what its owner is told of it
        this.videos = new Map();
        this.uploads = new Map();
        this.progress = new Map();          // user/video -> {position_ms, ...}
        this.figures = { views: 0, tried: 0, failed: 0, played_ms: 0, stalls: 0, switches: 0, days: [] };
        this.reports = [];                  // of players
        this.kept = new Map();              // user/video -> when
        this.right = "token0";              // in the addresses of media that are handed out
        this.refusedRights = new Set();
        this.renewAfterMs = undefined;
        this.refusals = new Map();          // video -> the rules that do not let others than its owner watch it
        this.notes = [];
        this.streams = new Set();           // open event streams: {user, write}
        this.partMs = 350;                  // what one part of an encoding takes
        // What goes on by itself stops here until a test has seen what it is to see; it waits however slow the machine is.
        this.parts = Infinity;              // of an encoding
        this.bytes = Infinity;              // of a file that comes
        this.held = [];                     // RegExps of "METHOD path": requests that are not answered while one fits
        this.faults = [];                   // {match: RegExp of "METHOD path", status, times}
        this.asked = [];                    // every request: "METHOD path"
        this.eventsOff = false;
        this.seed();
    }

    user(email, name, role, password) {
        const user = { id: id("user"), rev: 1, email, name, role, verified: true, disabled: false, created_at: new Date().toISOString() };
        this.users.set(user.id, { user, password });
        return user;
    }

    video(owner, more) {
        const video = {
            id: id("video"), rev: 1, owner_id: owner.id, owner_name: owner.name, title: "Untitled", description: "", tags: [], people: [], language: "",
            visibility: "private", state: "waiting", upload: "waiting", media: "none", release: "published", life: "live",
            created_at: new Date().toISOString(), duration_ms: 0, playable_until_ms: 0, uploaded_bytes: 0, declared_bytes: 0, runs_total: 0,
            runs_done: 0, width: 0, height: 0, version: 0, damaged: false, has_poster: false, ...more,
        };
        this.videos.set(video.id, video);
        return video;
    }

    seed() {
        const alice = this.user("alice@example.org", "Alice Auerbach", "creator", "a tram at night");
        this.user("ada@example.org", "Ada", "admin", "a tram at night");
        this.user("vera@example.org", "Vera", "viewer", "a tram at night");
        const ready = { state: "ready", upload: "complete", media: "ready", version: 1, duration_ms: SECONDS * 1000, has_poster: true, width: 640, height: 360,
            playable_until_ms: SECONDS * 1000, runs_total: 12, runs_done: 12, visibility: "public" };
        for (let i = 29; i >= 0; i--)
            this.video(alice, { ...ready, title: TITLES[i % 10] + (i >= 10 ? `, part ${1 + Math.floor(i / 10)}` : ""),
                created_at: new Date(Date.now() - (i + 1) * 7_200_000).toISOString(), tags: ["city", "night"], description: "Filmed from the front seat.\nNo music, only the street.",
                people: [{ name: "Ida Ruiz", role: "camera" }, { name: "Tom Okafor", role: "sound" }] });
        this.video(alice, { title: "Broken tape", state: "failed", upload: "complete", media: "failed", declared_bytes: 9_000_000, uploaded_bytes: 9_000_000,
            reason: "The file ends in the middle of its only picture. Upload it again from the camera." });
        const first = this.titled(TITLES[0]);
        this.progress.set(`${alice.id}/${first.id}`, { position_ms: 9000, duration_ms: SECONDS * 1000, updated_at: new Date().toISOString() });
        this.note(alice, { kind: "video_ready", title: "“How bread rises” can be watched", body: "All of its qualities are there.", video_id: first.id });
    }

    /** Everybody's videos, newest first. */
    listed() {
        return [...this.videos.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    }

    titled(title) {
        return this.listed().find((v) => v.title === title);
    }

    tell(event, type, value, to) {
        checkTold(type, value);
        for (const stream of this.streams)
            if (!to || stream.user.id === to)
                stream.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
    }

    note(user, more) {
        const note = { id: id("note"), user_id: user.id, created_at: new Date().toISOString(), read: false, ...more };
        this.notes.unshift(note);
        this.tell("notification", "notification", note, user.id);
    }

    changed(video) {
        video.rev++;
        const { id: video_id, owner_id, state, uploaded_bytes, declared_bytes, runs_done, runs_total, playable_until_ms, duration_ms, left_ms, rev } = video;
        this.tell("video_progress", "video_progress",
            { video_id, owner_id, state, uploaded_bytes, declared_bytes, runs_done, runs_total, playable_until_ms, duration_ms, left_ms, rev }, owner_id);
    }

    /** As the platform gets a file by itself: of one called absent nothing comes. */
    fetch(video, name) {
        const step = () => {
            if (!this.videos.has(video.id))
                return;
            if (video.uploaded_bytes >= this.bytes)
                return void setTimeout(step, LOOK_MS).unref();
            if (name.startsWith("absent"))
                Object.assign(video, { state: "failed", media: "failed", reason: "The server answered 404: it has no such file." });
            else if (video.uploaded_bytes < 1_000_000)
                Object.assign(video, { state: "uploading", upload: "receiving", title: name.replace(/\.\w+$/, ""), declared_bytes: 1_000_000, uploaded_bytes: video.uploaded_bytes + 250_000 });
            else
                return this.encode(video);
            this.changed(video);
            if (video.state !== "failed")
                setTimeout(step, this.partMs).unref();
        };
        setTimeout(step, this.partMs).unref();
    }

    /** The bytes are there: from here it goes by itself, a part at a time. */
    encode(video) {
        const total = SECONDS / SEGMENT;
        Object.assign(video, { state: "processing", upload: "complete", media: "processing", duration_ms: SECONDS * 1000, runs_total: total, version: 1 });
        this.changed(video);
        const step = () => {
            if (video.life !== "live")
                return;
            if (video.runs_done >= this.parts)
                return void setTimeout(step, LOOK_MS).unref();
            video.runs_done++;
            video.left_ms = (total - video.runs_done) * 1000;
            Object.assign(video, { state: "playable", playable_until_ms: video.runs_done * PART_MS, has_poster: true });
            if (video.runs_done === total)
                Object.assign(video, { state: "ready", media: "ready", width: 640, height: 360 });
            this.changed(video);
            if (video.state === "ready")
                this.note(this.users.get(video.owner_id).user, { kind: "video_ready", title: `“${video.title}” is ready`, video_id: video.id });
            else
                setTimeout(step, this.partMs).unref();
        };
        setTimeout(step, this.partMs).unref();
    }

    signIn(user, client = "") {
        const session = randomBytes(24).toString("base64url");
        this.sessions.set(session, user.id);
        this.devices.set(session, { id: id("session"), kind: "web", client, from: "127.0.0.1", created_at: new Date().toISOString() });
        return session;
    }
}
