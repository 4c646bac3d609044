"""The schemas as objects, checked: what is not understood is refused with a sentence, never passed over."""
import re

from text import KEYWORDS, SchemaError

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
KINDS = {"bool", "int", "count", "float", "text", "bytes", "id", "time", "enum", "struct"}
NUMBERS = {"int", "count", "float", "time"}
HAS = {"bool", "int", "count", "float", "time", "enum", "struct"}  # kinds whose zero does not say absent
ROLES = ["viewer", "creator", "moderator", "admin"]
WORDS = ["anyone", "owner", "actors"]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
DEPTH, NODES, UNKNOWN_NODES = 8, 1 << 20, 1024  # unknown: what a newer sender may add
DURABLE_MAX = 64 * 1024
FIELDS_MAX = 64  # the reader marks what it has seen in one word


def refuse(where, sentence):
    raise SchemaError(f"{where}: {sentence}")


def take(row, where, **known):
    """The properties of a table, with defaults; one that is not known is refused. ... means: must be there."""
    for key in row:
        if key not in known:
            refuse(where, f"'{key}' is not a property here; known are {', '.join(sorted(known))}")
    for key, default in known.items():
        if default is ... and key not in row:
            refuse(where, f"{key} is missing")
    return {key: row.get(key, default) for key, default in known.items()}


def check_name(name, where):
    if not NAME.match(name):
        refuse(where, f"'{name}' is not a name: lower case letters, digits and _")
    if name in KEYWORDS:
        refuse(where, f"'{name}' is a word of C; choose another name")
    return name


class Field:
    def __init__(self, row, where):
        p = take(row, where, id=..., name=..., type=..., of=None, list=False, min=None, max=None, min_items=0,
                 max_items=None, default=None, required=False, optional=False, secret=False, cookie=None, address=False, doc=None)
        self.__dict__.update(p)
        self.where = f"{where}.{self.name}"
        self.target = None  # the Struct or Enum that `of` names
        check_name(self.name, self.where)
        if self.type == "uint":
            self.type = "count"
        if self.type not in KINDS:
            refuse(self.where, f"'{self.type}' is not a type; known are {', '.join(sorted(KINDS))}")
        if not isinstance(self.id, int) or not 0 < self.id < 1 << 16:
            refuse(self.where, "id must lie in 1..65535")
        if self.type in ("enum", "struct") and not self.of:
            refuse(self.where, f"of is missing: which {self.type}?")
        if self.of and self.type not in ("enum", "struct", "id"):
            refuse(self.where, f"of says nothing about a {self.type}")
        if self.list and self.max_items is None:
            refuse(self.where, "max_items is missing: a list has a bound")
        if not self.list and (self.max_items is not None or self.min_items):
            refuse(self.where, "max_items and min_items are for lists")
        if self.list and self.required:
            self.min_items = max(self.min_items, 1)
        if (self.cookie or self.address) and (self.type != "text" or self.list or self.required):
            refuse(self.where, "what the front fills in is a text that may be absent")
        self.check_bounds()
        self.check_presence()

    def check_bounds(self):
        if self.type not in NUMBERS | {"text", "bytes"} and (self.min is not None or self.max is not None):
            refuse(self.where, f"a {self.type} has no min and max")
        if self.min is not None and self.max is not None and self.min > self.max:
            refuse(self.where, "min is above max")
        if self.type in ("count", "text", "bytes") and (self.min or 0) < 0:
            refuse(self.where, "min must not be negative")

    def check_presence(self):
        if self.required and (self.optional or self.default is not None):
            refuse(self.where, "a required field is neither optional nor has a default")
        if self.default is None:
            return
        if self.list or self.optional or self.type not in ("bool", "int", "count", "float", "text", "enum"):
            refuse(self.where, "this field cannot have a default")
        expect = {"bool": bool, "int": int, "count": int, "float": (int, float), "text": str, "enum": str}[self.type]
        if not isinstance(self.default, expect) or (self.type != "bool" and isinstance(self.default, bool)):
            refuse(self.where, f"the default {self.default!r} is not a {self.type}")
        size = len(self.default) if self.type == "text" else self.default
        if self.type != "enum" and (self.min is not None and size < self.min or self.max is not None and size > self.max):
            refuse(self.where, f"the default {self.default!r} is out of its own bounds")

    @property
    def has(self):
        return self.optional and (self.list or self.type in HAS)


