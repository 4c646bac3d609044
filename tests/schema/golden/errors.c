/* Generated from schemas/errors.toml by schemas/compile. Change the schema, not this file. */
#include <stddef.h>
#include <string.h>

#include "gen/errors.h"

static const struct err_row {
    int err;
    uint16_t http, bus;
    bool retryable;
    const char *name, *slug, *title;
} rows[] = {
    { ERR_BUSY, 503, 1001, true, "ERR_BUSY",
      "busy", "Later." },
    { ERR_EXISTS, 409, 208, false, "ERR_EXISTS",
      "exists", "It is there." },
};

static const struct err_row none = { 0, 200, 200, false, "OK", "ok", "All is well." };
static const struct err_row unknown = { ERR_INTERNAL, 500, 500, false, "ERR_?", "internal", "An unknown error." };

static const struct err_row *err_find(int err)
{
    if (err >= 0)
        return &none;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].err == err)
            return &rows[i];
    return &unknown;
}

const char *err_name(int err)
{
    return err_find(err)->name;
}

const char *err_slug(int err)
{
    return err_find(err)->slug;
}

const char *err_title(int err)
{
    return err_find(err)->title;
}

int err_http(int err)
{
    return err_find(err)->http;
}

bool err_retryable(int err)
{
    return err_find(err)->retryable;
}

uint16_t err_to_bus(int err)
{
    return err_find(err)->bus;
}

int err_from_bus(uint16_t code)
{
    switch (code) {
    case 200:
    case 202:
        return 0;
    case 1001:
        return ERR_BUSY;
    case 208:
    case 409:
        return ERR_EXISTS;
    default:
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
