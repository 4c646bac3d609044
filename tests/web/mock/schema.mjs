// The schemas, as the app's types are made from them: routes, and a check of everything that goes in and out. What
// the stand-in server takes or says that the real one could not is an error here, so it cannot drift into fiction.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const TYPES = fileURLToPath(new URL("../../../web/app/api_types.py", import.meta.url));
export const schema = JSON.parse(execFileSync("python3", [TYPES, "--json"], { maxBuffer: 1 << 26 }));

const fieldsOf = (type) => (schema.struct[type] ?? schema.value[type] ?? schema.event[type])?.fields;

export class Refusal extends Error {
    constructor(status, title, errors = [], refusals = []) {
        super(title);
        this.status = status;
        this.errors = errors;
        this.refusals = refusals;
    }
}

/** Calls with an HTTP address, as {name, method, pattern, names, call}. */
export const routes = Object.entries(schema.call).filter(([, call]) => call.http).map(([name, call]) => {
    const [method, path] = call.http.split(" ");
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
    return { name, call, method, names, pattern: new RegExp("^" + path.replace(/\{\w+\}/g, "([^/]+)") + "$") };
}).sort((a, b) => a.names.length - b.names.length);     // users/me before users/{id}

function wrong(field, value) {
    const kinds = { text: "string", id: "string", time: "string", enum: "string", bytes: "string", bool: "boolean",
        count: "number", uint: "number", int: "number", float: "number", struct: "object" };
    if (typeof value !== kinds[field.type])
        return `must be a ${kinds[field.type]}`;
    if (field.type === "enum" && !(value in schema.enum[field.of].values))
        return `must be one of ${Object.keys(schema.enum[field.of].values).join(", ")}`;
    if (field.type === "id" && !new RegExp(`^${field.of}_[0-9a-z]{26}$`).test(value))
        return "is not such an id";
    const size = field.type === "text" ? [...value].length : field.type === "count" ? value : undefined;
    if (size !== undefined && field.min !== undefined && size < field.min && !(field.type === "text" && value === "" && !field.required))
        return field.type === "text" ? `has less than ${field.min} characters` : `is less than ${field.min}`;
    if (size !== undefined && field.max !== undefined && size > field.max)
        return field.type === "text" ? `has more than ${field.max} characters` : `is more than ${field.max}`;
    return null;
}

/** What is wrong with an object of these fields: [{field, message}]. */
export function check(fields, object, path = "") {
    const errors = [];
    for (const name of Object.keys(object))
        if (!fields.some((f) => f.name === name))
            errors.push({ field: path + name, message: "is not a field that anybody knows" });
    for (const field of fields) {
        const value = object[field.name];
        if (value === undefined || value === null) {
            if (field.required)
                errors.push({ field: path + field.name, message: "is missing" });
            continue;
        }
        if (field.list && !Array.isArray(value)) {
            errors.push({ field: path + field.name, message: "must be a list" });
            continue;
        }
        (field.list ? value : [value]).forEach((one, i) => {
            const at = path + field.name + (field.list ? `[${i}]` : "");
            const said = wrong(field, one);
            if (said)
                errors.push({ field: at, message: said });
            else if (field.type === "struct")
                errors.push(...check(fieldsOf(field.of), one, at + "."));
        });
    }
    return errors;
}

/** Text from a path or a query as the field wants it. */
export function fromText(field, text) {
    if (["count", "uint", "int", "float"].includes(field?.type))
        return Number(text);
    return field?.type === "bool" ? text === "true" : text;
}

export function checkReply(call, reply) {
    const fields = typeof call.reply === "string" ? fieldsOf(call.reply) : (call.reply ?? []);
    const errors = check(fields, reply ?? {});
    if (errors.length)
        throw new Error(`the stand-in's reply breaks the schema: ${JSON.stringify(errors)}`);
}

export function checkTold(type, value) {
    const errors = check(fieldsOf(type), value);
    if (errors.length)
        throw new Error(`the stand-in's ${type} breaks the schema: ${JSON.stringify(errors)}`);
}
