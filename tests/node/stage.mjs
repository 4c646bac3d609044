// A broker of its own in a folder of its own, for tests of what is said on the bus: real program, real socket.
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Bus } from "./bus.mjs"

const TOP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..")
const OUT = process.env.KINOBUS_OUT ?? path.join(TOP, "build")

export class Stage {
    #children = new Set(); #buses = new Set()

    constructor(policy, roles) {
        this.state = mkdtempSync(path.join(tmpdir(), "kinobus-node-"))
        this.endpoint = `ipc://${this.state}/bus.sock`
        this.policy = path.join(this.state, "policy")
        writeFileSync(this.policy, policy)
        mkdirSync(path.join(this.state, "keys"), { mode: 0o700 })
        for (const role of roles)
            writeFileSync(path.join(this.state, "keys", role), randomBytes(32).toString("hex"), { mode: 0o600 })
    }

    secret(role) { return readFileSync(path.join(this.state, "keys", role)) }

    async run(program, args, ready) {
        const child = spawn(path.join(OUT, program), args, { stdio: ["ignore", "pipe", "pipe"] })
        this.#children.add(child)
        child.said = ""
        await new Promise((resolve, reject) => {
            for (const stream of [child.stdout, child.stderr])
                createInterface(stream).on("line", line => {
                    child.said = (child.said + line + "\n").slice(-20000)
                    if (ready.test(line))
                        resolve()
                })
            child.once("error", reject)
            child.once("exit", code => reject(new Error(`${program} ended with ${code}:\n${child.said}`)))
        })
        return child
    }

    async broker(...args) {
        this.process = await this.run("bin/kinobus-broker",
            ["--state", this.state, "--acl", this.policy, "--any-filesystem", ...args], /what=ready/)
        return this.process
    }

    async kill() {
        const gone = once(this.process, "exit")
        this.process.kill("SIGKILL")
        await gone
    }

    bus(role, more = {}) {
        const bus = new Bus({ endpoint: this.endpoint, role, secret: this.secret(role), ...more })
        this.#buses.add(bus)
        return bus
    }

    async memory() {
        return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.process.pid}/status`, "utf8"))[1]) * 1024
    }

    async close() {
        for (const bus of this.#buses)
            await bus.close()
        for (const child of this.#children)
            if (child.exitCode === null && child.signalCode === null) {
                const gone = once(child, "exit")
                child.kill("SIGKILL")
                await gone
            }
        rmSync(this.state, { recursive: true, force: true })
    }
}
