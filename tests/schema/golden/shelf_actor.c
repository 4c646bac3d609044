/* Generated from schemas/shelf.toml by schemas/compile. Change the schema, not this file. */
#include "gen/errors.h"
#include "gen/shelf.h"

static bool shelf_has_put_back(const void *handlers)
{
    return ((const struct shelf_handlers *)handlers)->put_back;
}

static int shelf_run_put_back(const void *handlers, void *self, struct turn *t, const void *ask, void *reply)
{
    const struct shelf_handlers *h = handlers;

    return h->put_back ? h->put_back(self, t, ask) : ERR_UNSUPPORTED;
}

static int shelf_run_on_library_item_added(const void *handlers, void *self, struct turn *t,
    const void *event)
{
    const struct shelf_handlers *h = handlers;

    return h->on_library_item_added ? h->on_library_item_added(self, t, event) : 0;
}

static int shelf_run_on_library_item_bound(const void *handlers, void *self, struct turn *t,
    const void *event)
{
    const struct shelf_handlers *h = handlers;

    return h->on_library_item_bound ? h->on_library_item_bound(self, t, event) : 0;
}

static int shelf_run_on_library_item_lost(const void *handlers, void *self, struct turn *t, const void *event)
{
    const struct shelf_handlers *h = handlers;

    return h->on_library_item_lost ? h->on_library_item_lost(self, t, event) : 0;
}

static int shelf_run_take_bind_item(const void *handlers, void *self, struct turn *t, const void *job)
{
    const struct shelf_handlers *h = handlers;

    return h->take_bind_item ? h->take_bind_item(self, t, job) : ERR_UNSUPPORTED;
}

static void shelf_run_watch_library_stock(const void *handlers, void *self, struct turn *t, const void *value)
{
    const struct shelf_handlers *h = handlers;

    if (h->watch_library_stock)
        h->watch_library_stock(self, t, value);
}

static const struct serve_def shelf_serves[] = {
    { &put_back_call, shelf_has_put_back, shelf_run_put_back },
};

static const struct follow_def shelf_follows[] = {
    { &item_added_event, shelf_run_on_library_item_added },
    { &item_bound_event, shelf_run_on_library_item_bound },
    { &item_lost_event, shelf_run_on_library_item_lost },
};

static const struct take_def shelf_takes[] = {
    { &bind_item_job, shelf_run_take_bind_item },
};

static const struct watch_def shelf_watches[] = {
    { &stock_value, shelf_run_watch_library_stock },
};

const struct actor_schema shelf_schema = {
    .name = "shelf",
    .serves = shelf_serves,
    .serves_n = 1,
    .follows = shelf_follows,
    .follows_n = 3,
    .takes = shelf_takes,
    .takes_n = 1,
    .watches = shelf_watches,
    .watches_n = 1,
};
