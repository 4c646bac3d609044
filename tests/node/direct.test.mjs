// Parts that clients put straight into an S3 store: by fetch alone, and by Uppy's plugin with callbacks of a line each.
import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { before, test } from "node:test"
import AwsS3 from "@uppy/aws-s3"
import Uppy from "@uppy/core"
import { eventually } from "../harness/patience.mjs"

const URL_ = process.env.KINOBUS_URL
const PART = 5 << 20
let token, film

before(async () => {
    token = (await api("POST", "/api/v1/auth/login", { email: "admin@localhost", password: process.env.KINOBUS_PASSWORD })).access_token
    const clip = readFileSync(process.env.KINOBUS_CLIP), free = Buffer.alloc(2 * PART)
    free.writeUInt32BE(free.length)             // a box that says nothing, so that there are three parts of it
    free.write("free", 4)
    film = Buffer.concat([clip, free])
})

async function api(method, where, body, ...wanted) {
    const answer = await fetch(URL_ + where, { method, body: body && JSON.stringify(body),
        headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) } })
    const text = await answer.text()
    if (wanted.length ? !wanted.includes(answer.status) : !answer.ok)
        assert.fail(`${method} ${where}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
}

const urls = async (id, numbers) => (await api("POST", `/api/v1/direct-uploads/${id}/parts`, { numbers })).items
const put = (url, body) => fetch(url, { method: "PUT", body })

/** It plays, no byte of its original lies here, and what is deleted leaves the store. */
async function played(video) {
    await eventually(async () => (await api("GET", `/api/v1/videos/${video}`)).state === "ready", "it is ready")
    assert.equal(existsSync(path.join(process.env.KINOBUS_STATE, "blobs", "raw", video)), false)
    const stream = await fetch(`${URL_}/api/v1/videos/stream/${video}`, { headers: { Authorization: `Bearer ${token}` } })
    assert.match(await stream.text(), /^#EXTM3U/)
    await api("DELETE", `/api/v1/videos/${video}?now=true`)
    await eventually(async () => (await fetch(`${URL_}/api/v1/videos/${video}/why`, { headers: { Authorization: `Bearer ${token}` } })).status === 404, "it is gone")
}

test("by fetch", async () => {
    const upload = await api("POST", "/api/v1/direct-uploads", { length: film.length, filename: "By fetch.mp4", part_size: PART })
    assert.equal(upload.parts, 3)
    const part = n => film.subarray((n - 1) * PART, n * PART)
    const parts = await Promise.all((await urls(upload.id, [1, 2, 3])).map(async ({ number, url, size }) => {
        assert.equal(size, part(number).length)
        const answer = await put(url, part(number))
        assert.equal(answer.status, 200, await answer.text())
        return { number, etag: answer.headers.get("ETag") }
    }))
    if (process.env.KINOBUS_LISTS) {
        const { there, next } = await api("GET", `/api/v1/direct-uploads/${upload.id}`)
        assert.deepEqual(there.map(({ number, etag }) => ({ number, etag })), parts)
        assert.equal(next ?? 0, 0)
    }
    await api("POST", `/api/v1/direct-uploads/${upload.id}/complete`, { parts: parts.slice(1) }, 400)
    assert.equal((await api("POST", `/api/v1/direct-uploads/${upload.id}/complete`, { parts })).upload, "complete")
    await played(upload.video_id)
})

/** Uppy, as a page would have it; `lost` is how many of its PUTs break off. */
function uppy(lost = 0, seen = {}) {
    const client = new Uppy()
    client.use(AwsS3, {
        shouldUseMultipart: true, getChunkSize: () => PART, retryDelays: [10, 10, 10],
        async createMultipartUpload(file) {
            const upload = await api("POST", "/api/v1/direct-uploads", { length: file.size, filename: file.name, part_size: PART })
            Object.assign(seen, upload)
            return { uploadId: upload.id, key: upload.video_id }
        },
        signPart: async (file, { uploadId, partNumber }) => (await urls(uploadId, [partNumber]))[0],
        async uploadPartBytes({ signature, body, size, onProgress, onComplete, signal }) {
            if (lost-- > 0)
                throw Object.assign(new Error("the network broke"), { source: { status: 0 } })
            const answer = await fetch(signature.url, { method: "PUT", body, signal })
            if (!answer.ok)
                throw Object.assign(new Error("refused"), { source: answer })
            seen.put = (seen.put ?? 0) + 1
            client.emit("test:part")
            onProgress({ loaded: size, lengthComputable: true })
            onComplete(answer.headers.get("ETag"))
            return { ETag: answer.headers.get("ETag") }
        },
        listParts: async (file, { uploadId }) => (await api("GET", `/api/v1/direct-uploads/${uploadId}`)).there
            .map(part => ({ PartNumber: part.number, Size: part.size, ETag: part.etag })),
        completeMultipartUpload: async (file, { uploadId, parts }) => ({ location: (await api("POST", `/api/v1/direct-uploads/${uploadId}/complete`,
            { parts: parts.map(part => ({ number: part.PartNumber, etag: part.ETag })) })).id }),
        abortMultipartUpload: (file, { uploadId }) => api("DELETE", `/api/v1/direct-uploads/${uploadId}`),
    })
    client.addFile({ name: "By Uppy.mp4", type: "video/mp4", data: new Blob([film]) })
    return client
}

test("by Uppy, over a network that breaks", async () => {
    const seen = {}
    const { successful, failed } = await uppy(2, seen).upload()
    assert.deepEqual(failed, [])
    assert.equal(seen.put, 3)
    assert.equal(successful[0].response.uploadURL, seen.video_id)
    await played(seen.video_id)
})

test("Uppy gives up, and nothing is left", async () => {
    const seen = {}, client = uppy(0, seen)
    client.on("test:part", () => client.cancelAll())
    await client.upload()
    await eventually(async () => (await fetch(`${URL_}/api/v1/direct-uploads/${seen.id}`, { headers: { Authorization: `Bearer ${token}` } })).status === 404, "it is given up")
    await api("DELETE", `/api/v1/videos/${seen.video_id}?now=true`)
    await eventually(async () => (await fetch(`${URL_}/api/v1/videos/${seen.video_id}/why`, { headers: { Authorization: `Bearer ${token}` } })).status === 404, "it is gone")
})
