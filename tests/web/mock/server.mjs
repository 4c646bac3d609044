// A stand-in for the front, for fast tests of the pages alone: the same addresses, the same headers, and the schemas
// as judges of both sides. The stories on the real platform are what counts in the end.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { handlers, shown } from "./handlers.mjs";
import { makeMedia, media } from "./media.mjs";
import { Refusal, check, checkReply, fromText, routes } from "./schema.mjs";
import { LOOK_MS, State } from "./state.mjs";
import { tus } from "./tus.mjs";

export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; " +
    "media-src 'self' blob: data:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; " +
    "frame-ancestors 'none'; require-trusted-types-for 'script'";
const ALWAYS = { "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin" };
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json", ".map": "application/json", ".txt": "text/plain" };

/** Serves the bundle in `share` and the API; resolves to {url, state, close}. */
export async function startMock({ share, mediaDir, port = 0 }) {
    const invented = Object.keys(handlers).filter((name) => !routes.some((r) => r.name === name));
    if (invented.length)
        throw new Error(`no such call in the schemas: ${invented.join(", ")}`);
    makeMedia(mediaDir);
    const state = new State();
    const server = createServer((req, res) => {
        answer({ state, share, mediaDir }, req, res).catch((error) => problem(req, res, error));
    });
    await new Promise((then) => server.listen(port, "127.0.0.1", then));
    return {
        state, url: `http://127.0.0.1:${server.address().port}`,
        close: () => new Promise((then) => {
            server.close(then);
            server.closeAllConnections();
        }),
    };
}

async function answer({ state, share, mediaDir }, req, res) {
    const { pathname, searchParams } = new URL(req.url, "http://mock");
    const asked = `${req.method} ${pathname}`;
    state.asked.push(asked);
    while (state.held.some((match) => match.test(asked)) && !req.socket.destroyed)
        await new Promise((then) => setTimeout(then, LOOK_MS));
    if (req.socket.destroyed)
        return;                     // who asked has gone
    const fault = state.faults.find((f) => f.times > 0 && f.match.test(asked));
    if (fault) {
        fault.times--;
        throw new Refusal(fault.status, fault.title ?? "Something is wrong on our side.");
    }
    if (!["GET", "HEAD"].includes(req.method) && (req.headers["x-kinobus"] !== "1" || req.headers["sec-fetch-site"] !== "same-origin"))
        throw new Refusal(403, "You may not do that.");
    const session = /(?:^|; )s=([^;]+)/.exec(req.headers.cookie ?? "")?.[1];
    const who = state.users.get(state.sessions.get(session))?.user;
    if (pathname.startsWith("/api/v1/uploads"))
        return tus(state, need(who), req, res);
    if (pathname === "/api/v1/events")
        return events(state, need(who), req, res);
    if (pathname.startsWith("/media/"))
        return serveMedia(state, mediaDir, pathname, res);
    if (pathname.startsWith("/api/"))
        return api(state, who, session, pathname, searchParams, req, res);
    return serveFile(share, pathname, res);
}

function need(who) {
    if (!who)
        throw new Refusal(401, "Who you are is not proved.");
    return who;
}

async function api(state, who, session, pathname, query, req, res) {
    const route = routes.find((r) => r.method === req.method && r.pattern.test(pathname) && handlers[r.name]);
    if (!route)
        throw new Refusal(404, "There is no such thing, or you may not see it.");
    const { call, names, name } = route;
    if (!call.allow.includes("anyone"))
        need(who);
    if (!call.allow.some((a) => ["anyone", "owner", who?.role].includes(a)))
        throw new Refusal(403, "You may not do that.");
    let text = "";
    for await (const piece of req)
        text += piece;
    const ask = text ? JSON.parse(text) : {};
    const field = (of) => call.request.find((f) => f.name === of);
    if (["GET", "DELETE"].includes(req.method))
        for (const [key, value] of query)
            ask[key] = fromText(field(key), value);
    route.pattern.exec(pathname).slice(1).forEach((value, i) => (ask[names[i]] = decodeURIComponent(value)));
    const errors = check(call.request ?? [], ask);
    if (errors.length)
        throw new Refusal(400, "The request does not fit its schema.", errors);
    let reply = handlers[name](state, who, ask, session);
    const headers = { ...ALWAYS, "Content-Type": "application/json", "Cache-Control": "no-store" };
    if (reply?.before !== undefined)
        reply = shown(reply);
    if (reply?.items)
        reply = { ...reply, items: reply.items.map((i) => (typeof i === "object" ? shown(i) : i)) };
    checkReply(call, reply);
    if (reply?.session !== undefined) {
        headers["Set-Cookie"] = `s=${reply.session}; Path=/; HttpOnly; SameSite=Lax${reply.session ? "" : "; Max-Age=0"}`;
        delete reply.session;
    }
    res.writeHead(call.reply ? 200 : 204, headers).end(call.reply ? JSON.stringify(reply) : undefined);
}

function events(state, user, req, res) {
    if (state.eventsOff)
        throw new Refusal(503, "As much as allowed is in hand already; try again soon.");
    res.writeHead(200, { ...ALWAYS, "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    res.write(": here\n\n");
    const stream = { user, write: (text) => res.write(text) };
    state.streams.add(stream);
    req.on("close", () => state.streams.delete(stream));
}

function serveMedia(state, dir, pathname, res) {
    const [, , right, videoId, , ...rest] = pathname.split("/");
    if (state.refusedRights.has(right))
        throw new Refusal(403, "You may not do that.");
    const video = state.videos.get(videoId);
    const found = video && media(dir, rest.join("/"), video);
    if (!found)
        throw new Refusal(404, "There is no such thing, or you may not see it.");
    res.writeHead(200, { ...ALWAYS, "Content-Type": found.type, "Content-Length": found.body.length, "Cache-Control": found.growing ? "no-cache" : "max-age=600" })
        .end(found.body);
}

function serveFile(share, pathname, res) {
    let file = join(share, normalize(pathname));
    if (!existsSync(file) || !statSync(file).isFile()) {
        if (extname(pathname))
            throw new Refusal(404, "There is no such thing, or you may not see it.");
        file = join(share, "index.html");       // the app knows its own addresses
    }
    const asset = pathname.startsWith("/assets/");
    res.writeHead(200, { ...ALWAYS, "Content-Security-Policy": CSP, "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
        "Cache-Control": asset ? "public, max-age=31536000, immutable" : "no-cache" });
    createReadStream(file).pipe(res);
}

function problem(req, res, error) {
    const known = error instanceof Refusal;
    if (!known)
        console.error(req.method, req.url, error);
    if (res.headersSent)
        return void res.destroy();
    const status = known ? error.status : 500;
    req.resume();
    res.writeHead(status, { ...ALWAYS, "Content-Type": "application/problem+json" }).end(JSON.stringify({
        type: `/errors/${status}`, title: error.message, status, retryable: [429, 503].includes(status), request_id: "mock", errors: error.errors ?? [],
        ...(error.refusals?.length ? { detail: error.refusals[0].sentence, refusals: error.refusals } : {}),
    }));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
    const [share, mediaDir, port] = process.argv.slice(2);
    console.log((await startMock({ share, mediaDir, port: Number(port ?? 8090) })).url);
}
