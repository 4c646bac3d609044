"""gen/openapi.json: OpenAPI 3.1 of all calls with an http line and all routes by hand, and gen/openapi.h to serve it."""
import json

from text import BANNER, long_quote

BARE = {"bool": {"type": "boolean"}, "int": {"type": "integer", "format": "int64"},
        "count": {"type": "integer", "format": "int64", "minimum": 0}, "float": {"type": "number"},
        "text": {"type": "string"}, "time": {"type": "string", "format": "date-time"},
        "bytes": {"type": "string", "description": "base64url without padding"}}
ALWAYS = ["invalid", "internal", "busy", "unavailable", "timeout"]


def item(field):
    if field.type == "id":
        prefix = field.of + "_" if field.of else ""
        out = {"type": "string", "pattern": f"^{prefix}[0-7][0-9a-hjkmnp-tv-z]{{25}}$"}
    elif field.type in ("struct", "enum"):
        out = {"$ref": f"#/components/schemas/{field.of}"}
    else:
        out = dict(BARE[field.type])
    low, high = {"text": ("minLength", "maxLength"), "bytes": (None, None)}.get(field.type, ("minimum", "maximum"))
    if low and field.min is not None:
        out[low] = field.min
    if high and field.max is not None:
        out[high] = field.max
    return out


def member(field):
    out = item(field)
    if field.list:
        out = {"type": "array", "items": out, "maxItems": field.max_items}
        if field.min_items:
            out["minItems"] = field.min_items
    if field.default is not None:
        out["default"] = field.default
    if field.doc:
        out["description"] = field.doc
    return out


def struct(s, without=()):
    fields = [f for f in s.fields if f.name not in without and not f.cookie and not f.address]
    out = {"type": "object", "properties": {f.name: member(f) for f in fields}}
    required = [f.name for f in fields if f.required]
    if required:
        out["required"] = required
    if s.doc:
        out["description"] = s.doc
    return out


def problem(row):
    return {"description": row["title"], "content": {"application/problem+json": {
        "schema": {"$ref": "#/components/schemas/Problem"}}}}


def refusals(out, named, allow, errors):
    named = named + ALWAYS + ([] if "anyone" in allow else ["unauthenticated", "forbidden"])
    for name in dict.fromkeys(named):
        row = errors.by_name.get(name)
        if row:
            text = out.setdefault(str(row["http"]), problem(row))
            if row["title"] not in text["description"]:
                text["description"] += " Or: " + row["title"]
    return dict(sorted(out.items()))


def security(allow):
    return [{"bearer": []}, {"cookie": []}] + ([{}] if "anyone" in allow else [])


def responses(call, errors):
    out = {}
    if call.reply:
        out[str(call.status)] = {"description": call.reply.doc or "The answer.", "content": {"application/json": {
            "schema": {"$ref": f"#/components/schemas/{call.reply.name}"}}}}
    else:
        out[str(call.status)] = {"description": "Done."}
    return refusals(out, call.errors, call.allow, errors)


def operation(call, errors):
    params, body = call.parameters()
    out = {"operationId": call.name, "tags": [call.schema.name], "summary": call.doc or call.name}
    if params:
        out["parameters"] = [
            {"name": f.name, "in": "query" if at is None else "path", "required": at is not None or f.required,
             "schema": member(f), **({"description": f.doc} if f.doc else {})} for f, at in params]
    if body:
        in_path = [f.name for f, _ in params]
        schema = struct(call.request, in_path) if in_path else {"$ref": f"#/components/schemas/{call.request.name}"}
        out["requestBody"] = {"required": bool([f for f in call.request.fields if f.required and f.name not in in_path]),
                              "content": {"application/json": {"schema": schema}}}
    if call.method == "POST" and call.writes and "anyone" not in call.allow:
        out.setdefault("parameters", []).append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 255},
             "description": "The same key asked twice does it once; the answer is kept for 24 hours."})
    out["responses"] = responses(call, errors)
    out["security"] = security(call.allow)
    return out


