"""What the schema compiler writes of two small schemas, and what it refuses and how it says so.

UPDATE_GOLDEN=1 rewrites tests/schema/golden after a change that was meant; the difference is then read in review.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, "tests", "schema")
COMPILER = os.path.join(TOP, "schemas", "compile", "main.py")
SAMPLES = [os.path.join(HERE, "samples", f"{name}.toml") for name in ("errors", "library", "shelf")]


def compile_schemas(*args):
    return subprocess.run([sys.executable, COMPILER, *args], capture_output=True, text=True, check=False)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def schema(self, text, name="thing.toml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def refuse(self, text, sentence):
        errors = self.schema(read(HERE, "samples", "errors.toml"), "errors.toml")
        ran = compile_schemas("--out", os.path.join(self.folder, "out"), errors, self.schema(text))
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertEqual(ran.stderr.strip(), "schema: " + sentence)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out")), "nothing is written of a schema that is wrong")


class Golden(Folder):
    maxDiff = None

    def test_what_is_written_is_what_was_agreed(self):
        ran = compile_schemas("--out", self.folder, *SAMPLES)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        golden = os.path.join(HERE, "golden")
        if os.environ.get("UPDATE_GOLDEN"):
            os.makedirs(golden, exist_ok=True)
            for name in os.listdir(self.folder):
                if name not in ("policy.c", "openapi.c"):  # the same text once more, as C strings
                    with open(os.path.join(golden, name), "w", encoding="utf-8") as f:
                        f.write(read(self.folder, name))
        self.assertTrue(os.listdir(golden))
        for name in sorted(os.listdir(golden)):
            with self.subTest(name):
                self.assertEqual(read(self.folder, name), read(golden, name))

    def test_nothing_is_rewritten_that_stays_the_same(self):
        compile_schemas("--out", self.folder, *SAMPLES)
        path = os.path.join(self.folder, "library.h")
        os.utime(path, (1, 1))
        compile_schemas("--out", self.folder, *SAMPLES)
        self.assertEqual(os.stat(path).st_mtime, 1)

    def test_the_order_of_the_arguments_changes_nothing(self):
        compile_schemas("--out", self.folder + "/a", *SAMPLES)
        compile_schemas("--out", self.folder + "/b", *reversed(SAMPLES))
        for name in os.listdir(self.folder + "/a"):
            self.assertEqual(read(self.folder, "a", name), read(self.folder, "b", name))


class Real(Folder):
    def setUp(self):
        super().setUp()
        schemas = os.path.join(TOP, "schemas")
        ran = compile_schemas("--out", self.folder, *(os.path.join(schemas, n) for n in os.listdir(schemas) if n.endswith(".toml")))
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_openapi_names_only_what_it_defines(self):
        document = json.loads(read(self.folder, "openapi.json"))
        self.assertEqual(document["openapi"], "3.1.0")
        defined = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        named = set()

        def walk(node):
            if isinstance(node, dict):
                named.update([node["$ref"]] if "$ref" in node else [])
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(document)
        self.assertLessEqual(named, defined)
        for path, methods in document["paths"].items():
            for operation in methods.values():
                in_path = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
                self.assertEqual(in_path, {part[1:-1] for part in path.split("/") if part.startswith("{")}, path)
                self.assertTrue(any(code.startswith(("2", "3")) for code in operation["responses"]))

    def test_secrets_meant_for_cookies_are_not_in_the_document(self):
        login = json.loads(read(self.folder, "openapi.json"))["components"]["schemas"]["login_result"]
        self.assertNotIn("session", login["properties"])

    def test_every_line_of_the_policy_is_one_the_broker_knows(self):
        lines = read(self.folder, "policy").splitlines()
        self.assertEqual(lines[0], "kinobus-policy 1")
        for line in lines[1:]:
            self.assertRegex(line, r"^$|^#|^allow [a-z]+ (call|offer|put|take|append|follow|set|watch|tap) [a-z0-9_$.*>-]+$"
                                   r"|^(queue|stream|service|value) [a-z0-9_.]+( |$)|^call [a-z0-9_.]+ reads$")


FIELD = '[struct.s]\nfields = [{ id = 1, name = "a", type = "text", max = 5 }]\n'


class Refusals(Folder):
    def test_a_number_is_not_given_twice(self):
        self.refuse('[struct.s]\nfields = [{ id = 1, name = "a", type = "int" }, { id = 1, name = "b", type = "int" }]',
                    "thing.toml: struct.s.b: number 1 is that of a already")

    def test_a_reserved_number_is_not_used(self):
        self.refuse('[struct.s]\nreserved = [3]\nfields = [{ id = 3, name = "a", type = "int" }]',
                    "thing.toml: struct.s.a: number 3 is reserved: a field that is gone had it")

    def test_words_of_c_are_not_names(self):
        self.refuse('[struct.register]\nfields = []', "thing.toml: struct.register: 'register' is a word of C; choose another name")

    def test_what_a_stream_keeps_is_a_positive_number(self):
        self.refuse('[stream]\nkeep_bytes = 0', "thing.toml: stream: keep_bytes is a positive number")
        self.refuse('[stream]\nkeep_days = 3', "thing.toml: stream: 'keep_days' is not a property here; known are keep_bytes, keep_s")

    def test_a_property_that_is_not_known_is_not_passed_over(self):
        self.refuse('[struct.s]\nfields = [{ id = 1, name = "a", type = "int", maximum = 4 }]',
                    "thing.toml: struct.s: 'maximum' is not a property here; known are address, cookie, default, doc, id, list, max, "
                    "max_items, min, min_items, name, of, optional, required, secret, type")

    def test_a_list_has_a_bound(self):
        self.refuse('[struct.s]\nfields = [{ id = 1, name = "a", type = "int", list = true }]',
                    "thing.toml: struct.s.a: max_items is missing: a list has a bound")

    def test_a_default_keeps_its_own_bounds(self):
        self.refuse('[struct.s]\nfields = [{ id = 1, name = "a", type = "count", max = 5, default = 6 }]',
                    "thing.toml: struct.s.a: the default 6 is out of its own bounds")

    def test_an_enum_begins_at_one(self):
        self.refuse('[enum.e]\nvalues = { a = 0 }', "thing.toml: enum.e: values are numbers from 1 on; 0 says absent")

    def test_a_struct_does_not_hold_itself(self):
        self.refuse('[struct.a]\nfields = [{ id = 1, name = "b", type = "struct", of = "b" }]\n'
                    '[struct.b]\nfields = [{ id = 1, name = "a", type = "struct", of = "a" }]',
                    "thing.toml: struct.a: holds itself: a in b in a")

    def test_nesting_is_bounded(self):
        text = '[struct.s0]\nfields = [{ id = 1, name = "x", type = "int" }]\n'
        for i in range(1, 5):
            text += (f'[struct.s{i}]\nfields = [{{ id = 1, name = "x", type = "struct", of = "s{i - 1}", list = true, '
                     f'max_items = 2 }}]\n')
        self.refuse(text, "thing.toml: struct.s4: nests 9 levels of maps and lists; 8 are allowed")

    def test_a_path_names_fields_of_the_request(self):
        self.refuse('[call.c]\nhttp = "GET /things/{id}"\nallow = ["anyone"]',
                    "thing.toml: call.c: http: {id} is not a plain field of the request")

    def test_two_calls_do_not_share_a_route(self):
        self.refuse('[call.c]\nhttp = "GET /x/{a}"\nallow = ["anyone"]\nrequest = [{ id = 1, name = "a", type = "text" }]\n'
                    '[call.d]\nhttp = "GET /x/{b}"\nallow = ["anyone"]\nrequest = [{ id = 1, name = "b", type = "text" }]',
                    "thing.toml: call.d: http: GET /x/{b} is that of thing.c already")

    def test_a_route_by_hand_has_an_address_of_its_own(self):
        route = 'doc = "A."\nhttp = "GET /a/{b}"\nallow = ["anyone"]\nanswers = [{ status = 200, doc = "It." }]\n'
        call = '[call.b]\nhttp = "GET /a/{id}"\nallow = ["anyone"]\nrequest = [{ id = 1, name = "id", type = "text" }]\n'
        self.refuse(f"actor = \"thing\"\n[route.a]\n{route}[uses]\nroutes = true\n" + call,
                    "thing.toml: call.b: http: GET /a/{id} is that of a already")
        self.refuse(f"actor = \"thing\"\n[route.a]\n{route}", "thing.toml: route.a: only who has uses.routes serves HTTP")
        self.refuse(f"actor = \"thing\"\n[route.a]\n{route}headers = [\"X\"]\n", "thing.toml: route.a: the header 'X' is not in [header]")
        self.refuse(f"actor = \"thing\"\n[route.a]\n{route}".replace("{b}", "{b*}/c"),
                    "thing.toml: route.a: http: only the last parameter may take the rest of the path")

    def test_who_may_call_is_said(self):
        self.refuse('[call.c]\nallow = ["king"]', "thing.toml: call.c: allow: 'king' is neither a role nor one of anyone, "
                                                 "owner, actors")

    def test_an_error_is_in_the_table(self):
        self.refuse('[call.c]\nallow = ["anyone"]\nerrors = ["tired"]', "thing.toml: call.c: errors: 'tired' is not in errors.toml")

    def test_what_is_used_exists(self):
        self.refuse('[uses]\ncall = ["other.c"]', "thing.toml: uses.call: there is no call 'other.c'")
        self.refuse('[uses]\nsetting = ["thing.s"]\n[setting.s]\ntype = "bool"\ndefault = false\ndoc = "s"',
                    "thing.toml: uses.setting: there is no setting 'thing.s' of another program")

    def test_a_name_is_taken_once(self):
        self.refuse(FIELD + '[call.s]\nallow = ["anyone"]',
                    "thing.toml: call.s.request: the name s is taken already, by thing.toml: struct.s")

    def test_a_key_is_of_fields_that_can_be_ordered(self):
        self.refuse('[record.r]\ntable = 1\nkey = ["a"]\nfields = [{ id = 1, name = "a", type = "float" }]',
                    "thing.toml: record.r: a cannot be part of a key: it is a float")


class Lock(Folder):
    """What was released stays as it was."""

    BEFORE = ('[struct.s]\nfields = [{ id = 1, name = "a", type = "text", max = 5 }, { id = 2, name = "b", type = "int" }]\n'
              '[enum.e]\nvalues = { x = 1, y = 2 }\n')

    def setUp(self):
        super().setUp()
        ran = compile_schemas("--release", self.schema(self.BEFORE))
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def changed(self, old, new):
        self.assertIn(old, self.BEFORE)
        return compile_schemas(self.schema(self.BEFORE.replace(old, new))).stderr.strip()

    def test_what_is_the_same_passes(self):
        self.assertEqual(compile_schemas(self.schema(self.BEFORE)).returncode, 0)

    def test_something_new_passes(self):
        self.assertEqual(self.changed('type = "int" }', 'type = "int" }, { id = 3, name = "c", type = "bool" }'), "")

    def test_a_field_is_not_renumbered(self):
        self.assertEqual(self.changed("id = 2", "id = 7"),
                         "schema: struct.s.b was released as number 2 and is 7 now: numbers never change; "
                         "give the new thing a new name")

    def test_a_field_is_not_retyped(self):
        self.assertEqual(self.changed('type = "int"', 'type = "count"'),
                         "schema: struct.s.b was released as int and is count now: types never change; "
                         "give the new thing a new name and number")

    def test_a_field_that_goes_leaves_its_number_reserved(self):
        gone = ', { id = 2, name = "b", type = "int" }'
        self.assertEqual(self.changed(gone, ""),
                         "schema: thing.toml: struct.s: b was released as number 2 and is gone: add 2 to its reserved list, "
                         "so that nothing else gets the number")
        self.assertEqual(compile_schemas(self.schema(self.BEFORE.replace(gone, "").replace(
            "[struct.s]\n", "[struct.s]\nreserved = [2]\n"))).stderr, "")

    def test_a_value_of_an_enum_is_not_renumbered(self):
        self.assertIn("enum.e.y was released as number 2 and is 3 now", self.changed("y = 2", "y = 3"))

    def test_a_bound_may_change(self):
        self.assertEqual(self.changed("max = 5", "max = 50"), "")


if __name__ == "__main__":
    unittest.main()
