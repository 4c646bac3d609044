/* Generated from schemas/shelf.toml by schemas/compile. Change the schema, not this file. */
#include <stddef.h>

#include "gen/shelf.h"

static const struct wire_field slot_fields[] = {
    { .number = 1, .kind = WIRE_STRUCT, .flags = 0, .name = "item", .offset = offsetof(struct slot, item),
      .type = &item_type },
    { .number = 2, .kind = WIRE_ENUM, .flags = 0, .name = "kind", .offset = offsetof(struct slot, kind),
      .names = &kind_names },
};
const struct wire_type slot_type = { .name = "slot", .size = sizeof(struct slot), .fields = slot_fields,
    .fields_n = 2, .max_nodes = 1168 };

static const struct wire_field put_back_fields[] = {
    { .number = 1, .kind = WIRE_STRUCT, .flags = WIRE_REQUIRED, .name = "slot",
      .offset = offsetof(struct put_back, slot), .type = &slot_type },
};
const struct wire_type put_back_type = { .name = "put_back", .size = sizeof(struct put_back),
    .fields = put_back_fields, .fields_n = 1, .max_nodes = 1186 };

const struct call_def put_back_call = { .name = "shelf.put_back", .request = &put_back_type, .reply = NULL,
    .allow = ALLOW_ACTORS, .writes = false, .frees = false, .deadline_ms = 10000, .front = NULL };
