"""b002: accounts: register, log in, refresh, log out; what is wrong is refused, and said so."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from stage import Stage  # noqa: E402  (the folder must be on the path first)
from api import Api  # noqa: E402  (stage puts its folder there)


class Accounts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.stage.__enter__()
        cls.api = Api(cls.stage.url)

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def register(self, name):
        email = f"{name}@example.org"
        made = self.api.want("POST", "/api/v1/auth/register", {"email": email, "password": "correct horse", "name": name})
        self.assertEqual(made.status, 201)
        self.assertEqual(made.headers["Location"], "/api/v1/users/" + made.json["id"])
        return email

    def login(self, email, **more):
        return self.api.send("POST", "/api/v1/auth/login", {"email": email, "password": "correct horse", **more})

    def assert_problem(self, answer, status, field=None):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["type"] and problem["title"] and problem["request_id"])
        if field:
            self.assertIn(field, [e["field"] for e in problem["errors"]], problem)

    def test_an_account_is_made_and_used(self):
        tokens = self.login(self.register("Alice").upper()).json      # addresses are not case sensitive
        me = Api(self.stage.url, token=tokens["access_token"])
        self.assertEqual(me.get("/api/v1/users/me")["role"], "creator")
        self.assertEqual(me.get("/api/v1/auth/validate")["user_id"], tokens["user"]["id"])
        changed = me.want("PATCH", f"/api/v1/users/{tokens['user']['id']}", {"name": "Alice B"}).json
        self.assertEqual(changed["name"], "Alice B")

    def test_what_is_wrong_is_named(self):
        email = self.register("bob")
        again = {"email": email, "password": "correct horse"}
        self.assert_problem(self.api.send("POST", "/api/v1/auth/register", again), 409, "email")
        self.assert_problem(self.api.send("POST", "/api/v1/auth/register", {"email": "x", "password": "correct horse"}), 400)
        self.assert_problem(self.api.send("POST", "/api/v1/auth/register", {"email": "x@y.z", "password": "password"}), 400,
                            "password")
        self.assert_problem(self.api.send("POST", "/api/v1/auth/register", {"email": 5, "password": "correct horse"}), 400,
                            "email")
        self.assert_problem(self.api.send("POST", "/api/v1/auth/register", {"password": "correct horse"}), 400, "email")
        self.assert_problem(self.api.send("GET", "/api/v1/users/me"), 401)

    def test_an_unknown_account_and_a_wrong_password_look_the_same(self):
        email = self.register("carol")
        wrong = self.api.send("POST", "/api/v1/auth/login", {"email": email, "password": "wrong horse"})
        unknown = self.api.send("POST", "/api/v1/auth/login", {"email": "nobody@example.org", "password": "wrong horse"})
        self.assert_problem(wrong, 401)
        differing = {"request_id"}
        self.assertEqual({k: v for k, v in wrong.json.items() if k not in differing},
                         {k: v for k, v in unknown.json.items() if k not in differing})

    def test_wrong_passwords_slow_an_account_down(self):
        slow, before = self.guess(self.register("dave"))
        self.assertGreaterEqual(before, 4)
        self.assertGreater(int(slow.headers["Retry-After"]), 0)

    def guess(self, email, **more):
        """The first answer to a wrong password that says to wait, and how many there were before it: four, or more where the machine is
        so slow that the pause was over. Each doubles it."""
        for n in range(12):
            answer = self.api.send("POST", "/api/v1/auth/login", {"email": email, "password": f"wrong horse {n}", **more})
            if answer.status != 401:
                break
        self.assertEqual(answer.status, 429)
        return answer, n

    def test_refresh_tokens_change_with_each_use_and_a_stolen_one_ends_the_session(self):
        first = self.login(self.register("erin")).json
        second = self.api.post("/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
        self.assertNotEqual(second["refresh_token"], first["refresh_token"])
        again = self.api.post("/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
        self.assertEqual(again["refresh_token"], second["refresh_token"], "a reply that was lost is given again")
        third = self.api.post("/api/v1/auth/refresh", {"refresh_token": second["refresh_token"]})
        stolen = self.api.send("POST", "/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
        self.assert_problem(stolen, 401)
        self.assert_problem(self.api.send("POST", "/api/v1/auth/refresh", {"refresh_token": third["refresh_token"]}), 401)

    def test_a_browser_gets_a_cookie_and_must_show_where_it_comes_from(self):
        answer = self.login(self.register("frank"), web=True)
        self.assertEqual(answer.status, 200)
        cookie = answer.headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Lax", cookie)
        for name in ("session", "access_token", "refresh_token"):
            self.assertNotIn(name, answer.json)
        mine = {"Cookie": cookie.split(";")[0]}
        user = self.api.want("GET", "/api/v1/users/me", headers=mine).json
        change = f"/api/v1/users/{user['id']}"
        elsewhere = {**mine, "Sec-Fetch-Site": "cross-site"}
        self.assert_problem(self.api.send("PATCH", change, {"name": "Mallory"}, elsewhere), 403)
        here = {**mine, "Sec-Fetch-Site": "same-origin", "X-Kinobus": "1"}
        self.assertEqual(self.api.send("PATCH", change, {"name": "Franky"}, here).status, 200)
        self.assertEqual(self.api.send("POST", "/api/v1/auth/logout", {}, here).status, 200)
        self.assert_problem(self.api.send("GET", "/api/v1/users/me", headers=mine), 401)

    def test_only_an_administrator_gives_roles(self):
        grace = self.login(self.register("grace")).json
        change = f"/api/v1/users/{grace['user']['id']}"
        me = Api(self.stage.url, token=grace["access_token"])
        self.assert_problem(me.send("PATCH", change, {"role": "admin"}), 403, "role")
        self.assert_problem(me.send("GET", "/api/v1/users"), 403)
        admin = self.stage.login()
        self.assertEqual(admin.want("PATCH", change, {"role": "viewer"}).json["role"], "viewer")
        self.assertIn(grace["user"]["id"], [u["id"] for u in admin.get("/api/v1/users?limit=100")["items"]])

    def test_a_new_password_ends_every_other_session(self):
        heidi = self.login(self.register("heidi")).json
        other = self.login(heidi["user"]["email"]).json
        me = Api(self.stage.url, token=heidi["access_token"])
        change = {"password": "another horse", "old_password": "wrong"}
        self.assert_problem(me.send("POST", "/api/v1/auth/password", change), 403, "old_password")
        kept = me.post("/api/v1/auth/password", {**change, "old_password": "correct horse"})
        self.assertEqual(Api(self.stage.url, token=kept["access_token"]).get("/api/v1/users/me")["id"], heidi["user"]["id"])
        self.assert_problem(self.api.send("POST", "/api/v1/auth/refresh", {"refresh_token": other["refresh_token"]}), 401)
        self.assertEqual(self.api.send("POST", "/api/v1/auth/refresh", {"refresh_token": heidi["refresh_token"]}).status, 200)
        self.assert_problem(self.login(heidi["user"]["email"]), 401)

    def test_sessions_are_listed_and_ended(self):
        email = self.register("ivan")
        phone, desk = self.login(email, client="phone").json, self.login(email, client="desk").json
        me = Api(self.stage.url, token=desk["access_token"])
        seen = me.get("/api/v1/auth/sessions")["items"]
        self.assertEqual([(s["client"], s["current"]) for s in seen], [("desk", True), ("phone", False)])
        self.assertEqual(me.send("DELETE", f"/api/v1/auth/sessions/{seen[1]['id']}").status, 204)
        self.assert_problem(self.api.send("POST", "/api/v1/auth/refresh", {"refresh_token": phone["refresh_token"]}), 401)
        self.assertEqual(len(me.get("/api/v1/auth/sessions")["items"]), 1)

    def test_a_browser_that_signed_in_before_is_not_slowed_down_by_strangers(self):
        email = self.register("judy")
        cookies = self.login(email, web=True).headers.get_all("Set-Cookie")
        device = next(c.split(";")[0] for c in cookies if c.startswith("dev="))
        self.guess(email)
        known = self.api.send("POST", "/api/v1/auth/login", {"email": email, "password": "correct horse"}, {"Cookie": device})
        self.assertEqual(known.status, 200)
        said = {"email": email, "password": "correct horse", "device": device[4:]}      # only the cookie counts
        self.guess(email, device=said["device"])
        self.assertEqual(self.api.send("POST", "/api/v1/auth/login", said).status, 429)

    def test_a_platform_without_mail_says_that_it_cannot_mail_a_link(self):
        answer = self.api.send("POST", "/api/v1/auth/reset", {"email": "nobody@example.org"})
        self.assert_problem(answer, 501)
        self.assertIn("sends no mail", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
