// The reference server of tus, for the benchmark: reference.mjs FOLDER prints its port.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../node/package.json", import.meta.url));
const { Server } = require("@tus/server");
const { FileStore } = require("@tus/file-store");
const server = new Server({ path: "/files", datastore: new FileStore({ directory: process.argv[2] }) });
const listener = server.listen({ host: "127.0.0.1", port: 0 });
listener.once("listening", () => console.log(listener.address().port));
