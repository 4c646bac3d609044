// The clients that people upload with, against the real server; and the same script against a reference server of tus.
import assert from "node:assert/strict"
import { createHash, randomBytes } from "node:crypto"
import { createReadStream, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs"
import http from "node:http"
import net from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { Readable } from "node:stream"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { FileStore } from "@tus/file-store"
import { Server } from "@tus/server"
import * as tus from "tus-js-client"

const BYTES = "application/offset+octet-stream"
const sha256 = data => createHash("sha256").update(data).digest("hex")
const sites = []        // { name, url, headers, stored() -> hashes of all objects }
const closing = []

/** Hashes of all files below a folder; what else lies beside an object is named by `skip`. */
function hashes(folder, skip) {
    return readdirSync(folder, { recursive: true }).map(name => path.join(folder, name))
        .filter(name => !skip.test(name) && statSync(name).isFile()).map(name => sha256(readFileSync(name)))
}

async function kinobus() {
    const url = process.env.KINOBUS_URL
    const answer = await fetch(`${url}/api/v1/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "admin@localhost", password: process.env.KINOBUS_PASSWORD }) })
    const { access_token: token } = await answer.json()
    const raw = path.join(process.env.KINOBUS_STATE, "blobs", "raw")
    return { name: "kinobus", url: `${url}/api/v1/uploads`, headers: { Authorization: `Bearer ${token}` },
        stored: () => hashes(raw, /\/\./) }
}

async function reference() {
    const folder = mkdtempSync(path.join(tmpdir(), "tus-reference-"))
    const server = new Server({ path: "/files", datastore: new FileStore({ directory: folder }) })
    const listener = server.listen({ host: "127.0.0.1", port: 0 })
    await new Promise(resolve => listener.once("listening", resolve))
    closing.push(() => {
        listener.close()
        listener.closeAllConnections()
        rmSync(folder, { recursive: true })
    })
    return { name: "reference", url: `http://127.0.0.1:${listener.address().port}/files`, headers: {},
        stored: () => hashes(folder, /\.json$/) }
}

before(async () => { sites.push(await kinobus(), await reference()) })
after(() => closing.forEach(close => close()))

/** A test for each of the two servers. */
const both = (name, run) => {
    for (const i of [0, 1])
        test(`${name}: ${["kinobus", "reference"][i]}`, () => run(sites[i]))
}

/** A way to a server on which every connection ends after so many bytes from the client. */
async function brittle(url, bytes) {
    const { hostname, port } = new URL(url)
    const sockets = new Set()
    const server = net.createServer(client => {
        const to = net.connect(Number(port), hostname)
        let left = bytes
        for (const socket of [client, to]) {
            sockets.add(socket)
            socket.on("error", () => {})
            socket.on("close", () => { client.destroy(); to.destroy(); sockets.delete(socket) })
        }
        to.pipe(client)
        client.on("data", data => {
            left -= data.length
            if (left <= 0) {
                client.destroy()
                to.destroy()
            } else
                to.write(data)
        })
    })
    await new Promise(resolve => server.listen(0, "127.0.0.1", resolve))
    closing.push(() => { server.close(); sockets.forEach(s => s.destroy()) })
    return Object.assign(new URL(url), { port: server.address().port }).href
}

function upload(site, data, options = {}) {
    return new Promise((resolve, reject) => {
        const client = new tus.Upload(data, { endpoint: site.url, headers: site.headers, retryDelays: Array(60).fill(50),
            metadata: { filename: "a film.mp4" }, ...options, onError: reject, onSuccess: () => resolve(client) })
        client.start()
    })
}

// ---- what is said, request by request

/** One request; its answer as far as the protocol fixes it. */
function ask(site, method, url, headers = {}, body = undefined) {
    return new Promise((resolve, reject) => {
        const request = http.request(url, { method, headers: { "Tus-Resumable": "1.0.0", ...site.headers, ...headers } }, answer => {
            answer.resume()
            answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers }))
        })
        request.on("error", reject)
        request.end(body)
    })
}

