// Just enough of tus 1.0: creation, HEAD, PATCH, DELETE. It keeps a hash of what came, not the bytes.
import { createHash } from "node:crypto";
import { Refusal } from "./schema.mjs";
import { id } from "./state.mjs";

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
        const video = state.videos.get(meta.video_id);
        if (video?.owner_id !== who.id)
            throw new Refusal(404, "There is no such thing, or you may not see it.");
        const upload = { id: id("upload"), video, length: Number(req.headers["upload-length"]), offset: 0, hash: createHash("sha256") };
        state.uploads.set(upload.id, upload);
        Object.assign(video, { state: "uploading", upload: "receiving", declared_bytes: upload.length });
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
    try {
        for await (const piece of req) {
            if (req.socket.destroyed)
                break;
            upload.hash.update(piece);
            upload.offset += piece.length;
            upload.video.uploaded_bytes = upload.offset;
            if (state.patchDelayMs)
                await new Promise((then) => setTimeout(then, state.patchDelayMs));
        }
    } catch {
        // the connection broke: what came, came, and what is whole is whole
    } finally {
        upload.busy = false;
    }
    state.changed(upload.video);
    if (upload.offset === upload.length) {
        upload.sha256 = upload.hash.digest("hex");
        state.encode(upload.video);
    }
}