class Struct:
    """A struct of C and a map on the wire. origin says what it stands for: struct, call, reply, event, ..."""

    def __init__(self, schema, name, fields, doc, origin, where, reserved=()):
        self.schema, self.name, self.doc, self.origin, self.where = schema, check_name(name, where), doc, origin, where
        self.reserved = list(reserved)
        self.fields = sorted((f if isinstance(f, Field) else Field(f, where) for f in fields), key=lambda f: f.id)
        seen, names = {}, set()
        for f in self.fields:
            if f.id in seen:
                refuse(f.where, f"number {f.id} is that of {seen[f.id]} already")
            if f.id in self.reserved:
                refuse(f.where, f"number {f.id} is reserved: a field that is gone had it")
            seen[f.id] = f.name
            for member in [f.name] + ([f.name + "_n"] if f.list else []) + (["has_" + f.name] if f.has else []):
                if member in names:
                    refuse(f.where, f"the name {member} is taken in C already")
                names.add(member)
        if len(self.fields) > FIELDS_MAX:
            refuse(where, f"a struct has at most {FIELDS_MAX} fields; group some of them")

    def field(self, name):
        return next((f for f in self.fields if f.name == name), None)

    def nodes(self, top=True):
        total = 1 + (UNKNOWN_NODES if top else 16)
        for f in self.fields:
            item = f.target.nodes(False) if f.type == "struct" else 1
            total += 1 + (1 + f.max_items * item if f.list else item)
        return min(total, NODES)

    def depth(self):
        below = [(1 if f.list else 0) + (f.target.depth() if f.type == "struct" else 0) for f in self.fields]
        return 1 + max(below, default=0)


class Enum:
    def __init__(self, schema, name, row, where):
        p = take(row, where, doc=None, values=..., reserved=[])
        self.schema, self.name, self.doc, self.where = schema, check_name(name, where), p["doc"], where
        self.values = sorted(p["values"].items(), key=lambda item: item[1])
        numbers = [n for _, n in self.values]
        if not self.values or numbers[0] < 1 or numbers[-1] > (1 << 31) - 1:
            refuse(where, "values are numbers from 1 on; 0 says absent")
        for n in set(numbers):
            if numbers.count(n) > 1:
                refuse(where, f"the number {n} is there twice")
            if n in p["reserved"]:
                refuse(where, f"the number {n} is reserved: a value that is gone had it")
        self.reserved = p["reserved"]
        for word, _ in self.values:
            if not re.match(r"^[a-z0-9][a-z0-9_]*$", word):
                refuse(where, f"'{word}' is not a name")


