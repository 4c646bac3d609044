"""The API against the whole platform: whatever is wrong with a request, on every route there is, the answer is a problem
document with the right status. The routes and their fields are read from the platform's own OpenAPI document."""
import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import until  # noqa: E402  (the folder must be on the path first)
from stage import Api, Stage  # noqa: E402

UNKNOWN = "01h455vb4pex5vsknk084sn02q"      # well formed; nobody has it
PASSWORD = "correct horse battery"


class Wrong(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage().__enter__()
        cls.admin = cls.stage.login()
        cls.anyone = Api(cls.stage.url)
        cls.anyone.post("/api/v1/auth/register", {"email": "bob@example.org", "password": PASSWORD, "name": "Bob"})
        cls.bob = Api(cls.stage.url).login("bob@example.org", PASSWORD)
        cls.api = cls.anyone.get("/api/openapi.json")

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def routes(self):
        for path, methods in self.api["paths"].items():
            for method, operation in methods.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    yield method.upper(), path, operation

    def schema(self, node):
        while "$ref" in node:
            node = self.api["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]]
        return node

    def body_schema(self, operation):
        content = operation.get("requestBody", {}).get("content", {})
        return self.schema(content["application/json"]["schema"]) if "application/json" in content else None

    def filled(self, path, unknown=UNKNOWN):
        """The path with ids in it that are well formed and that nobody has."""
        shape = {}
        for operation in self.api["paths"][path].values():
            for p in operation.get("parameters", []) if isinstance(operation, dict) else []:
                if p["in"] == "path":
                    kind = re.match(r"\^([a-z]+_)\[", p["schema"].get("pattern", ""))
                    shape[p["name"]] = kind[1] + unknown if kind else "1"
        return re.sub(r"\{(\w+)\}", lambda m: shape[m[1]], path)

    def ask(self, who, method, path, operation, body=None, headers=None):
        """With the headers that the document says are needed, so that what is wrong is something else."""
        needed = {p["name"]: {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Blob-Hash": "0" * 64}[p["name"]]
                  for p in operation.get("parameters", []) if p["in"] == "header" and p["required"]}
        kinds = list(operation.get("requestBody", {}).get("content", {"application/json": None}))
        if kinds != ["application/json"]:
            needed["Content-Type"], body = kinds[0], b""
        return who.send(method, path, body, {**needed, **(headers or {})})

    def problem(self, answer, *statuses):
        self.assertIn(answer.status, statuses, answer.body[:300])
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        document = answer.json
        self.assertEqual(document["status"], answer.status)
        self.assertRegex(document["type"], "^urn:kinobus:problem:[a-z_]+$")
        self.assertTrue(document["title"])
        self.assertRegex(document["request_id"], "^req_[0-9a-z]{26}$")
        self.assertEqual(document["request_id"], answer.headers["X-Request-Id"])
        return document

    def named(self, answer, field):
        document = self.problem(answer, 400)
        self.assertEqual([e["field"].split("[")[0].split(".")[0] for e in document.get("errors", [])], [field], document)

    def test_there_are_routes_to_look_at(self):
        self.assertGreater(len(list(self.routes())), 20)

    def test_an_address_with_an_id_that_is_none_is_not_found(self):
        for method, path, operation in self.routes():
            if "{" not in path:
                continue
            for name in ("x", "video_", "user_01h455vb4pex5vsknk084sn02", "upload_8zzzzzzzzzzzzzzzzzzzzzzzzz", "video_" + "0" * 500,
                         "video_01H455VB4PEX5VSKNK084SN02Q", "%C3%A9"):
                with self.subTest(f"{method} {path} {name[:40]}"):
                    wrong = re.sub(r"\{\w+\}", name, path)
                    self.problem(self.ask(self.admin, method, wrong, operation, {} if method != "GET" else None), 404)

    def test_what_nobody_has_is_not_found(self):
        needed = {"PUT /api/v1/videos/{id}/progress": {"position_ms": 1}, "POST /api/v1/videos/{id}/poster": {"at_ms": 1},
                  "POST /api/v1/videos/{id}/codecs": {"codec": "av1"}, "POST /api/v1/direct-uploads/{id}/parts": {"numbers": [1]},
                  "POST /api/v1/playback/{id}/report": {"number": 1, "state": "playing"}}
        for method, path, operation in self.routes():
            if "{" in path:
                with self.subTest(f"{method} {path}"):
                    body = needed.get(f"{method} {path}", {} if method != "GET" else None)
                    refused = [404, 403] if "{token}" in path else [404]
                    self.problem(self.ask(self.admin, method, self.filled(path), operation, body), *refused)

    def test_what_needs_an_object_store_says_how_to_have_one(self):
        document = self.problem(self.admin.send("POST", "/api/v1/direct-uploads", {"length": 3}), 501)
        self.assertEqual(document["refused_by"], "catalog")
        self.assertIn("catalog.far", document["detail"])

    def test_uploads_that_no_front_sees_count_as_uploads_do(self):
        self.stage.cli("config", "front", "trust_loopback", "false")
        try:
            answer = until("the front has heard of it", lambda: self.bob.send("POST", "/api/v1/direct-uploads", {"length": 3}),
                           lambda answer: "RateLimit-Limit" in answer.headers)
            self.assertEqual(answer.headers["RateLimit-Limit"], "300")      # front.uploads_per_hour
        finally:
            self.stage.cli("config", "front", "trust_loopback", "--unset")

    def test_who_says_nothing_is_asked_who_he_is(self):
        for method, path, operation in self.routes():
            if {} in operation["security"]:
                continue
            for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer " + "e30." * 3},
                            {"Authorization": "Basic Ym9iOmJvYg=="}, {"Cookie": "s=" + "a" * 43}, {"Cookie": "s=;s=\"\""}):
                with self.subTest(f"{method} {path} {headers}"):
                    answer = self.ask(self.anyone, method, self.filled(path), operation, {} if method != "GET" else None, headers)
                    self.problem(answer, 401)

    def test_who_may_not_is_refused(self):
        self.problem(self.bob.send("GET", "/api/v1/users"), 403)
        video = self.admin.post("/api/v1/videos", {"title": "Private"})["id"]
        for method, path in (("PATCH", f"/api/v1/videos/{video}"), ("DELETE", f"/api/v1/videos/{video}"),
                             ("GET", f"/api/v1/videos/{video}/why"), ("POST", f"/api/v1/videos/{video}/retry")):
            with self.subTest(f"{method} {path}"):
                self.problem(self.bob.send(method, path, {} if method != "GET" else None), 403, 404)
        self.problem(self.bob.send("GET", f"/api/v1/videos/{video}"), 404)

    def values_that_do_not_fit(self, schema):
        kind = schema.get("type")
        if "enum" in schema:
            return ["nonsense", 1, ""]
        if kind == "string":
            wrong = [1, True, [], {}]
            if "maxLength" in schema:
                wrong.append("a" * (schema["maxLength"] + 1))
            if schema.get("minLength", 0) > 0:
                wrong.append("")
            if schema.get("format") == "date-time":
                wrong += ["yesterday", "2026-13-01T00:00:00Z", ""]
            return wrong
        if kind in ("integer", "number"):
            wrong = ["1", True, [], 1.5 if kind == "integer" else "x"]
            if "maximum" in schema:
                wrong.append(schema["maximum"] + 1)
            if schema.get("minimum", 0) >= 0 and kind == "integer":
                wrong.append(schema.get("minimum", 0) - 1)
            return wrong
        if kind == "boolean":
            return [1, "true", []]
        if kind == "array":
            return [1, "x", {}] + ([["a"] * (schema["maxItems"] + 1)] if "maxItems" in schema else [])
        return [1, "x", []]

    def right(self, name, schema):
        """A value that fits, so that one field alone is wrong."""
        kind = schema.get("type")
        if "enum" in schema:
            return schema["enum"][0]
        if name == "email":
            return "carol@example.org"
        if kind == "string":
            return "a" * max(schema.get("minLength", 0), 1)
        return {"integer": max(schema.get("minimum", 0), 1), "number": 1, "boolean": False, "array": []}.get(kind, {})

    def test_every_field_of_every_body_is_checked_and_named(self):
        looked_at = 0
        for method, path, operation in self.routes():
            body = self.body_schema(operation)
            if not body:
                continue
            properties = {n: self.schema(s) for n, s in body.get("properties", {}).items()}
            good = {n: self.right(n, properties[n]) for n in body.get("required", [])}
            who = self.admin
            for name in body.get("required", []):
                with self.subTest(f"{method} {path} without {name}"):
                    self.named(who.send(method, self.filled(path), {k: v for k, v in good.items() if k != name}), name)
            for name, schema in properties.items():
                for value in self.values_that_do_not_fit(schema):
                    with self.subTest(f"{method} {path} {name}={str(value)[:60]}"):
                        self.named(who.send(method, self.filled(path), {**good, name: value}), name)
                        looked_at += 1
        self.assertGreater(looked_at, 100)

    def test_every_parameter_of_every_query_is_checked_and_named(self):
        looked_at = 0
        for method, path, operation in self.routes():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "query":
                    continue
                schema, name = self.schema(parameter["schema"]), parameter["name"]
                wrong = {"integer": ["x", "-1", "1.5", "99999999999999999999999", str(schema.get("maximum", 10 ** 30) + 1), ""],
                         "boolean": ["yes", "2"], "string": ["a" * (schema.get("maxLength", 5000) + 1)]}[schema["type"]]
                for value in wrong:
                    with self.subTest(f"{method} {path}?{name}={value[:40]}"):
                        # a needed q stands beside what is wrong
                        query = f"{name}={value}" + ("&q=a" if "search" in path or "suggest" in path else "")
                        answer = self.admin.send(method, f"{self.filled(path)}?{query}")
                        if name == "q" or answer.status != 400:
                            self.problem(answer, 400)
                        else:
                            self.named(answer, name)
                        looked_at += 1
        self.assertGreater(looked_at, 20)

    def test_bodies_that_are_no_json_object_are_refused(self):
        deep = b'{"title":' + b"[" * 17 + b"]" * 17 + b"}"
        for method, path, operation in self.routes():
            if not self.body_schema(operation):
                continue
            limit = 300 * 1024
            for body, status in ((b"{", 400), (b"null", 400), (b"[]", 400), (b'"x"', 400), (b"{}{}", 400), (b"\xff\xfe", 400),
                                 (b"[" * 50000, 400), (deep, 400), (b'{"a":1,"a":2}', 400), (b'{"a":"\\u0000"}', 400),
                                 (b" " * limit + b"{}", 413)):
                if path.endswith("/complete") and status == 413:
                    status = 404                # which takes 10,000 ETags, and does not find what they are of
                with self.subTest(f"{method} {path} {body[:20]}"):
                    answer = self.admin.send(method, self.filled(path), body, {"Content-Type": "application/json"})
                    self.problem(answer, status)
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"):
                with self.subTest(f"{method} {path} {kind}"):
                    self.problem(self.admin.send(method, self.filled(path), b"{}", {"Content-Type": kind}), 415)

    def test_methods_that_a_path_does_not_have_are_refused(self):
        known = {}
        for method, path, _ in self.routes():
            known.setdefault(path, set()).add(method)
        for path in ("/api/v1/users/me", "/api/v1/videos/import"):
            del known[path]                 # what they lack is looked for at .../{id}
        for path, methods in known.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
                with self.subTest(f"{method} {path}"):
                    answer = self.admin.send(method, self.filled(path), b"")
                    self.problem(answer, 405)
                    self.assertEqual(methods, set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"})

    def test_a_method_in_the_same_words_as_head_answers_no_body(self):
        for path in ("/api/v1/videos", "/api/v1/users/me", "/api/v1/search?q=a"):
            get, head = self.admin.send("GET", path), self.admin.send("HEAD", path)
            self.assertEqual((get.status, head.status, head.body), (200, 200, b""))
            self.assertEqual(head.headers["Content-Length"], str(len(get.body)))

    def test_an_idempotency_key_makes_one_of_two(self):
        headers = {"Idempotency-Key": "once-1"}
        first = self.bob.want("POST", "/api/v1/videos", {"title": "Once"}, headers)
        again = self.bob.want("POST", "/api/v1/videos", {"title": "Once"}, headers)
        self.assertEqual((first.status, first.headers["Location"]), (201, f"/api/v1/videos/{first.json['id']}"))
        self.assertEqual(first.json["id"], again.json["id"])
        other = self.bob.want("POST", "/api/v1/videos", {"title": "Once"}, {"Idempotency-Key": "once-2"})
        self.assertNotEqual(first.json["id"], other.json["id"])
        for key in ("", "a" * 256, "\xe9"):
            self.problem(self.bob.send("POST", "/api/v1/videos", {"title": "x"}, {"Idempotency-Key": key}), 400)

    def test_strangers_do_not_share_an_idempotency_key(self):
        made = [self.anyone.want("POST", "/api/v1/auth/register", {"email": f"{name}@example.org", "password": PASSWORD},
                                 {"Idempotency-Key": "1"}).json for name in ("dora", "emil")]
        self.assertEqual([user["email"] for user in made], ["dora@example.org", "emil@example.org"])

    def test_answers_about_a_person_are_not_kept(self):
        self.assertEqual(self.bob.send("GET", "/api/v1/users/me").headers["Cache-Control"], "no-store")

    def test_unknown_members_are_passed_over_and_mean_nothing(self):
        video = self.bob.post("/api/v1/videos", {"title": "Mine", "owner_id": "user_" + UNKNOWN, "state": "ready", "rev": 99})
        self.assertNotEqual(video["owner_id"], "user_" + UNKNOWN)
        self.assertEqual(video["state"], "waiting")


class WebSession(unittest.TestCase):
    def test_a_page_has_a_cookie_and_no_token(self):
        with Stage() as p:
            page, same = Api(p.url), {"Sec-Fetch-Site": "same-origin"}
            body = {"email": "admin@localhost", "password": p.password, "web": True}
            answer = page.want("POST", "/api/v1/auth/login", body, same)
            cookie = answer.headers["Set-Cookie"]
            self.assertRegex(cookie, "^s=[A-Za-z0-9_-]{20,100}; Path=/; HttpOnly; SameSite=Lax")
            self.assertFalse({"session", "access_token", "refresh_token"} & set(answer.json), answer.json)
            mine = {"Cookie": cookie.split(";")[0]}

            self.assertEqual(page.want("GET", "/api/v1/users/me", None, mine).json["email"], "admin@localhost")
            for headers, status in (({}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "https://evil.example"}, 403),
                                    (same, 201), ({"Origin": p.url}, 201)):
                with self.subTest(headers):
                    answer = page.send("POST", "/api/v1/videos", {"title": "By a page"}, {**mine, **headers})
                    self.assertEqual(answer.status, status, answer.body)
            form = page.send("POST", "/api/v1/videos", b"", {**mine, **same, "Content-Type": "text/plain"})
            self.assertEqual(form.status, 403)

            out = page.want("POST", "/api/v1/auth/logout", {}, {**mine, **same})
            self.assertRegex(out.headers["Set-Cookie"], "^s=; .*Max-Age=0")
            self.assertEqual(page.send("GET", "/api/v1/users/me", None, mine).status, 401)
            self.assertEqual(page.send("GET", "/api/v1/videos", None, mine).status, 200)

    def test_a_token_dies_with_its_session(self):
        with Stage() as p:
            alice, other = p.login(), p.login()
            alice.post("/api/v1/auth/logout", {})
            self.assertEqual(alice.send("GET", "/api/v1/users/me").status, 401)
            self.assertEqual(other.send("GET", "/api/v1/users/me").status, 200)
            other.post("/api/v1/auth/logout", {"everywhere": True})
            self.assertEqual(other.send("GET", "/api/v1/users/me").status, 401)

    def test_no_token_and_no_password_is_in_a_log(self):
        with Stage() as p:
            alice = p.login()
            alice.send("GET", "/api/v1/users/me")
            video = alice.post("/api/v1/videos", {"title": "Seen"})["id"]
            alice.send("GET", f"/api/v1/videos/{video}?token={alice.token}")
            logs = p.logs(lines=10000)
            self.assertIn("/api/v1/users/me", logs)
            for secret in (p.password, alice.token, alice.token.rsplit(".", 1)[1]):
                self.assertNotIn(secret, logs)
            self.assertTrue(json.dumps(logs))


if __name__ == "__main__":
    unittest.main()
