// Peers that break the rules, against the real broker: each is ended or refused with the error that broker/BUS.md names,
// the broker's memory stays bounded, and meanwhile a well-behaved peer's calls are answered.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { after, afterEach, before, test } from "node:test"
import { Dealer } from "zeromq"
import { WAIT, eventually } from "../harness/patience.mjs"
import { BusError, FROM_END } from "./bus.mjs"
import { build, COMMAND, FLAG, MAGIC, many, NAME, parseAll, raw, VERB, VERSION } from "./frame.mjs"
import { Stage } from "./stage.mjs"

const POLICY = `kinobus-policy 1
${["good", "evil"].map(role => `
allow ${role} call *.*
allow ${role} offer ${role}
allow ${role} put work.job
allow ${role} append news.said
allow ${role} follow news.*
allow ${role} set *.v
allow ${role} watch *.v`).join("\n")}
allow good take work.job
allow good follow work.*
allow evil take evil.job
allow evil tap >
queue work.job lease_ms=60000 attempts=3 backoff_ms=1,2 done=work.done dead=work.dead
queue evil.job
stream work
stream news
`
const MIB = 1024 * 1024
const BOUND = 400 * MIB         // what the broker may hold at most, whatever one peer does
let stage, good, peers = []

// A socket that says exactly what it is told, and never anything by itself.
class Raw {
    constructor({ read = true } = {}) {
        this.socket = new Dealer({ linger: 0, reconnectInterval: -1, sendHighWaterMark: 0, receiveHighWaterMark: read ? 0 : 1 })
        this.socket.connect(stage.endpoint)
        this.got = []
        this.wake = () => {}
        peers.push(this)
        if (read)
            this.read()
    }
    async read() {
        for await (const frames of this.socket) {
            this.got.push(...parseAll(frames))
            this.wake()
        }
    }
    say(fields, head, body) { return this.socket.send(build(fields, head, body)) }
    frames(...frames) { return this.socket.send(frames) }
    // The next message that fits; all before it are forgotten.
    async next(command, fits = () => true) {
        for (const end = Date.now() + WAIT; ;) {
            const at = this.got.findIndex(m => m.command === command && fits(m))
            if (at >= 0)
                return this.got.splice(0, at + 1).at(-1)
            await new Promise((resolve, reject) => {
                const late = setTimeout(() => reject(new Error(`waited in vain for ${NAME[command]}`)), end - Date.now())
                this.wake = () => { clearTimeout(late); resolve() }
            })
        }
    }
    async hello(more = {}, role = "evil") {
        await this.say({ command: COMMAND.HELLO, code: VERSION },
            { topic: role, secret: stage.secret(role), instance: randomBytes(16), ...more })
        return this
    }
    async joined(more, role) {
        await this.hello(more, role)
        await this.next(COMMAND.WELCOME)
        return this
    }
    open(handle, verb, topic) { return this.say({ command: COMMAND.OPEN, handle, code: VERB[verb] }, { topic }) }
    // Ended for good: told so, and from then on a stranger.
    async ended(code) {
        await this.next(COMMAND.ERROR, m => m.code === code && !m.head.topic)
        await this.stranger({ command: COMMAND.PING })
    }
    // Says it until it is told 401: a flood of strangers is not answered one by one.
    async stranger(fields, head) {
        const asking = setInterval(() => this.say(fields, head), 20)
        try {
            await this.next(COMMAND.ERROR, m => m.code === 401)
        } finally {
            clearInterval(asking)
        }
    }
    async alive() {
        await this.say({ command: COMMAND.PING })
        await this.next(COMMAND.PONG)
    }
}

const served = async () => assert.equal(String(await good.call("good.echo", Buffer.from("still here"))), "still here")

before(async () => {
    stage = new Stage(POLICY, ["good", "evil"])
    await stage.broker()
    good = stage.bus("good", { store: Buffer.alloc(16, 1), epoch: 1 })
    await good.up()
    good.offer("good", 16, call => call.body)
    while (await served().catch(() => true));
})
afterEach(async () => {
    peers.splice(0).forEach(peer => peer.socket.close())
    await served()
    assert.ok(await stage.memory() < BOUND, `the broker holds ${Math.round(await stage.memory() / MIB)} MiB`)
})
after(() => stage.close())

test("who did not greet is told 401, whatever it says", async () => {
    for (const command of Object.values(COMMAND).filter(number => number !== COMMAND.HELLO))
        await new Raw().stranger({ command, handle: 1, cid: 1n, seq: 1n, code: 1 }, { topic: "good.echo" })
})

test("garbage of a stranger harms nobody", async () => {
    const peer = new Raw()
    for (let i = 0; i < 2000; i++)
        await peer.frames(...Array.from({ length: 1 + i % 5 }, () => randomBytes(i % 700)))
    await peer.frames(...Array.from({ length: 200 }, () => Buffer.alloc(0)))
    await served()
})