class Call:
    def __init__(self, schema, name, row):
        where = f"{schema.file}: call.{name}"
        p = take(row, where, doc=None, http=None, allow=..., writes=False, request=[], reply=None, errors=[], status=None,
                 body_max=256 * 1024, deadline_ms=10000, frees=None)
        self.__dict__.update(p)
        self.schema, self.name, self.where, self.full = schema, check_name(name, where), where, f"{schema.name}.{name}"
        for word in self.allow:
            if word not in ROLES + WORDS:
                refuse(where, f"allow: '{word}' is neither a role nor one of {', '.join(WORDS)}")
        if not self.allow:
            refuse(where, "allow is empty: nobody could call it")
        self.request_row, self.reply_row = self.request, self.reply
        self.request = self.reply = None
        self.method = self.path = None
        if self.http is not None:
            parts = self.http.split(" ")
            if len(parts) != 2 or parts[0] not in METHODS or not parts[1].startswith("/"):
                refuse(where, f"http: '{self.http}' is not METHOD /path")
            self.method, self.path = parts
        if self.frees is None:
            self.frees = self.method == "DELETE" or name.startswith(("delete_", "drop_"))
        if self.status is None:
            self.status = 204 if self.reply_row is None else 201 if name.startswith("create_") else 200

    def parameters(self):
        """(field, segment of the path or None for the query), and whether the rest comes from a JSON body."""
        out, body = [], self.method in ("POST", "PUT", "PATCH")
        in_path = []
        for i, part in enumerate(self.path.strip("/").split("/")):
            if not (part.startswith("{") or part.endswith("}")):
                continue
            field = self.request.field(part[1:-1])
            if not field or field.list or field.type in ("struct", "bytes"):
                refuse(self.where, f"http: {part} is not a plain field of the request")
            out.append((field, i))
            in_path.append(field.name)
        for field in self.request.fields:
            if field.name in in_path or body or field.cookie or field.address:
                continue
            if field.type in ("struct", "bytes"):
                refuse(self.where, f"http: {field.name} cannot stand in a query")
            out.append((field, None))
        return out, body and len(in_path) < len(self.request.fields)


class Hand:
    """A route that the front serves with code of its own: uploads, files, streams. It calls nobody by itself."""

    def __init__(self, schema, name, row):
        self.where = f"{schema.file}: route.{name}"
        p = take(row, self.where, doc=..., http=..., serve=name, allow=..., head=None, ids={}, headers=[], required=[], body=None,
                 form={}, answers=..., errors=[])
        self.__dict__.update(p)
        self.schema, self.name = schema, check_name(name, self.where)
        check_name(self.serve, self.where)
        parts = self.http.split(" ")
        if len(parts) != 2 or parts[0] not in METHODS | {"HEAD", "OPTIONS"} or not parts[1].startswith("/"):
            refuse(self.where, f"http: '{self.http}' is not METHOD /path")
        self.method, self.path = parts
        self.head = self.method == "GET" if self.head is None else self.head
        self.in_path = re.findall(r"\{([a-z_]+)\*?\}", self.path)
        if "*}" in self.path[:-2]:
            refuse(self.where, "http: only the last parameter may take the rest of the path")
        for word in self.allow:
            if word not in ROLES + WORDS:
                refuse(self.where, f"allow: '{word}' is neither a role nor one of {', '.join(WORDS)}")
        for part in self.ids:
            if part not in self.in_path:
                refuse(self.where, f"ids: {part} is not in the path")
        for header in [*self.headers, *self.required, *(h for answer in self.answers for h in answer.get("headers", []))]:
            if header not in schema.headers:
                refuse(self.where, f"the header '{header}' is not in [header]")
        for i, answer in enumerate(self.answers):
            take(answer, f"{self.where}.answers[{i}]", status=..., doc=..., type=None, of=None, headers=[])

    @property
    def shape(self):
        return self.method, re.sub(r"\{[^}]*\}", "{}", self.path)


class Event:
    """origin: own (appended by the actor), done or dead (appended by the broker when a job ends)."""

    def __init__(self, schema, name, struct, key, origin="own", job=None):
        self.schema, self.name, self.struct, self.key, self.origin, self.job = schema, name, struct, key, origin, job
        self.full, self.where = f"{schema.name}.{name}", struct.where


