/* Generated from schemas/library.toml by schemas/compile. Change the schema, not this file. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/actor.h"

/* library: Things that can be borrowed. */

/* What a thing is. */
enum kind {
    KIND_BOOK = 1,
    KIND_MAP = 2,
};
extern const struct wire_enum kind_names;

/* Who wrote it. */
struct author {
    const char *name;
    int64_t born;
    bool has_born;
};

struct box {
    uint64_t width;
    uint64_t height;
};

/* A thing. */
struct item {
    struct id id; /* Its name for ever. */
    uint64_t rev;
    const char *title;
    enum kind kind;
    uint64_t pages;
    double price;
    int64_t shift;
    bool has_shift;
    const char **tags;
    size_t tags_n;
    struct author *authors;
    size_t authors_n;
    struct bytes cover;
    bool lent;
    int64_t added;
    struct box box;
    struct box spare;
    bool has_spare;
    /* For the staff; this sentence is long enough to stand above its field. */
    const char *note;
    struct id shelf_id;
    struct id *parts;
    size_t parts_n;
    bool has_parts;
};

/* Take a thing in. */
struct create_item {
    const char *title;
    enum kind kind;
};

struct get_item {
    struct id id;
};

/* Things by their words. */
struct find_items {
    const char *q;
    uint64_t limit;
};

/* The answer to library.find_items. */
struct find_items_reply {
    struct item *items;
    size_t items_n;
    const char *next;
};

/* Give a thing away. */
struct drop_item {
    struct id id;
};

/* Bind the loose pages. */
struct bind_item {
    struct id item_id;
};

/* A thing came in. */
struct item_added {
    struct id item_id;
    struct item item;
};

/* The job library.bind_item is done. */
struct item_bound {
    struct id job_id; /* The job that ended. */
    uint64_t attempts; /* How many it took. */
    struct id item_id; /* The job's ordering key. */
    uint64_t pages;
};

/* The job library.bind_item was given up. */
struct item_lost {
    struct id job_id; /* The job that ended. */
    uint64_t attempts; /* How many it took. */
    uint64_t error; /* Code of the error it died of (schemas/errors.toml). */
    const char *reason; /* What the last worker said of it. */
    struct id item_id; /* The job's ordering key. */
};

/* How many things there are. */
struct stock {
    uint64_t items;
};

/* Who has what. */
struct loan {
    struct id item_id;
    int64_t since;
    const char *reader;
};

/* What library can be told. */
struct library_settings {
    uint64_t fine; /* What a late day costs. */
    const char *motto; /* Shown at the door. */
};

WIRE_TYPE(author)
WIRE_TYPE(box)
WIRE_TYPE(item)
WIRE_TYPE(create_item)
WIRE_TYPE(get_item)
WIRE_TYPE(find_items)
WIRE_TYPE(find_items_reply)
WIRE_TYPE(drop_item)
WIRE_TYPE(bind_item)
WIRE_TYPE(item_added)
WIRE_TYPE(item_bound)
WIRE_TYPE(item_lost)
WIRE_TYPE(stock)
WIRE_TYPE(loan)
WIRE_TYPE(library_settings)

extern const struct call_def create_item_call;
extern const struct call_def get_item_call;
extern const struct call_def find_items_call;
extern const struct call_def drop_item_call;
extern const struct event_def item_added_event;
extern const struct event_def item_bound_event;
extern const struct event_def item_lost_event;
extern const struct job_def bind_item_job;
extern const struct value_def stock_value;

enum library_counter {
    LIBRARY_ITEMS_ADDED, /* Things that came in. */
    LIBRARY_ITEMS_OUT, /* Things that are lent. */
    LIBRARY_COUNTERS,
};
extern const struct counter_def library_counters[LIBRARY_COUNTERS];

struct store_txn;

/* Things, by their id. */
extern const struct table_def item_table;
enum item_index { ITEM_BY_SHELF, ITEM_BY_TITLE };
int item_put(struct store_txn *txn, struct item *row);
int item_put_new(struct store_txn *txn, struct item *row);
int item_get(struct store_txn *txn, struct arena *arena, struct id id, struct item *ret);
int item_del(struct store_txn *txn, struct id id);

/* Who has what. */
extern const struct table_def loan_table;
int loan_put(struct store_txn *txn, struct loan *row);
int loan_put_new(struct store_txn *txn, struct loan *row);
int loan_get(struct store_txn *txn, struct arena *arena, struct id item_id, int64_t since, struct loan *ret);
int loan_del(struct store_txn *txn, struct id item_id, int64_t since);

struct library; /* the actor itself, declared where it is written */
struct create_item;
struct drop_item;
struct find_items;
struct find_items_reply;
struct get_item;
struct item;

/* An empty slot answers ERR_UNSUPPORTED; an event, job or value without one is passed over. */
struct library_handlers {
    int (*create_item)(struct library *self, struct turn *t, const struct create_item *ask, struct item *reply);
    int (*get_item)(struct library *self, struct turn *t, const struct get_item *ask, struct item *reply);
    int (*find_items)(struct library *self, struct turn *t,
        const struct find_items *ask, struct find_items_reply *reply);
    int (*drop_item)(struct library *self, struct turn *t, const struct drop_item *ask);
};
extern const struct actor_schema library_schema;

/* Senders: what they send leaves after the commit of the turn. */
int emit_item_added(struct turn *t, const struct item_added *event);
int put_bind_item(struct turn *t, const struct bind_item *job, const struct job_options *options,
    struct id *ret_job);
int done_bind_item(struct turn *t, const struct item_bound *result);
int ask_create_item(struct turn *t, const struct create_item *ask, turn_then *then, const void *ctx,
    size_t ctx_len);
int reply_create_item(struct turn *t, const struct item *reply);
int ask_get_item(struct turn *t, const struct get_item *ask, turn_then *then, const void *ctx,
    size_t ctx_len);
int reply_get_item(struct turn *t, const struct item *reply);
int ask_find_items(struct turn *t, const struct find_items *ask, turn_then *then, const void *ctx,
    size_t ctx_len);
int reply_find_items(struct turn *t, const struct find_items_reply *reply);
int ask_drop_item(struct turn *t, const struct drop_item *ask, turn_then *then, const void *ctx,
    size_t ctx_len);
int set_stock(struct turn *t, const char *key, const struct stock *value);
