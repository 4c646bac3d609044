// A client of the bus for Node, written from broker/BUS.md alone: what that document says is enough to write another.
//
//     const bus = new Bus({ endpoint: "ipc:///var/lib/kinobus/bus.sock", role: "catalog", secret })
//     await bus.up()
//     bus.offer("catalog", 8, async call => Buffer.from("the answer"))
//     const answer = await bus.call("auth.login", Buffer.from("..."))
//
// It reconnects by itself: offers, takes, follows, watches and taps are declared again, leases are shown, ends of jobs
// and durable messages that were not confirmed are sent again. Calls under way end with 502. Bodies are Buffers.
import { randomBytes } from "node:crypto"
import { EventEmitter } from "node:events"
import { Dealer } from "zeromq"
import { build, COMMAND, FLAG, many, parseAll, VERB, VERSION } from "./frame.mjs"

export const FROM_END = 0xffffffffffffffffn
const EMPTY = Buffer.alloc(0), EVENTS_CREDIT = 256, TAP_CREDIT = 1000, QUEUED = 16384

export class BusError extends Error {
    constructor(code, text, body = EMPTY) {
        super(`${code} ${text ?? ""}`.trim())
        Object.assign(this, { code, body })
    }
}

export class Bus extends EventEmitter {
    #options; #socket; #welcome; #closed = false; #queue = []; #sending = false; #heard = 0; #beat; #retry
    #handles = new Map(); #byName = new Map(); #nextHandle = 1; #nextCid = 1n;
    #calls = new Map(); #serving = new Map(); #leases = new Map(); #lanes = new Map(); #durable = 0; #store

    constructor(options) {
        super()
        this.#options = { instance: randomBytes(16), ...options }
        this.#connect()
    }