class Job:
    def __init__(self, schema, name, row):
        where = f"{schema.file}: job.{name}"
        p = take(row, where, doc=None, queue={}, done=None, dead=None, request=..., result=[], key=None)
        q = take(p["queue"], where + ".queue", lease_s=30, attempts=5, backoff_s=[2, 300], priority=False, max=None)
        self.schema, self.name, self.where, self.full = schema, check_name(name, where), where, f"{schema.name}.{name}"
        self.doc, self.queue, self.result_rows, self.key = p["doc"], q, p["result"], p["key"]
        self.done_name, self.dead_name = p["done"], p["dead"]
        self.request = Struct(schema, name, p["request"], p["doc"], "job", where)
        self.done = self.dead = None
        if p["key"] and not self.request.field(p["key"]):
            refuse(where, f"key: {p['key']} is not a field of the request")
        if len(q["backoff_s"]) != 2 or q["backoff_s"][0] > q["backoff_s"][1]:
            refuse(where, "queue.backoff_s is [from, to]")
        if self.result_rows and not self.done_name:
            refuse(where, "a result needs a done event to travel in")

    def ends(self):
        """The done and dead events: the broker appends them in the commit that deletes the job."""
        key = self.request.field(self.key) if self.key else None
        common = [
            {"id": 1, "name": "job_id", "type": "id", "of": "job", "doc": "The job that ended."},
            {"id": 2, "name": "attempts", "type": "count", "doc": "How many it took."},
        ]
        if self.done_name:
            rows = self.result_rows
            for row in rows:
                if row.get("id", 0) < 10:
                    refuse(self.where, "result fields are numbered from 10 on: those below are the runtime's")
            if key and not any(row["name"] == self.key for row in rows):
                rows = rows + [self.key_row(key)]
            struct = Struct(self.schema, self.done_name, common + rows, f"The job {self.full} is done.", "done", self.where)
            self.done = Event(self.schema, self.done_name, struct, self.key, "done", self)
        if self.dead_name:
            rows = common + [
                {"id": 3, "name": "error", "type": "count", "doc": "Code of the error it died of (schemas/errors.toml)."},
                {"id": 4, "name": "reason", "type": "text", "max": 4000, "doc": "What the last worker said of it."},
            ] + ([self.key_row(key)] if key else [])
            struct = Struct(self.schema, self.dead_name, rows, f"The job {self.full} was given up.", "dead", self.where)
            self.dead = Event(self.schema, self.dead_name, struct, self.key, "dead", self)
        return [event for event in (self.done, self.dead) if event]

    @staticmethod
    def key_row(key):
        return {"id": 5, "name": key.name, "type": key.type, "of": key.of, "max": key.max, "doc": "The job's ordering key."}


class Value:
    def __init__(self, schema, name, row):
        where = f"{schema.file}: value.{name}"
        p = take(row, where, doc=None, fields=..., ttl_s=0, secret=False)
        self.schema, self.name, self.where, self.full = schema, name, where, f"{schema.name}.{name}"
        self.doc, self.ttl_s, self.secret = p["doc"], p["ttl_s"], p["secret"]
        self.struct = Struct(schema, name, p["fields"], p["doc"], "value", where)


class Record:
    def __init__(self, schema, name, row):
        where = f"{schema.file}: record.{name}"
        p = take(row, where, doc=None, fields=None, of=None, key=..., index={}, table=..., version=1, reserved=[])
        self.schema, self.name, self.where = schema, check_name(name, where), where
        self.doc, self.of, self.key, self.number, self.version = p["doc"], p["of"] or name, p["key"], p["table"], p["version"]
        self.struct = Struct(schema, name, p["fields"], p["doc"], "record", where, p["reserved"]) if p["fields"] else None
        if self.struct and p["of"]:
            refuse(where, "either fields or of, not both")
        if not 0 < self.number < 0xff00:
            refuse(where, "table must lie in 1..65279")
        self.indexes = []
        for index, what in p["index"].items():
            what = {"fields": what} if isinstance(what, list) else what
            q = take(what, f"{where}.index.{index}", fields=..., unique=False, sparse=False)
            self.indexes.append((check_name(index, where), q["fields"], q["unique"], q["sparse"]))

    def check(self):
        for name in self.key + [n for _, fields, _, _ in self.indexes for n in fields]:
            field = self.struct.field(name)
            if not field:
                refuse(self.where, f"{name} is not a field of {self.struct.name}")
            if field.list or field.type in ("struct", "float", "bytes"):
                refuse(self.where, f"{name} cannot be part of a key: it is a {'list' if field.list else field.type}")