test("a greeting is refused when secret, version, name or instance do not fit", async () => {
    const refused = async (code, fields, head) => {
        const peer = new Raw()
        await peer.say({ command: COMMAND.HELLO, code: VERSION, ...fields },
            { topic: "evil", secret: stage.secret("evil"), instance: randomBytes(16), ...head })
        await peer.next(COMMAND.ERROR, m => m.code === code)
    }
    await refused(403, {}, { secret: Buffer.from("guess") })
    await refused(403, {}, { secret: Buffer.alloc(0) })
    await refused(403, {}, { topic: "nobody" })
    await refused(403, {}, { topic: "good" })
    await refused(400, {}, { topic: "../keys/evil" })
    await refused(400, {}, { topic: "e".repeat(199) + "\0" })
    await refused(400, {}, { instance: Buffer.alloc(16) })
    await refused(1036, { code: 2 })        // an error without a code of the bus: 1000 and its number
})

const nested = depth => Buffer.concat([Buffer.of(0x81, 99), Buffer.alloc(depth, 0x91), Buffer.of(0xc0)])
const MALFORMED = {
    "an empty frame": [Buffer.alloc(0)],
    "one byte": [Buffer.of(MAGIC)],
    "another magic": [raw({ magic: 0, command: COMMAND.PING })],
    "another version": [raw({ version: 2, command: COMMAND.PING })],
    "a header longer than the frame": [raw({ command: COMMAND.PING, length: 65535 })],
    "a map of 2^32 - 1 pairs": [raw({ command: COMMAND.PING }, Buffer.of(0xdf, 255, 255, 255, 255, 1))],
    "a list of 2^32 - 1 under an unknown key": [raw({ command: COMMAND.PING }, Buffer.of(0x81, 99, 0xdd, 255, 255, 255, 255, 1))],
    "a text of 4 GiB": [raw({ command: COMMAND.PING }, Buffer.of(0x81, 1, 0xdb, 255, 255, 255, 255, 65))],
    "nesting of nine levels": [raw({ command: COMMAND.PING }, nested(9))],
    "nesting of 60000 levels": [raw({ command: COMMAND.PING }, nested(60000))],
    "a name over its bound": build({ command: COMMAND.OPEN, handle: 1, code: VERB.call }, { topic: "a".repeat(201) }),
    "a key over its bound": build({ command: COMMAND.PING }, { key: "k".repeat(256) }),
    "a text where a number belongs": build({ command: COMMAND.PING }, { priority: "high" }),
    "a number where a text belongs": build({ command: COMMAND.PING }, { topic: 7 }),
    "a negative number": build({ command: COMMAND.PING }, { ttl: -1 }),
    "a map with text keys": [raw({ command: COMMAND.PING }, Buffer.of(0x81, 0xa1, 65, 1))],
    "bytes behind the map": [raw({ command: COMMAND.PING }, Buffer.of(0x80, 0x80))],
    "a second frame that is not there": [raw({ command: COMMAND.PING, flags: FLAG.BODY2 })],
    "a command that does not exist": [raw({ command: 200 })],
    "a command of the broker": [raw({ command: COMMAND.WELCOME })],
    "a row that lacks one": [raw({ command: COMMAND.MANY, code: 2 }, undefined, Buffer.concat([Buffer.of(0, 0, 0, 33), raw({ command: COMMAND.PING })]))],
    "a row of nothing": [raw({ command: COMMAND.MANY })],
    "a row of a row": many([build({ command: COMMAND.PING }), many([build({ command: COMMAND.PING }), build({ command: COMMAND.PING })])]),
    "a row of more than 256": many(Array.from({ length: 257 }, () => build({ command: COMMAND.PING }))),
    "a frame of 4 GiB in a row": [raw({ command: COMMAND.MANY, code: 1 }, undefined, Buffer.of(255, 255, 255, 255, 1))],
    "a second greeting": build({ command: COMMAND.HELLO, code: VERSION }, { topic: "evil", instance: Buffer.alloc(16, 5) }),
}
for (const [what, frames] of Object.entries(MALFORMED))
    test(`${what} ends the session with 400`, async () => {
        const peer = await new Raw().joined()
        await peer.frames(...frames)
        await peer.ended(400)
    })

test("a handle that was never opened is 404, and the session lives", async () => {
    const peer = await new Raw().joined({ store: randomBytes(16), epoch: 1 })
    const answers = { REQ: COMMAND.ERR, PUT: COMMAND.OK, APPEND: COMMAND.OK, OFFER: COMMAND.ERROR, SUB: COMMAND.ERROR,
        SET: COMMAND.ERROR, WATCH: COMMAND.ERROR, TAP: COMMAND.ERROR, CURSOR: COMMAND.ERROR, RESUME: COMMAND.ERROR }
    for (const [command, answer] of Object.entries(answers))
        for (const handle of [1, 4095, 4096, 0xffffffff]) {
            await peer.say({ command: COMMAND[command], handle, cid: 1n, seq: 1n, code: 1 })
            assert.equal((await peer.next(answer)).code, 404, command)
        }
    await peer.say({ command: COMMAND.CLOSE, handle: 77 })
    await peer.say({ command: COMMAND.CREDIT, handle: 77, code: 5 })
    await peer.say({ command: COMMAND.CANCEL, cid: 77n })
    await peer.say({ command: COMMAND.REP, cid: 77n, code: 200 })
    await peer.alive()
})

