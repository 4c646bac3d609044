// The Node client against the real broker, alone and with the C client on the other side, both ways.
import assert from "node:assert/strict"
import { after, afterEach, before, test } from "node:test"
import { decode, encode } from "@msgpack/msgpack"
import { WAIT, eventually } from "../harness/patience.mjs"
import { BusError, FROM_END } from "./bus.mjs"
import { Stage } from "./stage.mjs"

const POLICY = `kinobus-policy 1
${["node", "c"].map(role => `
allow ${role} call node.*
allow ${role} call c.*
allow ${role} offer ${role}
allow ${role} put *.job
allow ${role} take ${role}.job
allow ${role} append ${role}.*
allow ${role} follow node.*
allow ${role} follow c.*
allow ${role} set ${role}.v
allow ${role} watch *.v
queue ${role}.job lease_ms=60000 attempts=3 backoff_ms=1,2 done=${role}.done dead=${role}.dead
stream ${role}`).join("\n")}
allow eye tap >
allow eye call $sys.>
call node.look reads
`
const STORE = Buffer.alloc(16, 9), text = body => body && body.toString()
let stage, node, epoch = 0, seq = 0

// The first of what a source says that fits; sources are anything that takes a listener.
const first = (source, fits) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`in vain: ${fits}`)), WAIT).unref()
    source(said => fits(said) && resolve(said))
})

before(async () => {
    stage = new Stage(POLICY, ["node", "c", "eye"])
    await stage.broker()
    await stage.run("peers/bus_peer", [stage.endpoint, "c", `${stage.state}/keys/c`, "node"], /^up /)
})
after(() => stage.close())

async function join() {
    node = stage.bus("node", { store: STORE, epoch: ++epoch })
    await node.up()
    return node
}
afterEach(() => node?.close())

test("a call to the C client is answered, small and large", async () => {
    await join()
    assert.equal(text(await node.call("c.echo", Buffer.from("small"))), "small")
    const large = Buffer.alloc(1024 * 1024, "x")
    assert.ok((await node.call("c.echo", large)).equals(large))
})

test("a call from the C client is served, and its error comes back as it was", async () => {
    await join()
    node.offer("node", 4, call => {
        assert.equal(call.from, "c")
        if (text(call.body) === "no")
            throw new BusError(409, "", Buffer.from("why not"))
        return Buffer.concat([Buffer.from("heard "), call.body])
    })
    assert.equal(text(await node.call("c.ask", Buffer.from("this"))), "heard this")
    await assert.rejects(node.call("c.ask", Buffer.from("no")), { code: 409, body: Buffer.from("why not") })
    await assert.rejects(node.call("c.fail", Buffer.from("no")), { code: 409, body: Buffer.from("no") })
})

test("what nobody answers ends with 504, and the worker is told", async () => {
    await join()
    const told = first(listen => node.watch("c.v", listen), v => text(v.key) === "cancelled")
    await assert.rejects(node.call("c.never", undefined, { deadline: 50 }), { code: 504 })
    assert.equal(text((await told).body), "yes")
})

test("a name that the policy does not list is refused, and nobody's service is 403", async () => {
    await join()
    await assert.rejects(node.call("other.thing"), { code: 403 })
    await assert.rejects(node.call("$sys.stats"), { code: 403 })
})

test("a job of the C client is taken and done, and its end is an event", async () => {
    await join()
    const done = first(listen => node.follow("node", { from: FROM_END }, listen), e => e.name === "node.done")
    const job = first(listen => node.take("node.job", 1, listen), () => true)
    assert.equal(text(await node.call("c.put", Buffer.from("work"))), "ok")
    const lease = await job
    assert.deepEqual([text(lease.body), text(lease.head.key), lease.attempt], ["work", "key", 1])
    await lease.ack(Buffer.from("result"))
    assert.equal(text((await done).body), "result")
})

test("a job for the C client is done on its second attempt, once", async () => {
    await join()
    let ends = 0
    const done = first(listen => node.follow("c", { from: FROM_END }, listen), e => e.name === "c.done" && ++ends)
    assert.deepEqual(await node.put("c.job", ++seq, {}, Buffer.from("again and again")), { duplicate: false })
    assert.deepEqual(await node.put("c.job", seq, {}, Buffer.from("again and again")), { duplicate: true })
    const end = await done
    assert.deepEqual([text(end.body), end.head.attempt], ["again and again", 2])
    await node.put("c.job", ++seq, {}, Buffer.from("last"))
    await first(listen => node.follow("c", { from: end.seq }, listen), e => e.name === "c.done" && ++ends)
    assert.equal(ends, 2)
})

