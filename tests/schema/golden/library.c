/* Generated from schemas/library.toml by schemas/compile. Change the schema, not this file. */
#include <stddef.h>

#include "gen/library.h"

static const struct wire_name kind_values[] = {
    { "book", KIND_BOOK },
    { "map", KIND_MAP },
};
const struct wire_enum kind_names = { "kind", kind_values, 2 };

static const struct wire_field author_fields[] = {
    { .number = 1, .kind = WIRE_TEXT, .flags = WIRE_REQUIRED | WIRE_MIN | WIRE_MAX, .name = "name",
      .offset = offsetof(struct author, name), .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(20) } },
    { .number = 2, .kind = WIRE_TIME, .flags = WIRE_OPTIONAL | WIRE_HAS, .name = "born",
      .offset = offsetof(struct author, born), .has_at = offsetof(struct author, has_born) },
};
const struct wire_type author_type = { .name = "author", .size = sizeof(struct author), .fields = author_fields,
    .fields_n = 2, .max_nodes = 1029 };

static const struct wire_field box_fields[] = {
    { .number = 1, .kind = WIRE_UINT, .flags = WIRE_MAX, .name = "width", .offset = offsetof(struct box, width),
      .max = { .u = UINT64_C(100) } },
    { .number = 2, .kind = WIRE_UINT, .flags = WIRE_MAX | WIRE_DEFAULT, .name = "height",
      .offset = offsetof(struct box, height), .max = { .u = UINT64_C(100) }, .fallback = { .u = UINT64_C(7) } },
};
const struct wire_type box_type = { .name = "box", .size = sizeof(struct box), .fields = box_fields,
    .fields_n = 2, .max_nodes = 1029 };

static const struct wire_field item_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = WIRE_REQUIRED, .name = "id", .offset = offsetof(struct item, id),
      .prefix = "item", .doc = "Its name for ever." },
    { .number = 2, .kind = WIRE_UINT, .flags = 0, .name = "rev", .offset = offsetof(struct item, rev) },
    { .number = 3, .kind = WIRE_TEXT, .flags = WIRE_REQUIRED | WIRE_MIN | WIRE_MAX, .name = "title",
      .offset = offsetof(struct item, title), .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(10) } },
    { .number = 4, .kind = WIRE_ENUM, .flags = WIRE_DEFAULT, .name = "kind",
      .offset = offsetof(struct item, kind), .fallback = { .u = KIND_BOOK }, .names = &kind_names },
    { .number = 5, .kind = WIRE_UINT, .flags = WIRE_MIN | WIRE_MAX | WIRE_DEFAULT, .name = "pages",
      .offset = offsetof(struct item, pages), .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(5000) },
      .fallback = { .u = UINT64_C(20) } },
    { .number = 6, .kind = WIRE_FLOAT, .flags = WIRE_MIN | WIRE_MAX, .name = "price",
      .offset = offsetof(struct item, price), .min = { .f = 0.0 }, .max = { .f = 1000.0 } },
    { .number = 7, .kind = WIRE_INT, .flags = WIRE_OPTIONAL | WIRE_MIN | WIRE_MAX | WIRE_HAS, .name = "shift",
      .offset = offsetof(struct item, shift), .has_at = offsetof(struct item, has_shift),
      .min = { .i = INT64_C(-5) }, .max = { .i = INT64_C(5) } },
    { .number = 8, .kind = WIRE_TEXT, .flags = WIRE_LIST | WIRE_MIN | WIRE_MAX, .name = "tags",
      .offset = offsetof(struct item, tags), .count_at = offsetof(struct item, tags_n), .min_items = 0,
      .max_items = 3, .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(4) } },
    { .number = 9, .kind = WIRE_STRUCT, .flags = WIRE_LIST, .name = "authors",
      .offset = offsetof(struct item, authors), .count_at = offsetof(struct item, authors_n), .min_items = 0,
      .max_items = 2, .type = &author_type },
    { .number = 10, .kind = WIRE_BYTES, .flags = WIRE_MIN | WIRE_MAX, .name = "cover",
      .offset = offsetof(struct item, cover), .min = { .u = UINT64_C(2) }, .max = { .u = UINT64_C(8) } },
    { .number = 11, .kind = WIRE_BOOL, .flags = 0, .name = "lent", .offset = offsetof(struct item, lent) },
    { .number = 12, .kind = WIRE_TIME, .flags = 0, .name = "added", .offset = offsetof(struct item, added) },
    { .number = 13, .kind = WIRE_STRUCT, .flags = 0, .name = "box", .offset = offsetof(struct item, box),
      .type = &box_type },
    { .number = 14, .kind = WIRE_STRUCT, .flags = WIRE_OPTIONAL | WIRE_HAS, .name = "spare",
      .offset = offsetof(struct item, spare), .has_at = offsetof(struct item, has_spare), .type = &box_type },
    { .number = 15, .kind = WIRE_TEXT, .flags = WIRE_SECRET | WIRE_MAX, .name = "note",
      .offset = offsetof(struct item, note), .max = { .u = UINT64_C(30) },
      .doc = "For the staff; this sentence is long enough to stand above its field." },
    { .number = 16, .kind = WIRE_ID, .flags = 0, .name = "shelf_id", .offset = offsetof(struct item, shelf_id),
      .prefix = "shelf" },
    { .number = 40, .kind = WIRE_ID, .flags = WIRE_LIST | WIRE_OPTIONAL | WIRE_HAS, .name = "parts",
      .offset = offsetof(struct item, parts), .count_at = offsetof(struct item, parts_n), .min_items = 0,
      .max_items = 4, .has_at = offsetof(struct item, has_parts), .prefix = "item" },
};
const struct wire_type item_type = { .name = "item", .size = sizeof(struct item), .fields = item_fields,
    .fields_n = 17, .max_nodes = 1148 };