class Counter:
    def __init__(self, schema, name, row):
        where = f"{schema.file}: counter.{name}"
        p = take(row, where, doc=..., type="counter")
        self.name, self.doc, self.type = check_name(name, where), p["doc"], p["type"]
        if self.type not in ("counter", "gauge"):
            refuse(where, "type is counter or gauge")


USES = ["call", "put", "take", "follow", "live", "watch", "set", "tap", "setting"]


class Schema:
    def __init__(self, file, table):
        self.file, self.name = file, file.rsplit(".", 1)[0]
        p = take(table, file, actor=self.name, doc=None, single=False, stream={}, enum={}, struct={}, call={}, event={}, job={},
                 value={}, record={}, counter={}, setting={}, uses={}, header={}, route={})
        if p["actor"] != self.name:
            refuse(file, f"actor is '{p['actor']}', the file says '{self.name}'")
        check_name(self.name, file)
        self.stream = self.read_stream(p["stream"], f"{file}: stream")
        self.doc, self.single, self.uses = p["doc"], p["single"], {verb: [] for verb in USES} | {"routes": False}
        self.enums = {n: Enum(self, n, row, f"{file}: enum.{n}") for n, row in p["enum"].items()}
        self.structs = {}
        for n, row in p["struct"].items():
            where = f"{file}: struct.{n}"
            q = take(row, where, doc=None, fields=..., reserved=[])
            self.structs[n] = Struct(self, n, q["fields"], q["doc"], "struct", where, q["reserved"])
        self.calls = {n: Call(self, n, row) for n, row in p["call"].items()}
        self.jobs = {n: Job(self, n, row) for n, row in p["job"].items()}
        self.values = {n: Value(self, n, row) for n, row in p["value"].items()}
        self.records = {n: Record(self, n, row) for n, row in p["record"].items()}
        self.counters = {n: Counter(self, n, row) for n, row in p["counter"].items()}
        self.events = {}
        for n, row in p["event"].items():
            where = f"{file}: event.{n}"
            q = take(row, where, doc=None, key=..., fields=..., reserved=[])
            struct = Struct(self, n, q["fields"], q["doc"], "event", where, q["reserved"])
            field = struct.field(q["key"])
            if not field or field.list or field.type not in ("id", "text"):
                refuse(where, f"key: {q['key']} is not an id or a text among its fields")
            self.events[n] = Event(self, n, struct, q["key"])
        for job in self.jobs.values():
            for event in job.ends():
                self.events[event.name] = event
        self.setting_rows = dict(p["setting"])
        self.headers = p["header"]
        self.hands = [Hand(self, n, row) for n, row in p["route"].items()]
        for verb, names in p["uses"].items():
            if verb not in self.uses:
                refuse(file, f"uses.{verb} is not known; known are {', '.join(self.uses)}")
            self.uses[verb] = names

    @staticmethod
    def read_stream(row, where):
        """How long the broker keeps the actor's events (seconds), and how many bytes of them at most."""
        kept = {word: n for word, n in take(row, where, keep_s=None, keep_bytes=None).items() if n is not None}
        for word, n in kept.items():
            if not isinstance(n, int) or n < 1:
                refuse(where, f"{word} is a positive number")
        return kept

    def read_settings(self):
        fields = []
        for i, (name, row) in enumerate(self.setting_rows.items(), 1):
            where = f"{self.file}: setting.{name}"
            take(row, where, type=..., of=None, default=..., min=None, max=None, doc=..., secret=False)
            fields.append({"id": i, "name": name, **row})
        return Struct(self, self.name + "_settings", fields, f"What {self.name} can be told.", "settings",
                      f"{self.file}: setting") if fields else None

    @property
    def people(self):
        """Whether it must know who somebody is: then it watches the keys of access tokens."""
        return any(set(call.allow) - {"actors"} for call in self.calls.values())

    def all_structs(self):
        """Every struct that C gets from this file, in the order of the file."""
        found = list(self.structs.values())
        for call in self.calls.values():
            found += [s for s in (call.request, call.reply) if s and s.origin in ("call", "reply")]
        found += [j.request for j in self.jobs.values()] + [e.struct for e in self.events.values()]
        found += [v.struct for v in self.values.values()]
        found += [r.struct for r in self.records.values() if r.struct.origin == "record"]
        return found + ([self.settings] if self.settings else [])


