"""b004: a film that is ready: its owner is told, anyone finds and watches it, somebody known goes on where he was; a
forged or foreign right opens nothing; history and watchlist; when, where and from which age it may be watched; what turns private or
is deleted leaves the lists."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from patience import until  # noqa: E402  (the folder must be on the path first)
from stage import Stage  # noqa: E402
from api import Api  # noqa: E402
import mmdb  # noqa: E402

EDGE = "s3cret"


def is_status(status):
    return lambda answer: answer.status == status


class Watching(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The secret of an edge: who knows it says where requests come from.
        cls.stage = Stage(env={"KINOBUS_FRONT_EDGE_SECRET": EDGE, "KINOBUS_FRONT_ANYONE_PER_MINUTE": "10000",
                               "KINOBUS_FRONT_LOGIN_PER_MINUTE": "1000", "KINOBUS_FRONT_REGISTER_PER_HOUR": "1000"})
        cls.stage.__enter__()
        try:
            cls.owner = cls.stage.login()
            cls.video = cls.stage.clip("Counting to ten", by=cls.owner)
        except BaseException:
            cls.stage.__exit__(*sys.exc_info())
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stage.__exit__(None, None, None)

    def person(self, name):
        email = f"{name}@example.org"
        Api(self.stage.url).post("/api/v1/auth/register", {"email": email, "password": "correct horse", "name": name})
        return Api(self.stage.url).login(email, "correct horse")

    def test_1_its_owner_is_told_and_anyone_finds_it(self):
        notes = until("its owner is told twice", lambda: self.owner.get("/api/v1/notifications"), lambda n: n.get("unread", 0) >= 2)
        kinds = [n["kind"] for n in notes["items"]]
        self.assertLess(kinds.index("video_ready"), kinds.index("video_playable"))     # the newest first
        self.owner.want("POST", "/api/v1/notifications/read", {"up_to": notes["items"][0]["id"]})
        self.assertEqual(self.owner.get("/api/v1/notifications").get("unread", 0), 0)
        anyone = Api(self.stage.url)
        hits = until("it is found", lambda: anyone.get("/api/v1/search?q=counting+te")["items"])
        self.assertEqual([hit["video_id"] for hit in hits], [self.video])
        self.assertEqual(anyone.get("/api/v1/suggest?q=COUNT")["items"], ["Counting to ten"])

    def test_2_a_right_opens_one_video_and_no_other(self):
        anyone = Api(self.stage.url)
        playing = anyone.post(f"/api/v1/videos/{self.video}/playback")
        self.assertEqual(anyone.send("GET", playing["hls_url"]).status, 200)
        _, media, token, video, version, leaf = playing["hls_url"].split("/")
        kid = token.split(".")
        later = ".".join([*kid[:3], str(int(kid[3]) + 3600), kid[4]])
        for path in (f"/{media}/{later}/{video}/{version}/{leaf}", f"/{media}/{token}/{video}/{int(version) + 1}/{leaf}",
                     f"/{media}/{token[:-1]}/{video}/{version}/{leaf}"):
            self.assertIn(anyone.send("GET", path).status, (401, 403, 404), path)
        poster = anyone.get(f"/api/v1/videos/{self.video}/poster")["url"]
        self.assertEqual(anyone.send("GET", poster).body[:2], b"\xff\xd8")

    def test_3_somebody_known_goes_on_where_he_was(self):
        ann = self.person("ann")
        path = f"/api/v1/videos/{self.video}"
        length = ann.post(f"{path}/playback")["duration_ms"]
        ann.want("PUT", f"{path}/progress", {"position_ms": length // 2, "duration_ms": length})
        watching = ann.get("/api/v1/users/me/watching")["items"]
        self.assertEqual([w["video_id"] for w in watching], [self.video])
        self.assertEqual(ann.send("GET", watching[0]["poster_url"]).status, 200)
        self.assertEqual(ann.post(f"{path}/playback")["resume_ms"], length // 2)
        self.stage.kill("playback")
        again = until("it plays again", lambda: ann.send("POST", f"{path}/playback", {}), is_status(200))
        self.assertEqual(again.json["resume_ms"], length // 2)
        ann.want("PUT", f"{path}/progress", {"position_ms": length})
        self.assertEqual(ann.get("/api/v1/users/me/watching").get("items", []), [])
        ann.want("PUT", f"{path}/progress", {"position_ms": length // 3})
        self.owner.want("PATCH", path, {"visibility": "private"})
        self.until_listed(ann, "watching", False)
        self.assertEqual(ann.send("POST", f"{path}/playback", {}).status, 404)
        self.owner.want("PATCH", path, {"visibility": "public"})
        self.until_listed(ann, "watching", True)

    @staticmethod
    def until_listed(api, mine, wanted):
        """Whether anything stands in a list of one's own."""
        until(f"{mine} is {'something' if wanted else 'nothing'}", lambda: api.get(f"/api/v1/users/me/{mine}").get("items", []),
              lambda items: bool(items) == wanted)

    def test_4_lists_of_ones_own_outlive_the_process_that_keeps_them(self):
        ann = Api(self.stage.url).login("ann@example.org", "correct horse")
        kept = f"/api/v1/users/me/watchlist/{self.video}"
        ann.want("PUT", kept)
        ann.want("PUT", kept)
        self.stage.kill("playback")
        answer = until("lists are told again", lambda: ann.send("GET", "/api/v1/users/me/watchlist"), is_status(200))
        self.assertEqual([item["video_id"] for item in answer.json["items"]], [self.video])
        self.assertTrue(ann.post(f"/api/v1/videos/{self.video}/playback")["kept"])
        self.assertEqual([item["video_id"] for item in ann.get("/api/v1/users/me/history")["items"]], [self.video])
        ann.want("DELETE", f"/api/v1/users/me/history/{self.video}")
        self.assertEqual(ann.get("/api/v1/users/me/history").get("items", []), [])
        self.assertEqual(self.owner.get("/api/v1/users/me/watchlist").get("items", []), [])
        self.assertEqual(Api(self.stage.url).send("PUT", kept, {}).status, 401)
        nobody = kept.replace(self.video, "video_01h455vb4pex5vsknk084sn02q")
        self.assertEqual(ann.send("PUT", nobody, {}).status, 404)

    def test_5_what_a_player_counts_is_told_to_the_owner_of_the_video(self):
        anyone = Api(self.stage.url)
        play = anyone.post(f"/api/v1/videos/{self.video}/playback")["session_id"]
        counted = {"number": 1, "state": "playing", "startup_ms": 300, "played_ms": 9000, "bitrate_kbps": 700, "top_kbps": 700}
        anyone.want("POST", f"/api/v1/playback/{play}/report", counted)
        anyone.want("POST", f"/api/v1/playback/{play}/report", counted)
        self.stage.kill("playback")
        where = f"/api/v1/videos/{self.video}/quality"
        answer = until("counts are told again", lambda: self.owner.send("GET", where), is_status(200)).json
        self.assertEqual((answer["views"], answer["played_ms"], answer["score"]), (1, 9000, 97))
        anyone.want("POST", f"/api/v1/playback/{play}/report", {**counted, "number": 2, "state": "paused", "played_ms": 10000})
        self.assertEqual(self.owner.get(where)["played_ms"], 10000)
        ann = Api(self.stage.url).login("ann@example.org", "correct horse")
        self.assertEqual(ann.send("GET", where).status, 403)
        self.assertEqual(anyone.send("GET", where).status, 401)
        other = "play_01h455vb4pex5vsknk084sn02q"
        self.assertEqual(anyone.send("POST", f"/api/v1/playback/{other}/report", counted).status, 404)
        self.assertEqual(anyone.send("POST", f"/api/v1/playback/{play}/report", {**counted, "number": 3, "played_ms": 80000000}).status, 400)

    def test_6_an_account_that_has_as_many_playbacks_as_it_may_is_told_so(self):
        ben = self.person("ben")
        path = f"/api/v1/videos/{self.video}/playback"
        play = ben.post(path)["session_id"]
        self.stage.cli("config", "playback", "streams_max", "1")
        self.addCleanup(self.stage.cli, "config", "playback", "streams_max", "--unset")
        refused = until("he may have one", lambda: ben.send("POST", path, {}), is_status(403)).json
        self.assertIn("of this account", refused["detail"])
        self.assertEqual(ben.post(path, {"session_id": play})["session_id"], play)

    def playback(self, who=None, address="203.0.113.9"):
        """As an edge passes it on for somebody there."""
        return (who or Api(self.stage.url)).send("POST", f"/api/v1/videos/{self.video}/playback", {},
                                                 {"X-Edge": EDGE, "X-Forwarded-For": address})

    def refused(self, *rules, who=None, status=403, address="203.0.113.9"):
        answer = until(f"{rules} refuse it", lambda: self.playback(who, address), is_status(status))
        self.assertEqual([refusal["rule"] for refusal in answer.json["refusals"]], list(rules))
        self.assertEqual(answer.json["detail"], answer.json["refusals"][0]["sentence"])
        return answer.json["refusals"][0]

    def test_7_a_video_is_watched_where_its_owner_says_as_the_countries_of_a_database_are(self):
        path, where = f"/api/v1/videos/{self.video}", os.path.join(self.stage.state, "countries.mmdb")
        handed = self.playback().json["hls_url"]
        self.owner.want("PATCH", path, {"regions": {"rule": "only", "countries": ["DE"]}})
        until("the address is taken back", lambda: Api(self.stage.url).send("GET", handed), is_status(403))
        self.refused("region")                                                      # no country is known
        self.assertEqual([r["rule"] for r in self.playback(self.owner).json["others_meet"]], ["region"])
        mmdb.write(where, {"203.0.113.0/24": "DE", "198.51.100.0/25": "FR", "2001:db8::/32": "DE"})
        self.stage.cli("config", "playback", "country_database", where)
        for address, wanted in (("203.0.113.9", 200), ("198.51.100.7", 403), ("198.51.100.200", 403), ("2001:db8::7", 200), ("2001:db9::7", 403)):
            until(f"{address} is answered {wanted}", lambda: self.playback(address=address), is_status(wanted))
        self.assertEqual(Api(self.stage.url).send("GET", self.playback().json["hls_url"]).status, 200)
        self.assertIn("(FR)", self.refused("region", address="198.51.100.7")["sentence"])
        self.assertEqual(Api(self.stage.url).send("POST", f"{path}/playback", {}, {"X-Forwarded-For": "203.0.113.9"}).status, 403)
        self.stage.cli("config", "playback", "unknown_country", "allowed")
        until("who is nowhere may watch", lambda: self.playback(address="198.51.100.200"), is_status(200))
        self.assertNotIn("regions", Api(self.stage.url).get(path))
        wrong = self.owner.send("PATCH", path, {"regions": {"rule": "only", "countries": ["UK"]}})
        self.assertEqual((wrong.status, wrong.json["errors"][0]["field"]), (400, "regions.countries"))
        self.owner.want("PATCH", path, {"regions": {}})

    def test_8_who_is_not_old_enough_or_says_nothing_does_not_watch(self):
        path, ann = f"/api/v1/videos/{self.video}", Api(self.stage.url).login("ann@example.org", "correct horse")
        self.owner.want("PATCH", path, {"minimum_age": 16})
        self.refused("age", status=401)
        self.assertIn("birthday", self.refused("age", who=ann)["sentence"])
        me = ann.get("/api/v1/users/me")["id"]
        ann.want("PATCH", f"/api/v1/users/{me}", {"birthday": "1990-12-31"})
        self.assertEqual(self.playback(ann).status, 200)
        self.assertEqual(ann.send("PATCH", f"/api/v1/users/{me}", {"birthday": "1960-12-31"}).status, 403)
        self.assertEqual([r["rule"] for r in self.playback(self.owner).json["others_meet"]], ["age"])
        self.owner.want("PATCH", path, {"minimum_age": 0})

    def test_8_when_the_window_closes_what_was_handed_out_is_taken_back(self):
        path, anyone = f"/api/v1/videos/{self.video}", Api(self.stage.url)
        handed = self.playback().json
        poster = anyone.get(f"{path}/poster")["url"]
        self.assertEqual(anyone.send("GET", poster.split("/img/")[0] + "/master.m3u8").status, 403)     # good for pictures alone
        self.assertEqual(anyone.send("GET", handed["hls_url"]).status, 200)
        short = self.closes_soon(path, handed)
        self.stage.kill("playback")         # what is to come of a window outlives it
        for url in (short["hls_url"], handed["hls_url"]):
            until("the address is taken back", lambda: anyone.send("GET", url), is_status(403))
        self.assertIn("until", self.refused("window"))
        self.assertEqual(anyone.send("GET", poster).status, 200)
        self.assertEqual(anyone.send("GET", self.playback(self.owner).json["hls_url"]).status, 200)
        self.assertEqual(anyone.get(path)["title"], "Counting to ten")                  # it is still found
        self.owner.want("PATCH", path, {"window": {}})
        until("it is given again", lambda: anyone.send("GET", handed["hls_url"]), is_status(200))

    def closes_soon(self, path, handed):
        """What is handed out shortly before the window closes: in three seconds, or in more where the machine is too slow to ask by then."""
        def known(answer):
            return answer.status == 200 and answer.json["expires_at"] != handed["expires_at"]

        for seconds in (3, 10, 30, 100):
            end = time.time() + seconds
            self.owner.want("PATCH", path, {"window": {"until": time.strftime("%Y-%m-%dT%H:%M:%S.500Z", time.gmtime(end))}})
            short = until("the window is known", self.playback, lambda answer: known(answer) or time.time() > end)
            if known(short):
                break
        self.assertTrue(known(short), short)
        self.assertLessEqual(short.json["expires_at"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)))
        return short.json

    def test_9_a_deleted_video_leaves_every_list(self):
        ann = Api(self.stage.url).login("ann@example.org", "correct horse")
        self.owner.want("DELETE", f"/api/v1/videos/{self.video}")
        for mine in ("watching", "watchlist"):
            self.until_listed(ann, mine, False)
        until("nobody finds it", lambda: Api(self.stage.url).get("/api/v1/search?q=counting").get("items", []), lambda items: not items)


if __name__ == "__main__":
    unittest.main()