    get welcome() { return this.#welcome }

    up() {
        return this.#welcome ? Promise.resolve(this.#welcome) : new Promise((resolve, reject) => {
            this.once("up", resolve)
            this.once("refused", reject)
        })
    }

    async close() {
        this.#closed = true
        clearTimeout(this.#retry)
        this.#send({ command: COMMAND.BYE })
        this.#drop(new BusError(499, "closed"), 200)
    }

    // ---- the connection

    #connect() {
        const socket = this.#socket = new Dealer({ linger: 0, reconnectInterval: -1, sendHighWaterMark: 0, receiveHighWaterMark: 0 })
        const lost = () => socket === this.#socket && this.#lose(new BusError(502, "connection lost"))
        socket.events.on("disconnect", lost)
        socket.events.on("connect:retry", lost)
        socket.connect(this.#options.endpoint)
        this.#heard = Date.now()
        this.#beats(1000)
        this.#receive(socket).catch(error => socket === this.#socket && this.#lose(error))
        const { role, secret, instance, store, epoch, version } = this.#options
        this.#send({ command: COMMAND.HELLO, code: VERSION }, { topic: role, secret, instance, store, epoch, version })
    }

    #beats(every) {
        clearInterval(this.#beat)
        this.#beat = setInterval(() => {
            if (Date.now() - this.#heard > 3 * every)
                this.#lose(new BusError(502, "the broker is silent"))
            else if (this.#welcome)
                this.#send({ command: COMMAND.PING })
        }, every)
    }

    #drop(error, linger = 0) {
        clearInterval(this.#beat)
        const socket = this.#socket
        this.#socket = this.#welcome = undefined
        this.#serving.forEach(abort => abort.abort())
        this.#serving.clear()
        for (const [cid, call] of this.#calls)
            if (call.sent || this.#closed)
                this.#calls.delete(cid) && call.fail(error)
        const ended = () => { socket?.close() }
        linger && this.#sending ? setTimeout(ended, linger) : ended()
        this.#queue = []
    }

    #lose(error) {
        if (this.#closed || !this.#socket)
            return
        this.#drop(error.code === 409 || error.code === 403 ? error : new BusError(502, error.message))
        this.emit("down", error)
        if (error.code === 403 || error.code === 409) {
            this.#closed = true
            this.emit("refused", error)
        } else {
            this.#retry = setTimeout(() => this.#connect(), 50 + Math.random() * 450)
        }
    }

    #send(fields, head, body) {
        if (!this.#socket)
            return
        if (this.#queue.length > QUEUED)
            throw new BusError(429, "too much is waiting to be sent")
        this.#queue.push(build(fields, head, body))
        if (!this.#sending)
            this.#pump(this.#socket)
    }

    async #pump(socket) {
        this.#sending = true
        try {
            while (socket === this.#socket && this.#queue.length)
                await socket.send(this.#next())
        } catch (error) {
            socket === this.#socket && this.#lose(error)
        }
        this.#sending = false
        if (this.#socket && this.#queue.length)
            this.#pump(this.#socket)
    }

    // What waits leaves together, up to a message with a frame of its own for its body.
    #next() {
        const large = this.#queue.findIndex(frames => frames.length > 1)
        const n = this.#welcome ? Math.min(large < 0 ? this.#queue.length : large, 64) : 0
        return n > 1 ? many(this.#queue.splice(0, n)) : this.#queue.shift()
    }

    async #receive(socket) {
        for await (const frames of socket) {
            if (socket !== this.#socket)
                return
            this.#heard = Date.now()
            for (const message of parseAll(frames))
                socket === this.#socket && this[`on${message.command}`]?.(message)
        }
    }

    // ---- names and handles

    #open(verb, topic, state = {}) {
        const known = this.#byName.get(`${verb} ${topic}`)
        if (known)
            return Object.assign(known, state)
        const name = { handle: this.#nextHandle++, verb, topic, ...state }
        this.#handles.set(name.handle, name)
        this.#byName.set(`${verb} ${topic}`, name)
        this.#declare(name)
        return name
    }

    #declare(name) {
        if (!this.#welcome)
            return
        this.#send({ command: COMMAND.OPEN, handle: name.handle, code: VERB[name.verb] }, { topic: name.topic })
        name.declare?.(name)
    }

    // ---- calls

    call(topic, body = EMPTY, { deadline = 10000, ...head } = {}) {
        const name = this.#open("call", topic), cid = this.#nextCid++, until = Date.now() + deadline
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => call.fail(new BusError(504, "deadline passed")), deadline + 500)
            const end = (how, what) => { clearTimeout(timer); this.#calls.delete(cid); how(what) }
            const call = {
                sent: false, done: reply => end(resolve, reply), fail: error => end(reject, error), name,
                send: () => {
                    call.sent = true
                    this.#send({ command: COMMAND.REQ, handle: name.handle, cid, ms: Math.max(1, until - Date.now()) }, head, body)
                },
            }
            this.#calls.set(cid, call)
            if (this.#welcome)
                call.send()
        })
    }

    offer(service, slots, serve, { single = false } = {}) {
        this.#open("offer", service, { serve, declare: ({ handle }) =>
            this.#send({ command: COMMAND.OFFER, handle, code: slots, flags: single ? FLAG.SINGLE : 0 }) })
    }

    // ---- durable messages, for a client with a store: kept until they are confirmed, sent again after a reconnect

    put(queue, seq, head, body) { return this.#lane("put", queue, seq, COMMAND.PUT, { job: randomBytes(16), ...head }, body) }
    append(event, seq, head, body) { return this.#lane("append", event, seq, COMMAND.APPEND, head, body) }

    #lane(verb, topic, seq, command, head, body = EMPTY) {
        if (this.#durable >= (this.#welcome?.window ?? 1024))
            throw new BusError(429, "the window is full")
        const name = this.#byName.get(`${verb} ${topic}`) ?? this.#open(verb, topic,
            { waiting: new Map(), declare: name => name.waiting.forEach(message => message.send()) })
        this.#durable++
        return new Promise((resolve, reject) => {
            const message = {
                resolve, reject, send: () => this.#welcome && this.#send({ command, handle: name.handle, seq }, head, body),
            }
            name.waiting.set(BigInt(seq), message)
            message.send()
        })
    }

    // ---- jobs

    take(queue, credit, work) {
        this.#open("take", queue, { work, declare: name => {
            for (const lease of this.#leases.values())
                if (lease.queue === queue) {
                    this.#send({ command: COMMAND.RESUME, handle: name.handle, cid: lease.cid, seq: lease.seq, code: lease.attempt },
                        { priority: lease.head.priority })
                    lease.end?.send()
                }
            this.#send({ command: COMMAND.CREDIT, handle: name.handle, code: credit })
        } })
    }

    #end(lease, command, fields = {}, head = {}, body = EMPTY) {
        return new Promise((resolve, reject) => {
            lease.end = { resolve, reject, send: () => this.#welcome && this.#send({ command, cid: lease.cid, ...fields }, head, body) }
            lease.end.send()
        })
    }

    #job(queue, m) {
        const lease = { queue, cid: m.cid, seq: m.seq, attempt: m.code, lease_ms: m.ms, head: m.head, body: m.body,
            redelivered: Boolean(m.flags & FLAG.REDELIVERED) }
        lease.ack = result => this.#end(lease, COMMAND.ACK, {}, {}, result)
        lease.nack = ({ delay = 0, wait = false, err, text } = {}) =>
            this.#end(lease, COMMAND.NACK, { ms: delay, flags: wait ? FLAG.WAIT : 0 }, { err, text })
        lease.term = ({ err, text } = {}) => this.#end(lease, COMMAND.TERM, {}, { err, text })
        lease.extend = ms => this.#send({ command: COMMAND.EXTEND, cid: lease.cid, ms })
        return lease
    }

    // ---- events, values, taps

    follow(stream, { group, filter, store, from = 0n }, seen, { lost, tail } = {}) {
        const cursor = { store, seq: from }
        const name = this.#open("follow", stream, { seen, lost, tail, cursor, declare: ({ handle }) =>
            this.#send({ command: COMMAND.SUB, handle, seq: cursor.seq, code: EVENTS_CREDIT }, { store: cursor.store, group, filter }) })
        return { at: seq => {        // handled up to here
            Object.assign(cursor, { store: this.#welcome?.store ?? cursor.store, seq })
            this.#send({ command: COMMAND.CURSOR, handle: name.handle, seq, code: name.owed ?? 0 })
            name.owed = 0
        } }
    }

    // Where a new connection goes on: "the end" of then would be another one.
    #reached(name, seq) { Object.assign(name.cursor, { store: this.#welcome.store, seq }) }

    set(topic, key, body, ttl = 0) {
        const { handle } = this.#open("set", topic)
        this.#send({ command: COMMAND.SET, handle, ms: ttl, flags: body ? 0 : FLAG.GONE }, { key }, body ?? EMPTY)
    }

    watch(topic, changed) {
        this.#open("watch", topic, { changed, declare: ({ handle }) => this.#send({ command: COMMAND.WATCH, handle }) })
    }

    tap(filter, see, { sample = 1, headers = false } = {}) {
        this.#open("tap", ">", { see, seen: 0, declare: ({ handle }) => this.#send(
            { command: COMMAND.TAP, handle, code: TAP_CREDIT, ms: sample, flags: headers ? FLAG.HEADERS : 0 }, { filter }) })
    }

    // ---- what the broker says, by the number of its command

    [`on${COMMAND.WELCOME}`](m) {
        if (this.#store?.equals(m.head.store) === false)        // the numbers of its leases mean other jobs there
            for (const cid of [...this.#leases.keys()])
                this[`on${COMMAND.LEASE_LOST}`]({ cid, code: 410 })
        this.#store = m.head.store
        this.#welcome = { window: m.code, heartbeat: m.ms, store: m.head.store, incarnation: m.head.incarnation }
        this.#beats(m.ms)
        this.#handles.forEach(name => this.#declare(name))
        this.#calls.forEach(call => call.sent || call.send())
        this.emit("up", this.#welcome)
    }
    [`on${COMMAND.PING}`]() { this.#send({ command: COMMAND.PONG }) }
    [`on${COMMAND.GOAWAY}`](m) { this.#lose(new BusError(m.code, m.head.text ?? "the broker says goodbye")) }
    [`on${COMMAND.ERROR}`](m) {
        const error = new BusError(m.code, m.head.text ?? m.head.topic)
        if (!m.head.topic)
            return this.#lose(error)
        const name = this.#handles.get(m.handle)
        this.#calls.forEach(call => call.name === name && call.fail(error))
        name?.waiting?.forEach(message => message.reject(error))
        this.emit("denied", { verb: name?.verb, topic: m.head.topic, key: m.head.key, error })
    }
    [`on${COMMAND.OK}`](m) {
        const name = this.#handles.get(m.handle), message = name?.waiting?.get(m.seq)
        if (!message || m.code === 421)      // said again, in order, after what closed the lane
            return
        if (m.code === 429 || m.code === 507)
            return setTimeout(() => name.waiting.forEach(waiting => waiting.send()), 100)
        name.waiting.delete(m.seq)
        this.#durable--
        m.code < 300 ? message.resolve({ duplicate: m.code === 208 }) : message.reject(new BusError(m.code, name.topic))
    }
    [`on${COMMAND.REP}`](m) { this.#calls.get(m.cid)?.done(m.body) }
    [`on${COMMAND.ERR}`](m) { this.#calls.get(m.cid)?.fail(new BusError(m.code, m.head.text, m.body)) }
    async [`on${COMMAND.REQ}`](m) {
        const name = this.#handles.get(m.handle), abort = new AbortController()
        this.#serving.set(m.cid, abort)
        const call = { name: m.head.name, from: m.head.from, head: m.head, body: m.body, deadline: m.ms, signal: abort.signal }
        let fields = { command: COMMAND.REP, cid: m.cid, code: 200 }, body = EMPTY
        try {
            body = await name.serve(call) ?? EMPTY
        } catch (error) {
            fields = { command: COMMAND.ERR, cid: m.cid, code: error.code ?? 500 }
            body = error.body ?? EMPTY
        }
        if (this.#serving.get(m.cid) === abort && this.#serving.delete(m.cid))
            this.#send(fields, {}, body)
    }
    [`on${COMMAND.CANCEL}`](m) {
        this.#serving.get(m.cid)?.abort()
        this.#serving.delete(m.cid)
    }
    [`on${COMMAND.JOB}`](m) {
        const { topic, work } = this.#handles.get(m.handle), lease = this.#job(topic, m)
        this.#leases.set(m.cid, lease)
        work(lease)
    }
    [`on${COMMAND.ACK}`](m) {
        const lease = this.#leases.get(m.cid)
        this.#leases.delete(m.cid)
        m.code < 300 ? lease?.end?.resolve() : lease?.end?.reject(new BusError(m.code, "the lease is lost"))
    }
    [`on${COMMAND.LEASE_LOST}`](m) {
        const lease = this.#leases.get(m.cid)
        this.#leases.delete(m.cid)
        lease?.end?.reject(new BusError(m.code, "the lease is lost"))
        this.emit("lease_lost", lease)
    }
    [`on${COMMAND.EVT}`](m) {
        const name = this.#handles.get(m.handle)
        name.owed = (name.owed ?? 0) + 1
        this.#reached(name, m.seq)
        name.seen({ seq: m.seq, name: m.head.name, key: m.head.key, head: m.head, body: m.body })
    }
    [`on${COMMAND.LOST}`](m) {
        const name = this.#handles.get(m.handle)
        this.#reached(name, m.seq)
        name.lost?.(m.seq)
    }
    [`on${COMMAND.TAIL}`](m) {
        const name = this.#handles.get(m.handle)
        this.#reached(name, m.seq)
        name.tail?.(m.seq)
    }
    [`on${COMMAND.VAL}`](m) {
        this.#handles.get(m.handle).changed({ name: m.head.name, key: m.head.key, from: m.head.from,
            body: m.flags & FLAG.GONE ? null : m.body })
    }
    [`on${COMMAND.TAPMSG}`](m) {
        const name = this.#byName.get("tap >")
        name.see({ kind: m.code, seq: m.seq, cid: m.cid, head: m.head, body: m.body })
        if (++name.seen % (TAP_CREDIT / 2) === 0)
            this.#send({ command: COMMAND.CREDIT, handle: name.handle, code: TAP_CREDIT / 2 })
    }
}
