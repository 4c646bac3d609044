// The document that describes the API is one that OpenAPI's own schema accepts, and what it says of the routes is so.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Validator } from "@seriousme/openapi-schema-validator";

const top = fileURLToPath(new URL("../../", import.meta.url));

function compiled() {
    const folder = mkdtempSync(join(tmpdir(), "openapi-"));
    const schemas = readdirSync(join(top, "schemas")).filter((name) => name.endsWith(".toml")).map((name) => join(top, "schemas", name));
    try {
        execFileSync("python3", [join(top, "schemas/compile/main.py"), "--out", folder, ...schemas]);
        return JSON.parse(readFileSync(join(folder, "openapi.json"), "utf8"));
    } finally {
        rmSync(folder, { recursive: true });
    }
}

const document = compiled();

test("the document is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
    assert.equal(validator.version, "3.1");
});

test("a document that is wrong is found wrong", async () => {
    const wrong = structuredClone(document);
    delete wrong.paths["/api/v1/events"].get.responses;
    wrong.paths["/api/v1/events"].get.parameters = [{ name: "Last-Event-ID", in: "nowhere" }];
    assert.equal((await new Validator().validate(wrong)).valid, false);
});

test("what is served by hand is in it, with its headers and bodies", () => {
    const methods = (path) => Object.keys(document.paths[path]).sort();
    assert.deepEqual(methods("/api/v1/uploads"), ["options", "post"]);
    assert.deepEqual(methods("/api/v1/uploads/{id}"), ["delete", "head", "options", "patch"]);
    for (const path of ["/api/v1/events", "/api/v1/videos/stream/{id}", "/media/{token}/{video}/{version}/{file}",
        "/healthz", "/readyz", "/metrics", "/edge/rights", "/api/openapi.json"])
        assert.ok(document.paths[path].get, path);
    const patch = document.paths["/api/v1/uploads/{id}"].patch;
    assert.ok(patch.parameters.some((p) => p.in === "header" && p.name === "Upload-Offset" && p.required));
    assert.ok(patch.requestBody.content["application/offset+octet-stream"]);
    assert.ok(document.paths["/api/v1/videos/upload"].post.requestBody.content["multipart/form-data"].schema.properties.file);
    assert.ok(document.paths["/api/v1/events"].get.responses["200"].content["text/event-stream"]);
});