def hand_answers(hand):
    out = {}
    for answer in hand.answers:
        one = {"description": answer["doc"]}
        if answer.get("headers"):
            one["headers"] = {name: {"description": hand.schema.headers[name], "schema": {"type": "string"}}
                              for name in answer["headers"]}
        if answer.get("type") or answer.get("of"):
            schema = {"$ref": f"#/components/schemas/{answer['of']}"} if answer.get("of") else {"type": "string"}
            one["content"] = {answer.get("type") or "application/json": {"schema": schema}}
        out[str(answer["status"])] = one
    return out


def hand_operation(hand, errors):
    out = {"operationId": hand.name, "tags": [hand.schema.name], "summary": hand.doc}
    params = [{"name": name, "in": "path", "required": True, "schema": {
        "type": "string", **({"pattern": f"^{hand.ids[name]}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"} if name in hand.ids else {})}}
        for name in hand.in_path]
    params += [{"name": name, "in": "header", "required": name in hand.required, "schema": {"type": "string"},
                "description": hand.schema.headers[name]} for name in dict.fromkeys(hand.required + hand.headers)]
    if params:
        out["parameters"] = params
    if hand.form:
        out["requestBody"] = {"required": True, "content": {hand.body: {"schema": {
            "type": "object", "required": ["file"],
            "properties": {name: {"type": "string", "description": doc, **({"format": "binary"} if name == "file" else {})}
                           for name, doc in hand.form.items()}}}}}
    elif hand.body:
        out["requestBody"] = {"required": hand.method == "PATCH", "content": {hand.body: {"schema": {
            "type": "string", "format": "binary"}}}}
    out["responses"] = refusals(hand_answers(hand), hand.errors, hand.allow, errors)
    out["security"] = security(hand.allow)
    return out


PROBLEM = {
    "type": "object", "description": "RFC 9457.", "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "Stable: names the error."}, "title": {"type": "string"},
        "status": {"type": "integer"}, "detail": {"type": "string"}, "request_id": {"type": "string"},
        "refused_by": {"type": "string", "description": "The actor that said no, or `front`."},
        "retryable": {"type": "boolean"},
        "errors": {"type": "array", "items": {"type": "object", "properties": {
            "field": {"type": "string"}, "message": {"type": "string"}}}}}}


def reached(model):
    """Structs and enums that a route shows, each once."""
    found, todo = {}, [s for c in model.routes for s in (c.request, c.reply) if s]
    todo += [answer["struct"] for hand in model.hands for answer in hand.answers if answer.get("struct")]
    while todo:
        thing = todo.pop()
        if thing.name in found:
            continue
        found[thing.name] = thing
        todo += [f.target for f in getattr(thing, "fields", []) if f.target]
    return sorted(found.items())


def document(model):
    paths = {}
    for call in model.routes:
        paths.setdefault(call.path, {})[call.method.lower()] = operation(call, model.errors)
    for hand in model.hands:
        paths.setdefault(hand.path.replace("*}", "}"), {})[hand.method.lower()] = hand_operation(hand, model.errors)
    schemas = {"Problem": PROBLEM}
    for name, thing in reached(model):
        if hasattr(thing, "fields"):
            schemas[name] = struct(thing)
        else:
            schemas[name] = {"type": "string", "enum": [word for word, _ in thing.values],
                             **({"description": thing.doc} if thing.doc else {})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kinobus", "version": "1", "description": "The HTTP API of a Kinobus platform.",
                 "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}], "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "s"}}}}


def text(model):
    return json.dumps(document(model), indent=1, ensure_ascii=True) + "\n"


def header():
    return BANNER.format(source="schemas") + """#pragma once

/* The OpenAPI 3.1 document of this build, as JSON. */
extern const char openapi_text[];
"""


def source(model):
    return (BANNER.format(source="schemas") + '#include "gen/openapi.h"\n\nconst char openapi_text[] =\n' +
            long_quote(text(model), "") + ";\n")