test("names that are no names, and names of others, are refused, and the session lives", async () => {
    const peer = await new Raw().joined()
    const refused = async (code, verb, topic, handle = 1) => {
        await peer.open(handle, verb, topic)
        assert.equal((await peer.next(COMMAND.ERROR)).code, code, `${verb} ${topic}`)
    }
    for (const name of ["", ".", "a..b", "A.b", "a.b\0", "a.b ", "a.*", ">"])
        await refused(400, "call", name)
    await refused(400, "call", "good.echo", 4096)
    await refused(403, "offer", "good")
    await refused(403, "offer", "$sys")
    await refused(403, "take", "work.job")
    await refused(403, "set", "$sys.peers")
    await refused(403, "call", "$sys.stats.more")
    await peer.say({ command: COMMAND.OPEN, handle: 1, code: 99 }, { topic: "good.echo" })
    assert.equal((await peer.next(COMMAND.ERROR)).code, 400)
    await peer.alive()
})

test("a session is its role's: another role takes over neither instance nor store", async () => {
    let lost = false
    const instance = randomBytes(16), store = randomBytes(16)
    const victim = stage.bus("good", { instance, store, epoch: 1 })
    await victim.up()
    victim.once("down", () => { lost = true })
    for (const forged of [{ instance }, { store, epoch: 9 }, { instance, store, epoch: 9 }]) {
        const peer = await new Raw().hello(forged)
        assert.equal((await peer.next(COMMAND.ERROR)).code, 409)
    }
    await victim.call("good.echo")
    assert.equal(lost, false)
    await victim.close()
})

test("a lease of another session, and one that ended, end nothing", async () => {
    const ends = [], worker = await new Raw().joined({}, "good"), thief = await new Raw().joined()
    good.follow("work", { from: FROM_END }, e => ends.push(String(e.body)))
    await good.put("work.job", 1, {}, Buffer.from("mine"))
    await worker.open(1, "take", "work.job")
    await worker.say({ command: COMMAND.CREDIT, handle: 1, code: 1 })
    const { cid, seq, code } = await worker.next(COMMAND.JOB)
    await thief.open(1, "take", "evil.job")
    for (const command of ["ACK", "NACK", "TERM"]) {
        await thief.say({ command: COMMAND[command], cid }, {}, Buffer.from("stolen"))
        assert.equal((await thief.next(COMMAND.ACK)).code, 410, command)
    }
    await thief.say({ command: COMMAND.EXTEND, cid, ms: 1 })
    await thief.say({ command: COMMAND.RESUME, handle: 1, cid, seq, code })
    await thief.next(COMMAND.LEASE_LOST)
    for (const answer of [200, 410]) {
        await worker.say({ command: COMMAND.ACK, cid }, {}, Buffer.from("done"))
        assert.equal((await worker.next(COMMAND.ACK)).code, answer)
    }
    await eventually(() => ends.length)
    assert.deepEqual(ends, ["done"])
})

test("a flood of puts beyond the window is refused, and what was accepted is confirmed", async () => {
    const peer = await new Raw().joined({ store: randomBytes(16), epoch: 1 }), n = 6000
    await peer.open(1, "append", "news.said")
    for (let seq = 1; seq <= n; seq++)
        await peer.say({ command: COMMAND.APPEND, handle: 1, seq }, {}, Buffer.alloc(20000))
    const asked = new Map(), keeps = setInterval(() => peer.say({ command: COMMAND.PING }), 1000)
    try {
        while (asked.size < n) {
            const { seq, code } = await peer.next(COMMAND.OK)
            assert.ok(!asked.has(seq), `seq ${seq} is answered twice`)
            asked.set(seq, code)
        }
    } finally {
        clearInterval(keeps)
    }
    const codes = new Set(asked.values())
    assert.ok(codes.has(200) && [...codes].every(code => [200, 421, 429, 507].includes(code)), [...codes].join())
})

test("who asks and does not read is cut off, and what it was to be told does not pile up", async () => {
    const peer = await new Raw({ read: false }).hello(), n = 6000, body = Buffer.alloc(20000), end = Date.now() + WAIT
    const cut = () => /what=lost role=evil/.test(stage.process.said)
    stage.process.said = ""
    await peer.open(1, "call", "evil.nothing")
    for (let cid = 1; cid <= n || !cut(); cid++) {
        await peer.say({ command: COMMAND.REQ, handle: 1, cid, ms: 20000 }, {}, cid <= n ? body : undefined)
        if (cid % 500 === 0 || cid > n)
            await served()
        assert.ok(cut() || Date.now() < end, "it is still there")
    }
})