/** A script of the core protocol and its extensions; what each step answered, in words that both servers share. */
async function script(site) {
    const said = []
    const say = (step, { status, headers }, ...names) =>
        said.push(`${step}: ${status}` + names.map(n => ` ${n}=${headers[n]}`).join(""))
    const create = headers => ask(site, "POST", site.url, { "Content-Length": 0, ...headers })
    const where = answer => new URL(answer.headers.location, site.url).href
    const patch = (url, offset, body, headers = {}) =>
        ask(site, "PATCH", url, { "Content-Type": BYTES, "Upload-Offset": offset, "Content-Length": body.length, ...headers }, body)
    const head = async (step, url, ...more) => say(step, await ask(site, "HEAD", url), "upload-offset", ...more)

    say("options", await ask(site, "OPTIONS", site.url), "tus-version")
    const made = await create({ "Upload-Length": 10, "Upload-Metadata": `filename ${btoa("x.mp4")}` })
    say("create", made, "tus-resumable")
    const url = where(made)
    await head("as made", url, "upload-length", "upload-metadata", "cache-control")
    say("first bytes", await patch(url, 0, "0123"), "upload-offset", "tus-resumable")
    await head("after them", url)
    say("before where it stands", await patch(url, 0, "0123"))
    say("beyond where it stands", await patch(url, 9, "x"))
    await head("unchanged", url)
    say("the rest", await patch(url, 4, "456789"), "upload-offset")
    await head("complete", url, "upload-length")

    const late = await create({ "Upload-Defer-Length": 1 })
    say("deferred", late)
    await head("no length yet", where(late), "upload-defer-length", "upload-length")
    say("some", await patch(where(late), 0, "ab"), "upload-offset")
    say("the end, and the length", await patch(where(late), 2, "c", { "Upload-Length": 3 }), "upload-offset")
    await head("length known", where(late), "upload-length")

    const both = await ask(site, "POST", site.url, { "Upload-Length": 4, "Content-Type": BYTES, "Content-Length": 4 }, "wxyz")
    say("creation with upload", both, "upload-offset")
    await head("all there", where(both))

    say("no length at all", await create({}))
    say("two lengths", await create({ "Upload-Length": 1, "Upload-Defer-Length": 1 }))
    say("a length that is none", await create({ "Upload-Length": "-1" }))
    const gone = where(await create({ "Upload-Length": 4 }))
    say("given up", await ask(site, "DELETE", gone))
    say("and gone", { status: [404, 410].includes((await ask(site, "HEAD", gone)).status), headers: {} })
    say("override", await ask(site, "POST", where(await create({ "Upload-Length": 2 })),
        { "X-HTTP-Method-Override": "PATCH", "Content-Type": BYTES, "Upload-Offset": 0, "Content-Length": 2 }, "ok"), "upload-offset")
    return said
}

test("the reference server answers the same script the same way", async () => {
    assert.deepEqual(await script(sites[0]), await script(sites[1]))
})

test("a version that is not spoken here is told as such", async () => {       // the reference says 400, the protocol 412
    const answer = await ask(sites[0], "POST", sites[0].url, { "Tus-Resumable": "0.2.2", "Upload-Length": 1 })
    assert.deepEqual([answer.status, answer.headers["tus-version"]], [412, "1.0.0"])
})

// ---- clients

both("tus-js-client uploads in one request, and in pieces", async site => {
    for (const chunkSize of [Infinity, 100_000]) {
        const data = randomBytes(1_000_000)
        await upload(site, data, { chunkSize })
        assert.ok(site.stored().includes(sha256(data)))
    }
})

both("tus-js-client gets a file over a line that breaks again and again", async site => {
    const data = randomBytes(3_000_000)
    let broken = 0
    const endpoint = await brittle(site.url, 400_000)
    await upload(site, data, { endpoint, onShouldRetry: () => ++broken > 0 })
    assert.ok(broken > 5, `the line broke ${broken} times`)
    assert.ok(site.stored().includes(sha256(data)))
})

both("tus-js-client pauses, and another one goes on where it stopped", async site => {
    const data = randomBytes(2_000_000)
    let first
    await new Promise((resolve, reject) => {
        first = new tus.Upload(data, { endpoint: site.url, headers: site.headers, chunkSize: 200_000, metadata: { filename: "p.mp4" },
            onError: reject, onChunkComplete: (_, sent) => sent >= 800_000 && first.abort().then(resolve) })
        first.start()
    })
    let from = null
    await upload(site, data, { uploadUrl: first.url, onProgress: sent => { from ??= sent } })
    assert.ok(from >= 800_000, `it began again at ${from}`)
    assert.ok(site.stored().includes(sha256(data)))
})

both("tus-js-client uploads a stream whose length nobody knows", async site => {
    const data = randomBytes(700_000)
    await upload(site, Readable.from([data.subarray(0, 300_000), data.subarray(300_000)], { objectMode: false }),
        { chunkSize: 250_000, uploadLengthDeferred: true })
    assert.ok(site.stored().includes(sha256(data)))
})

test("tus-js-client uploads a file as four parts at once, over lines that break", async () => {
    const [site] = sites, file = fileURLToPath(new URL("../media/counter.mp4", import.meta.url))
    const endpoint = await brittle(site.url, 150_000)
    const client = await upload(site, createReadStream(file), { endpoint, parallelUploads: 4, chunkSize: 100_000,
        metadata: { filename: "parts.mp4", visibility: "unlisted" } })
    const answer = await ask(site, "HEAD", new URL(new URL(client.url).pathname, site.url).href)
    assert.equal(Number(answer.headers["upload-offset"]), statSync(file).size)
    assert.equal(answer.headers["upload-concat"].split(" ").length, 4)
})

test("tus-js-client gives an upload up, and it is gone with its bytes", async () => {
    const [site] = sites, data = randomBytes(900_000)
    let client
    await new Promise((resolve, reject) => {
        client = new tus.Upload(data, { endpoint: site.url, headers: site.headers, chunkSize: 300_000, metadata: { filename: "g.mp4" },
            onError: reject, onChunkComplete: () => client.abort(true).then(resolve, reject) })
        client.start()
    })
    assert.ok([404, 410].includes((await ask(site, "HEAD", client.url)).status))
})
