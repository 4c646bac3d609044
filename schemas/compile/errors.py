"""schemas/errors.toml: one table for C, HTTP and the bus."""
from text import BANNER, SchemaError, macro, quote

APPLICATION = 1000  # an error that BUS/1 has no code for travels as this plus its own


class Errors:
    def __init__(self, table, source):
        self.rows, codes, bus = [], {}, {}
        for name, row in table.items():
            where = f"{source}: error.{name}"
            unknown = set(row) - {"code", "http", "bus", "retryable", "title"}
            if unknown:
                raise SchemaError(f"{where}: '{sorted(unknown)[0]}' is not a property of an error")
            for key in ("code", "http", "title"):
                if key not in row:
                    raise SchemaError(f"{where}: {key} is missing")
            if row["code"] in codes:
                raise SchemaError(f"{where}: code {row['code']} is that of error.{codes[row['code']]} already")
            if not 0 < row["code"] < 1000 or not 400 <= row["http"] <= 599:
                raise SchemaError(f"{where}: code must lie in 1..999 and http in 400..599")
            codes[row["code"]] = name
            for code in row.get("bus", []):
                if code in bus:
                    raise SchemaError(f"{where}: bus code {code} is that of error.{bus[code]} already")
                bus[code] = name
            self.rows.append({"name": name, "bus": row.get("bus", []), "retryable": row.get("retryable", False),
                              **{key: row[key] for key in ("code", "http", "title")}})
        self.by_name = {row["name"]: row for row in self.rows}

    def released(self):
        return {row["name"]: row["code"] for row in self.rows}


def header(errors):
    out = [BANNER.format(source="schemas/errors.toml"), "#pragma once\n\n#include <stdbool.h>\n#include <stdint.h>\n\nenum err {\n"]
    width = max(len(row["name"]) for row in errors.rows) + 4
    for row in errors.rows:
        again = ", retryable" if row["retryable"] else ""
        name = "ERR_" + macro(row["name"])
        out.append(f"    {name:<{width}} = -{row['code']},{' ' * (4 - len(str(row['code'])))}"
                   f"/* HTTP {row['http']}{again}: {row['title']} */\n")
    out.append("""};

const char *err_name(int err);         /* "ERR_BUSY"; "OK" for 0 and above; "ERR_?" for what is none */
const char *err_slug(int err);         /* "busy": the last part of a problem document's type */
const char *err_title(int err);        /* one sentence for a person */
int err_http(int err);                 /* 503 */
bool err_retryable(int err);           /* the same request may succeed later, and was not carried out */
uint16_t err_to_bus(int err);          /* the code on the wire; 200 for 0 */
int err_from_bus(uint16_t code);       /* 0 for 200 and 202; ERR_INTERNAL for what is unknown */
int err_from_slug(const char *slug);   /* 0: no such error */
int err_from_code(uint64_t code);      /* a code as stored (1..999); ERR_INTERNAL for what is unknown */
""")
    return "".join(out)


def source(errors):
    out = [BANNER.format(source="schemas/errors.toml"), """#include <stddef.h>
#include <string.h>

#include "gen/errors.h"

static const struct err_row {
    int err;
    uint16_t http, bus;
    bool retryable;
    const char *name, *slug, *title;
} rows[] = {
"""]
    for row in errors.rows:
        bus = row["bus"][0] if row["bus"] else APPLICATION + row["code"]
        out.append(f"    {{ ERR_{macro(row['name'])}, {row['http']}, {bus}, {str(row['retryable']).lower()}, "
                   f"{quote('ERR_' + macro(row['name']))},\n      {quote(row['name'])}, {quote(row['title'])} }},\n")
    out.append(f"""}};

static const struct err_row none = {{ 0, 200, 200, false, "OK", "ok", "All is well." }};
static const struct err_row unknown = {{ ERR_INTERNAL, 500, 500, false, "ERR_?", "internal", "An unknown error." }};

static const struct err_row *err_find(int err)
{{
    if (err >= 0)
        return &none;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].err == err)
            return &rows[i];
    return &unknown;
}}

const char *err_name(int err)
{{
    return err_find(err)->name;
}}

const char *err_slug(int err)
{{
    return err_find(err)->slug;
}}

const char *err_title(int err)
{{
    return err_find(err)->title;
}}

int err_http(int err)
{{
    return err_find(err)->http;
}}

bool err_retryable(int err)
{{
    return err_find(err)->retryable;
}}

uint16_t err_to_bus(int err)
{{
    return err_find(err)->bus;
}}

int err_from_bus(uint16_t code)
{{
    switch (code) {{
    case 200:
    case 202:
        return 0;
""")
    for row in errors.rows:
        for code in row["bus"] or [APPLICATION + row["code"]]:
            out.append(f"    case {code}:\n")
        out.append(f"        return ERR_{macro(row['name'])};\n")
    out.append("""    default:
        return ERR_INTERNAL;
    }
}

int err_from_slug(const char *slug)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].slug, slug) == 0)
            return rows[i].err;
    return 0;
}

int err_from_code(uint64_t code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (code == (uint64_t)-rows[i].err)
            return rows[i].err;
    return ERR_INTERNAL;
}
""")
    return "".join(out)