test("a queue that is paused takes a job and gives none until it goes on", async () => {
    await join()
    const eye = stage.bus("eye"), leases = []
    const ask = async (name, request) => decode(await eye.call(name, encode(request)))
    await eye.up()
    assert.deepEqual(await ask("$sys.queue.pause", { queue: "node.job" }), { changed: 1 })
    node.take("node.job", 1, lease => leases.push(lease))
    await node.put("node.job", ++seq, { key: "held up" }, Buffer.from("patient"))
    await node.call("c.echo")                    // what the broker had to say before is here now
    assert.deepEqual(leases, [])
    assert.deepEqual((await ask("$sys.why", { key: "held up" })).map(job => job.state), ["paused"])
    assert.deepEqual(await ask("$sys.queue.resume", { queue: "node.job" }), { changed: 1 })
    await eventually(() => leases.length)
    assert.equal(text(leases[0].body), "patient")
    await leases[0].ack()
})

test("what a worker that left was only reading is asked of another; what it may have changed is not", async () => {
    await join()
    for (const name of ["node.look", "node.change"]) {
        const leaves = stage.bus("node"), stays = stage.bus("node")
        await Promise.all([leaves.up(), stays.up()])
        const asked = first(listen => leaves.offer("node", 1, call => { listen(call); return new Promise(() => {}) }), () => true)
        await leaves.call("c.echo")              // its offer is known
        const end = node.call(name, Buffer.from("what?"))
        end.catch(() => {})
        await asked
        stays.offer("node", 1, call => call.body)
        await stays.call("c.echo")
        await leaves.close()
        if (name === "node.look")
            assert.equal(text(await end), "what?")
        else
            await assert.rejects(end, { code: 502 })
        await stays.close()
    }
})

test("a job that its worker ends for good is dead, with what it said", async () => {
    await join()
    const dead = first(listen => node.follow("node", { from: FROM_END }, listen), e => e.name === "node.dead")
    node.take("node.job", 1, lease => lease.term({ err: 13, text: "no use" }))
    await node.put("node.job", ++seq, {}, Buffer.from("bad"))
    const { head, body } = await dead
    assert.deepEqual([head.err, head.text, text(body)], [13, "no use", "bad"])
})

test("events go both ways, and a group goes on where it was", async () => {
    await join()
    const shown = first(listen => node.watch("c.v", listen), v => text(v.key) === "event" && text(v.body) === "news")
    await node.append("node.news", ++seq, {}, Buffer.from("news"))
    await shown
    const said = first(listen => node.follow("c", { group: "readers" }, listen), e => text(e.body) === "one")
    await node.call("c.append", Buffer.from("one"))
    node.follow("c", { group: "readers" }, () => {}).at((await said).seq)
    await node.call("c.append", Buffer.from("two"))
    await node.close()
    await join()
    const seen = []
    await first(listen => node.follow("c", { group: "readers" }, e => { seen.push(text(e.body)); listen(e) }), e => text(e.body) === "two")
    assert.deepEqual(seen, ["two"])
})

test("values go both ways, and one that is removed is gone", async () => {
    await join()
    const shown = body => first(listen => node.watch("c.v", listen), v => text(v.key) === "value" && text(v.body) === body)
    const there = shown("on")
    node.set("node.v", "k", Buffer.from("on"), 60000)
    await there
    const gone = shown("gone")
    node.set("node.v", "k", null)
    await gone
})

test("a tap shows a call and its answer, with who asked whom", async () => {
    await join()
    const eye = stage.bus("eye"), seen = []
    await eye.up()
    const answer = first(listen => eye.tap("c.echo", t => { seen.push(t); listen(t) }), t => t.head.latency > 0)
    await eye.call("$sys.stats")                  // the tap is there when what came after it is answered
    await node.call("c.echo", Buffer.from("seen"))
    await answer
    assert.deepEqual(seen.map(t => [t.kind, t.head.from, t.head.to, text(t.body)]),
        [[0, "node", "c", "seen"], [1, "c", "node", "seen"]])
})

test("when the broker is killed, what was under way ends once: leases are shown, puts are said again", async () => {
    await join()
    const leases = [], done = []
    node.take("node.job", 4, lease => leases.push(lease))
    await new Promise(tail => node.follow("node", { from: FROM_END }, e => e.name === "node.done" && done.push(text(e.body)), { tail }))
    const put = async body => {
        await node.put("node.job", ++seq, {}, Buffer.from(body))
        await eventually(() => leases.some(lease => text(lease.body) === body))
    }
    await put("before")
    const kept = node.put("node.job", ++seq, {}, Buffer.from("between"))
    await stage.kill()
    const ended = leases[0].ack(Buffer.from("before"))
    await stage.broker()
    await Promise.all([ended, kept])
    await put("after")
    for (const lease of leases.slice(1))
        await lease.ack(lease.body).catch(() => {})      // one that never reached the disk is given again, with a new lease
    await eventually(() => new Set(done).size === 3)
    assert.deepEqual(done.slice().sort(), ["after", "before", "between"])
})

test("a later process of the same store ends the earlier one", async () => {
    const old = await join(), ended = new Promise(resolve => old.once("down", resolve))
    await join()
    assert.equal((await ended).code, 409)
})

test("a wrong secret is refused", async () => {
    node = stage.bus("node", { secret: Buffer.from("guessed") })
    await assert.rejects(node.up(), { code: 403 })
})
