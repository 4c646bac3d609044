// Frames of BUS/1 as broker/BUS.md §2 and §3 tell them. Numbers of 64 bits are BigInts; a body is a Buffer.
import { Buffer } from "node:buffer"
import { decode, encode } from "@msgpack/msgpack"

export const MAGIC = 0xb5, VERSION = 1, PREFIX = 32, INLINE = 1024

export const COMMAND = {
    HELLO: 1, WELCOME: 2, BYE: 3, PING: 4, PONG: 5, GOAWAY: 6, ERROR: 7, MANY: 8, OPEN: 16, CLOSE: 17, OK: 18,
    REQ: 32, REP: 33, ERR: 34, CANCEL: 35, OFFER: 36,
    PUT: 48, JOB: 49, ACK: 50, NACK: 51, TERM: 52, EXTEND: 53, CREDIT: 54, LEASE_LOST: 55, RESUME: 56,
    APPEND: 64, SUB: 65, UNSUB: 66, EVT: 67, CURSOR: 68, LOST: 69, TAIL: 70,
    SET: 80, WATCH: 81, VAL: 82, TAP: 96, TAPMSG: 97,
}
export const NAME = Object.fromEntries(Object.entries(COMMAND).map(([name, number]) => [number, name]))
export const FLAG = { BODY2: 1, REDELIVERED: 8, GONE: 16, WAIT: 32, SINGLE: 64, HEADERS: 128 }
export const VERB = { call: 1, offer: 2, put: 3, take: 4, append: 5, follow: 6, set: 7, watch: 8, tap: 9 }

const KEY = {
    topic: 1, key: 2, trace: 3, priority: 5, ttl: 6, delay: 7, attempt: 11, from: 13, idempotency: 15, time: 18, subject: 20,
    name: 21, err: 22, text: 23, job: 24, group: 25, filter: 26, secret: 27, instance: 28, store: 29, epoch: 30, version: 31,
    incarnation: 32, to: 33, size: 34, latency: 35, dropped: 36,
}
// Text and bytes travel alike, as bin or as str; what is text is told by the key alone.
const TEXT = new Set(["topic", "from", "idempotency", "subject", "name", "text", "group", "filter", "version", "to"])
const FIELD = new Map(Object.entries(KEY).map(([name, number]) => [number, name]))

// The library's maps have text keys; ours have numbers, so the map itself is written here.
function pack(head) {
    const known = Object.entries(head).filter(([, value]) => value !== undefined && value !== null)
    const size = known.length < 16 ? [0x80 | known.length] : [0xde, 0, known.length]
    return Buffer.concat([Buffer.from(size), ...known.flatMap(([name, value]) => [encode(KEY[name]), encode(value)])])
}

// Frame A: prefix, map as it stands, body.
export function raw({ magic = MAGIC, version = VERSION, command, flags = 0, length, code = 0, cid = 0n, seq = 0n, ms = 0, handle = 0 },
    map = Buffer.of(0x80), body = Buffer.alloc(0)) {
    const prefix = Buffer.alloc(PREFIX)
    prefix.writeUInt8(magic, 0)
    prefix.writeUInt8(version, 1)
    prefix.writeUInt8(command, 2)
    prefix.writeUInt8(flags, 3)
    prefix.writeUInt16BE(length ?? map.length, 4)
    prefix.writeUInt16BE(code, 6)
    prefix.writeBigUInt64BE(BigInt(cid), 8)
    prefix.writeBigUInt64BE(BigInt(seq), 16)
    prefix.writeUInt32BE(ms, 24)
    prefix.writeUInt32BE(handle, 28)
    return Buffer.concat([prefix, map, body])
}

// What is on the wire for one message: one frame, or two when the body is large.
export function build(fields, head = {}, body = Buffer.alloc(0)) {
    const map = pack(head)
    if (body.length <= INLINE)
        return [raw(fields, map, body)]
    return [raw({ ...fields, flags: (fields.flags ?? 0) | FLAG.BODY2 }, map), body]
}

// The messages that came as one: a row of them, or just one.
export function parseAll(frames) {
    const first = parse(frames)
    if (first.command !== COMMAND.MANY)
        return [first]
    const all = []
    for (let at = 0; all.length < first.code;) {
        const end = at + 4 + first.body.readUInt32BE(at)
        all.push(parse([first.body.subarray(at + 4, end)]))
        at = end
    }
    return all
}

// Several messages as one; none of them with a body in a frame of its own.
export function many(messages) {
    const row = messages.flatMap(([frame]) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(frame.length)
        return [length, frame]
    })
    return [raw({ command: COMMAND.MANY, code: messages.length }, Buffer.of(0x80), Buffer.concat(row))]
}

export function parse([a, b]) {
    if (a.length < PREFIX || a[0] !== MAGIC || a[1] !== VERSION)
        throw new Error("not a frame of BUS/1")
    const end = PREFIX + a.readUInt16BE(4), flags = a[3]
    const map = end > PREFIX ? decode(a.subarray(PREFIX, end)) : {}
    const head = {}
    for (const [number, value] of Object.entries(map))
        if (FIELD.has(Number(number))) {
            const field = FIELD.get(Number(number))
            head[field] = TEXT.has(field) ? String(value) : value
        }
    return {
        command: a[2], flags, code: a.readUInt16BE(6), cid: a.readBigUInt64BE(8), seq: a.readBigUInt64BE(16),
        ms: a.readUInt32BE(24), handle: a.readUInt32BE(28), head, body: flags & FLAG.BODY2 ? b : a.subarray(end),
    }
}
