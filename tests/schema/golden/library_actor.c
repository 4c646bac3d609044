/* Generated from schemas/library.toml by schemas/compile. Change the schema, not this file. */
#include "gen/errors.h"
#include "gen/library.h"

static bool library_has_create_item(const void *handlers)
{
    return ((const struct library_handlers *)handlers)->create_item;
}

static int library_run_create_item(const void *handlers, void *self, struct turn *t, const void *ask,
    void *reply)
{
    const struct library_handlers *h = handlers;

    return h->create_item ? h->create_item(self, t, ask, reply) : ERR_UNSUPPORTED;
}

static bool library_has_get_item(const void *handlers)
{
    return ((const struct library_handlers *)handlers)->get_item;
}

static int library_run_get_item(const void *handlers, void *self, struct turn *t, const void *ask,
    void *reply)
{
    const struct library_handlers *h = handlers;

    return h->get_item ? h->get_item(self, t, ask, reply) : ERR_UNSUPPORTED;
}

static bool library_has_find_items(const void *handlers)
{
    return ((const struct library_handlers *)handlers)->find_items;
}

static int library_run_find_items(const void *handlers, void *self, struct turn *t, const void *ask,
    void *reply)
{
    const struct library_handlers *h = handlers;

    return h->find_items ? h->find_items(self, t, ask, reply) : ERR_UNSUPPORTED;
}

static bool library_has_drop_item(const void *handlers)
{
    return ((const struct library_handlers *)handlers)->drop_item;
}

static int library_run_drop_item(const void *handlers, void *self, struct turn *t, const void *ask,
    void *reply)
{
    const struct library_handlers *h = handlers;

    return h->drop_item ? h->drop_item(self, t, ask) : ERR_UNSUPPORTED;
}

static const struct serve_def library_serves[] = {
    { &create_item_call, library_has_create_item, library_run_create_item },
    { &get_item_call, library_has_get_item, library_run_get_item },
    { &find_items_call, library_has_find_items, library_run_find_items },
    { &drop_item_call, library_has_drop_item, library_run_drop_item },
};

static const struct table_def *const library_tables[] = {
    &item_table,
    &loan_table,
};

const struct actor_schema library_schema = {
    .name = "library",
    .single = true,
    .serves = library_serves,
    .serves_n = 4,
    .tables = library_tables,
    .tables_n = 2,
    .counters = library_counters,
    .counters_n = LIBRARY_COUNTERS,
    .settings = &library_settings_type,
    .people = true,
};