static const struct wire_field create_item_fields[] = {
    { .number = 1, .kind = WIRE_TEXT, .flags = WIRE_REQUIRED | WIRE_MIN | WIRE_MAX, .name = "title",
      .offset = offsetof(struct create_item, title), .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(10) } },
    { .number = 2, .kind = WIRE_ENUM, .flags = WIRE_DEFAULT, .name = "kind",
      .offset = offsetof(struct create_item, kind), .fallback = { .u = KIND_MAP }, .names = &kind_names },
};
const struct wire_type create_item_type = { .name = "create_item", .size = sizeof(struct create_item),
    .fields = create_item_fields, .fields_n = 2, .max_nodes = 1029 };

static const struct wire_field get_item_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = WIRE_REQUIRED, .name = "id",
      .offset = offsetof(struct get_item, id), .prefix = "item" },
};
const struct wire_type get_item_type = { .name = "get_item", .size = sizeof(struct get_item),
    .fields = get_item_fields, .fields_n = 1, .max_nodes = 1027 };

static const struct wire_field find_items_fields[] = {
    { .number = 1, .kind = WIRE_TEXT, .flags = WIRE_REQUIRED | WIRE_MIN | WIRE_MAX, .name = "q",
      .offset = offsetof(struct find_items, q), .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(20) } },
    { .number = 2, .kind = WIRE_UINT, .flags = WIRE_MIN | WIRE_MAX | WIRE_DEFAULT, .name = "limit",
      .offset = offsetof(struct find_items, limit), .min = { .u = UINT64_C(1) }, .max = { .u = UINT64_C(50) },
      .fallback = { .u = UINT64_C(10) } },
};
const struct wire_type find_items_type = { .name = "find_items", .size = sizeof(struct find_items),
    .fields = find_items_fields, .fields_n = 2, .max_nodes = 1029 };

