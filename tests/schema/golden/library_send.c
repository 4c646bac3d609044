/* Generated from schemas/library.toml by schemas/compile. Change the schema, not this file. */
#include "gen/library.h"

int emit_item_added(struct turn *t, const struct item_added *event)
{
    return turn_emit(t, &item_added_event, event);
}

int put_bind_item(struct turn *t, const struct bind_item *job, const struct job_options *options,
    struct id *ret_job)
{
    return turn_put(t, &bind_item_job, job, options, ret_job);
}

int done_bind_item(struct turn *t, const struct item_bound *result)
{
    return turn_reply(t, result);
}

int ask_create_item(struct turn *t, const struct create_item *ask, turn_then *then, const void *ctx,
    size_t ctx_len)
{
    return turn_ask(t, &create_item_call, ask, then, ctx, ctx_len);
}

int reply_create_item(struct turn *t, const struct item *reply)
{
    return turn_reply(t, reply);
}

int ask_get_item(struct turn *t, const struct get_item *ask, turn_then *then, const void *ctx, size_t ctx_len)
{
    return turn_ask(t, &get_item_call, ask, then, ctx, ctx_len);
}

int reply_get_item(struct turn *t, const struct item *reply)
{
    return turn_reply(t, reply);
}

int ask_find_items(struct turn *t, const struct find_items *ask, turn_then *then, const void *ctx,
    size_t ctx_len)
{
    return turn_ask(t, &find_items_call, ask, then, ctx, ctx_len);
}

int reply_find_items(struct turn *t, const struct find_items_reply *reply)
{
    return turn_reply(t, reply);
}

int ask_drop_item(struct turn *t, const struct drop_item *ask, turn_then *then, const void *ctx,
    size_t ctx_len)
{
    return turn_ask(t, &drop_item_call, ask, then, ctx, ctx_len);
}

int set_stock(struct turn *t, const char *key, const struct stock *value)
{
    return turn_set(t, &stock_value, key, value);
}
