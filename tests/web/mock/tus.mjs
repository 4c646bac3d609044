// Just enough of tus 1.0: creation, HEAD, PATCH, DELETE, and concatenation of what was sent first with what was sent then. It
// keeps a hash of what came; of parts the bytes.
import { createHash } from "node:crypto";
import { Refusal } from "./schema.mjs";
import { LOOK_MS, id } from "./state.mjs";

const VERSION = { "Tus-Resumable": "1.0.0" };

function metadata(header) {
    return Object.fromEntries((header ?? "").split(",").filter(Boolean).map((pair) => {
        const [key, value = ""] = pair.trim().split(" ");
        return [key, Buffer.from(value, "base64").toString()];
    }));
}

export async function tus(state, who, req, res) {
    if (req.headers["tus-resumable"] !== "1.0.0")
        throw new Refusal(412, "It has changed since you read it.");
    if (req.method === "POST") {
        const meta = metadata(req.headers["upload-metadata"]);
        const video = state.videos.get(req.headers["upload-video"] ?? meta.video_id);
        const concat = req.headers["upload-concat"] ?? "";
        if (video?.owner_id !== who.id)
            throw new Refusal(404, "There is no such thing, or you may not see it.");
        if (concat.startsWith("final;"))
            return join(state, video, concat.slice(6).split(" "), res);
        const upload = { id: id("upload"), video, length: Number(req.headers["upload-length"]), offset: 0, hash: createHash("sha256"),
            ...(concat === "partial" ? { at: Number(req.headers["upload-at"]), pieces: [] } : {}) };
        state.uploads.set(upload.id, upload);
        Object.assign(video, { state: "uploading", upload: "receiving", declared_bytes: Number(req.headers["upload-total"] ?? upload.length) });
        state.changed(video);
        res.writeHead(201, { ...VERSION, Location: `/api/v1/uploads/${upload.id}`, "Kinobus-Video": video.id }).end();
        return;
    }
    const upload = state.uploads.get(req.url.split("/").pop());
    if (upload?.video.owner_id !== who.id)
        throw new Refusal(404, "There is no such thing, or you may not see it.");
    if (req.method === "HEAD") {
        res.writeHead(200, { ...VERSION, "Upload-Offset": upload.offset, "Upload-Length": upload.length, "Cache-Control": "no-store" }).end();
    } else if (req.method === "DELETE") {
        state.uploads.delete(upload.id);
        res.writeHead(204, VERSION).end();
    } else {
        await patch(state, upload, req);
        if (!res.destroyed)
            res.writeHead(204, { ...VERSION, "Upload-Offset": upload.offset }).end();
    }
}

async function patch(state, upload, req) {
    if (Number(req.headers["upload-offset"]) !== upload.offset)
        throw new Refusal(409, "The state of things does not allow it.");
    if (upload.busy)
        throw new Refusal(423, "Somebody else is writing to it.");
    upload.busy = true;
    const came = [];                // all is read, or it would not be seen that the connection ends; what is not taken by then is lost
    const take = () => {
        while (came.length && upload.offset < state.bytes) {
            const piece = came.shift();
            upload.hash.update(piece);
            upload.pieces?.push(piece);
            upload.offset += piece.length;
            upload.video.uploaded_bytes = (upload.video.uploaded_bytes ?? 0) + piece.length;
        }
    };
    try {
        for await (const piece of req) {
            if (req.socket.destroyed)
                break;
            came.push(piece);
            take();
        }
        while (came.length && !req.socket.destroyed) {
            await new Promise((then) => setTimeout(then, LOOK_MS));
            take();
        }
    } catch {
        // the connection broke: what came, came, and what is whole is whole
    } finally {
        upload.busy = false;
    }
    state.changed(upload.video);
    if (upload.offset === upload.length) {
        upload.sha256 = upload.hash.digest("hex");
        const twin = [...state.uploads.values()].find((u) => u !== upload && u.sha256 === upload.sha256 && u.video.owner_id === upload.video.owner_id);
        if (twin)
            upload.video.same_as = twin.video.id;
        if (!upload.pieces)
            state.encode(upload.video);
    }
}

/** One upload of parts that lie where they said; they are in the list before it, in the order in which they came. */
function join(state, video, names, res) {
    const parts = names.map((name) => state.uploads.get(name.split("/").pop()));
    let at = 0;
    for (const part of parts) {
        if (part?.at !== at || part.offset !== part.length)
            throw new Refusal(409, "The state of things does not allow it.");
        at += part.length;
    }
    const hash = createHash("sha256");
    for (const part of parts)
        part.pieces.forEach((piece) => hash.update(piece));
    const whole = { id: id("upload"), video, length: at, offset: at, sha256: hash.digest("hex") };
    state.uploads.set(whole.id, whole);
    state.encode(video);
    res.writeHead(201, { ...VERSION, Location: `/api/v1/uploads/${whole.id}`, "Kinobus-Video": video.id }).end();
}