static const struct wire_field find_items_reply_fields[] = {
    { .number = 1, .kind = WIRE_STRUCT, .flags = WIRE_LIST, .name = "items",
      .offset = offsetof(struct find_items_reply, items),
      .count_at = offsetof(struct find_items_reply, items_n), .min_items = 0, .max_items = 50,
      .type = &item_type },
    { .number = 2, .kind = WIRE_TEXT, .flags = WIRE_MAX, .name = "next",
      .offset = offsetof(struct find_items_reply, next), .max = { .u = UINT64_C(40) } },
};
const struct wire_type find_items_reply_type = { .name = "find_items_reply",
    .size = sizeof(struct find_items_reply), .fields = find_items_reply_fields, .fields_n = 2, .max_nodes = 8029 };

static const struct wire_field drop_item_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = WIRE_REQUIRED, .name = "id",
      .offset = offsetof(struct drop_item, id), .prefix = "item" },
};
const struct wire_type drop_item_type = { .name = "drop_item", .size = sizeof(struct drop_item),
    .fields = drop_item_fields, .fields_n = 1, .max_nodes = 1027 };

static const struct wire_field bind_item_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = WIRE_REQUIRED, .name = "item_id",
      .offset = offsetof(struct bind_item, item_id), .prefix = "item" },
};
const struct wire_type bind_item_type = { .name = "bind_item", .size = sizeof(struct bind_item),
    .fields = bind_item_fields, .fields_n = 1, .max_nodes = 1027 };

static const struct wire_field item_added_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = WIRE_REQUIRED, .name = "item_id",
      .offset = offsetof(struct item_added, item_id), .prefix = "item" },
    { .number = 2, .kind = WIRE_STRUCT, .flags = WIRE_REQUIRED, .name = "item",
      .offset = offsetof(struct item_added, item), .type = &item_type },
};
const struct wire_type item_added_type = { .name = "item_added", .size = sizeof(struct item_added),
    .fields = item_added_fields, .fields_n = 2, .max_nodes = 1168 };

static const struct wire_field item_bound_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = 0, .name = "job_id", .offset = offsetof(struct item_bound, job_id),
      .prefix = "job", .doc = "The job that ended." },
    { .number = 2, .kind = WIRE_UINT, .flags = 0, .name = "attempts",
      .offset = offsetof(struct item_bound, attempts), .doc = "How many it took." },
    { .number = 5, .kind = WIRE_ID, .flags = 0, .name = "item_id",
      .offset = offsetof(struct item_bound, item_id), .prefix = "item", .doc = "The job's ordering key." },
    { .number = 10, .kind = WIRE_UINT, .flags = WIRE_REQUIRED, .name = "pages",
      .offset = offsetof(struct item_bound, pages) },
};
const struct wire_type item_bound_type = { .name = "item_bound", .size = sizeof(struct item_bound),
    .fields = item_bound_fields, .fields_n = 4, .max_nodes = 1033 };

static const struct wire_field item_lost_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = 0, .name = "job_id", .offset = offsetof(struct item_lost, job_id),
      .prefix = "job", .doc = "The job that ended." },
    { .number = 2, .kind = WIRE_UINT, .flags = 0, .name = "attempts",
      .offset = offsetof(struct item_lost, attempts), .doc = "How many it took." },
    { .number = 3, .kind = WIRE_UINT, .flags = 0, .name = "error", .offset = offsetof(struct item_lost, error),
      .doc = "Code of the error it died of (schemas/errors.toml)." },
    { .number = 4, .kind = WIRE_TEXT, .flags = WIRE_MAX, .name = "reason",
      .offset = offsetof(struct item_lost, reason), .max = { .u = UINT64_C(4000) },
      .doc = "What the last worker said of it." },
    { .number = 5, .kind = WIRE_ID, .flags = 0, .name = "item_id",
      .offset = offsetof(struct item_lost, item_id), .prefix = "item", .doc = "The job's ordering key." },
};
const struct wire_type item_lost_type = { .name = "item_lost", .size = sizeof(struct item_lost),
    .fields = item_lost_fields, .fields_n = 5, .max_nodes = 1035 };

