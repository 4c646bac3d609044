/* Generated from schemas/shelf.toml by schemas/compile. Change the schema, not this file. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/actor.h"
#include "gen/library.h"

struct slot {
    struct item item;
    enum kind kind;
};

struct put_back {
    struct slot slot;
};

WIRE_TYPE(slot)
WIRE_TYPE(put_back)

extern const struct call_def put_back_call;

struct shelf; /* the actor itself, declared where it is written */
struct bind_item;
struct item_added;
struct item_bound;
struct item_lost;
struct put_back;
struct stock;

/* An empty slot answers ERR_UNSUPPORTED; an event, job or value without one is passed over. */
struct shelf_handlers {
    int (*put_back)(struct shelf *self, struct turn *t, const struct put_back *ask);
    int (*on_library_item_added)(struct shelf *self, struct turn *t, const struct item_added *event);
    int (*on_library_item_bound)(struct shelf *self, struct turn *t, const struct item_bound *event);
    int (*on_library_item_lost)(struct shelf *self, struct turn *t, const struct item_lost *event);
    int (*take_bind_item)(struct shelf *self, struct turn *t, const struct bind_item *job);
    /* value NULL: it expired or was removed */
    void (*watch_library_stock)(struct shelf *self, struct turn *t, const struct stock *value);
};
extern const struct actor_schema shelf_schema;

/* Senders: what they send leaves after the commit of the turn. */
int ask_put_back(struct turn *t, const struct put_back *ask, turn_then *then, const void *ctx,
    size_t ctx_len);