class Model:
    def __init__(self, tables, errors):
        self.errors = errors
        self.schemas = {s.name: s for s in (Schema(file, table) for file, table in sorted(tables.items()))}
        self.structs, self.enums = {}, {}
        for s in self.schemas.values():
            for enum in s.enums.values():
                self.add(self.enums, enum)
            for struct in s.structs.values():
                self.add(self.structs, struct)
        for s in self.schemas.values():
            self.share_settings(s)
        for s in self.schemas.values():
            for call in s.calls.values():
                self.resolve_call(s, call)
            rest = [j.request for j in s.jobs.values()] + [e.struct for e in s.events.values()]
            rest += [v.struct for v in s.values.values()] + [r.struct for r in s.records.values() if r.struct]
            for struct in rest + ([s.settings] if s.settings else []):
                self.add(self.structs, struct)
        for s in self.schemas.values():
            for record in s.records.values():
                self.resolve_record(record)
        for struct in self.structs.values():
            self.resolve_fields(struct)
        for struct in self.structs.values():
            self.check_embedding(struct, [])
            if struct.depth() > DEPTH:
                refuse(struct.where, f"nests {struct.depth()} levels of maps and lists; {DEPTH} are allowed")
        for s in self.schemas.values():
            if s.name in self.structs and (s.calls or any(s.uses.values())):
                refuse(self.structs[s.name].where, f"struct {s.name} is the actor itself in C; choose another name")
            self.resolve_uses(s)
            self.resolve_hands(s)
            for record in s.records.values():
                record.check()
        numbers = {}
        for record in (r for s in self.schemas.values() for r in s.records.values()):
            other = numbers.setdefault((record.schema.name, record.number), record)
            if other is not record:
                refuse(record.where, f"table {record.number} is that of {other.where} already")
        fronts = [s.name for s in self.schemas.values() if s.uses["routes"]]
        if len(fronts) > 1:
            refuse(fronts[1], f"uses.routes: {fronts[0]} speaks for people already")
        self.front = fronts[0] if fronts else None
        self.hands = [hand for s in self.schemas.values() for hand in s.hands]
        self.routes = self.find_routes()

    def share_settings(self, s):
        """Settings that another declares and this one goes by: fields of its own settings, one value for all."""
        for name in s.uses["setting"]:
            where = f"{s.file}: uses.setting"
            owner, _, rest = name.partition(".")
            rows = self.schemas[owner].setting_rows if owner in self.schemas else {}
            if owner in (s.name, "common") or rest not in rows:
                refuse(where, f"there is no setting '{name}' of another program")
            if rest in s.setting_rows:
                refuse(where, f"'{name}': a setting of this name is its own")
            s.setting_rows[rest] = rows[rest]
        s.settings = s.read_settings()

    def add(self, table, thing):
        for other in (self.structs.get(thing.name), self.enums.get(thing.name)):
            if other:
                refuse(thing.where, f"the name {thing.name} is taken already, by {other.where}")
        table[thing.name] = thing

    def resolve_call(self, schema, call):
        for error in call.errors:
            if error not in self.errors.by_name:
                refuse(call.where, f"errors: '{error}' is not in errors.toml")
        if isinstance(call.request_row, str):
            call.request = self.find_struct(call.request_row, call.where + ".request")
        else:
            call.request = Struct(schema, call.name, call.request_row, call.doc, "call", call.where + ".request")
            self.add(self.structs, call.request)
        if isinstance(call.reply_row, str):
            call.reply = self.find_struct(call.reply_row, call.where + ".reply")
        elif call.reply_row is not None:
            doc = f"The answer to {call.full}."
            call.reply = Struct(schema, call.name + "_reply", call.reply_row, doc, "reply", call.where + ".reply")
            self.add(self.structs, call.reply)

    def resolve_hands(self, schema):
        if schema.hands and not schema.uses["routes"]:
            refuse(schema.hands[0].where, "only who has uses.routes serves HTTP")
        for hand in schema.hands:
            for error in hand.errors:
                if error not in self.errors.by_name:
                    refuse(hand.where, f"errors: '{error}' is not in errors.toml")
            for answer in hand.answers:
                if answer.get("of"):
                    answer["struct"] = self.find_struct(answer["of"], hand.where + ".answers")

    def find_struct(self, name, where):
        if name not in self.structs:
            refuse(where, f"there is no struct '{name}'")
        return self.structs[name]

    def resolve_record(self, record):
        if not record.struct:
            record.struct = self.find_struct(record.of, record.where)

    def resolve_fields(self, struct):
        for f in struct.fields:
            if f.type == "struct":
                f.target = self.find_struct(f.of, f.where)
            elif f.type == "enum":
                if f.of not in self.enums:
                    refuse(f.where, f"there is no enum '{f.of}'")
                f.target = self.enums[f.of]
                if f.default is not None and f.default not in dict(f.target.values):
                    refuse(f.where, f"the default '{f.default}' is not a value of {f.of}")

    def check_embedding(self, struct, above):
        if struct in above:
            refuse(struct.where, "holds itself: " + " in ".join(s.name for s in [*above[above.index(struct):], struct]))
        for f in struct.fields:
            if f.type == "struct":
                self.check_embedding(f.target, above + [struct])

    def lookup(self, name, what, where):
        owner, _, rest = name.partition(".")
        schema = self.schemas.get(owner)
        thing = getattr(schema, what).get(rest) if schema else None
        if not thing:
            refuse(where, f"there is no {what[:-1]} '{name}'")
        return thing

    def resolve_uses(self, s):
        tables = {"call": "calls", "put": "jobs", "take": "jobs", "follow": "events", "live": "events", "watch": "values",
                  "set": "values"}
        s.used = {verb: [] for verb in USES}
        for verb, what in tables.items():
            for name in s.uses[verb]:
                if any(token in ("*", ">") for token in name.split(".")):
                    if verb in ("take", "follow"):
                        refuse(s.file, f"uses.{verb}: '{name}': a pattern is for tools; name what you use")
                    continue
                if verb == "call" and name.startswith("$sys."):
                    continue  # the broker's own
                thing = self.lookup(name, what, f"{s.file}: uses.{verb}")
                if verb == "set" and thing.schema is not s:
                    refuse(s.file, f"uses.set: '{name}': values are set by their own actor")
                s.used[verb].append(thing)

    def find_routes(self):
        routes = [call for s in self.schemas.values() for call in s.calls.values() if call.http]
        shapes = {}
        for hand in self.hands:
            if shapes.setdefault(hand.shape, hand) is not hand:
                refuse(hand.where, f"http: {hand.http} is that of {shapes[hand.shape].name} already")
        for call in routes:
            shape = (call.method, re.sub(r"\{[^}]*\}", "{}", call.path))
            other = shapes.setdefault(shape, call)
            if other is not call:
                refuse(call.where, f"http: {call.http} is that of {getattr(other, 'full', other.name)} already")
            call.parameters()
        # Literal segments before parameters: the first match is the right one.
        return sorted(routes, key=lambda c: ([("1" if part.startswith("{") else "0" + part)
                                              for part in c.path.strip("/").split("/")], c.method))