static const struct wire_field stock_fields[] = {
    { .number = 1, .kind = WIRE_UINT, .flags = 0, .name = "items", .offset = offsetof(struct stock, items) },
};
const struct wire_type stock_type = { .name = "stock", .size = sizeof(struct stock), .fields = stock_fields,
    .fields_n = 1, .max_nodes = 1027 };

static const struct wire_field loan_fields[] = {
    { .number = 1, .kind = WIRE_ID, .flags = WIRE_REQUIRED, .name = "item_id",
      .offset = offsetof(struct loan, item_id), .prefix = "item" },
    { .number = 2, .kind = WIRE_TIME, .flags = WIRE_REQUIRED, .name = "since",
      .offset = offsetof(struct loan, since) },
    { .number = 3, .kind = WIRE_TEXT, .flags = WIRE_MAX, .name = "reader",
      .offset = offsetof(struct loan, reader), .max = { .u = UINT64_C(60) } },
};
const struct wire_type loan_type = { .name = "loan", .size = sizeof(struct loan), .fields = loan_fields,
    .fields_n = 3, .max_nodes = 1031 };

static const struct wire_field library_settings_fields[] = {
    { .number = 1, .kind = WIRE_UINT, .flags = WIRE_MIN | WIRE_MAX | WIRE_DEFAULT, .name = "fine",
      .offset = offsetof(struct library_settings, fine), .min = { .u = UINT64_C(1) },
      .max = { .u = UINT64_C(9) }, .fallback = { .u = UINT64_C(3) }, .doc = "What a late day costs." },
    { .number = 2, .kind = WIRE_TEXT, .flags = WIRE_DEFAULT, .name = "motto",
      .offset = offsetof(struct library_settings, motto), .fallback_text = "Return it.",
      .doc = "Shown at the door." },
};
const struct wire_type library_settings_type = { .name = "library_settings",
    .size = sizeof(struct library_settings), .fields = library_settings_fields, .fields_n = 2, .max_nodes = 1029 };

const struct call_def create_item_call = { .name = "library.create_item", .request = &create_item_type,
    .reply = &item_type, .allow = ALLOW_CREATOR | ALLOW_OWNER, .writes = true, .frees = false,
    .deadline_ms = 10000, .front = "shelf" };
const struct call_def get_item_call = { .name = "library.get_item", .request = &get_item_type,
    .reply = &item_type, .allow = ALLOW_ANYONE, .writes = false, .frees = false, .deadline_ms = 10000,
    .front = "shelf" };
const struct call_def find_items_call = { .name = "library.find_items", .request = &find_items_type,
    .reply = &find_items_reply_type, .allow = ALLOW_VIEWER | ALLOW_ACTORS, .writes = false, .frees = false,
    .deadline_ms = 10000, .front = "shelf" };
const struct call_def drop_item_call = { .name = "library.drop_item", .request = &drop_item_type, .reply = NULL,
    .allow = ALLOW_ADMIN, .writes = true, .frees = true, .deadline_ms = 10000, .front = "shelf" };
const struct event_def item_added_event = { .name = "library.item_added", .type = &item_added_type,
    .key = &item_added_fields[0], .origin = EVENT_OWN };
const struct event_def item_bound_event = { .name = "library.item_bound", .type = &item_bound_type,
    .key = &item_bound_fields[2], .origin = EVENT_DONE };
const struct event_def item_lost_event = { .name = "library.item_lost", .type = &item_lost_type,
    .key = &item_lost_fields[4], .origin = EVENT_DEAD };
const struct job_def bind_item_job = { .name = "library.bind_item", .request = &bind_item_type,
    .result = &item_bound_type, .key = &bind_item_fields[0], .lease_ms = 20000, .attempts = 3, .priority = true };
const struct value_def stock_value = { .name = "library.stock", .type = &stock_type,
    .ttl_ms = 60000, .secret = false };
const struct counter_def library_counters[] = {
    { .name = "items_added", .doc = "Things that came in.", .gauge = false },
    { .name = "items_out", .doc = "Things that are lent.", .gauge = true },
};
