/* Generated from schemas by schemas/compile. Change the schema, not this file. */
#include <stddef.h>

#include "gen/library.h"
#include "gen/shelf.h"
#include "gen/registry.h"

const struct registry_row registry[] = {
    { "library.bind_item", REGISTRY_JOB, &bind_item_type, &item_bound_type,
      "Bind the loose pages." },
    { "library.create_item", REGISTRY_CALL, &create_item_type, &item_type,
      "Take a thing in." },
    { "library.drop_item", REGISTRY_CALL, &drop_item_type, NULL,
      "Give a thing away." },
    { "library.find_items", REGISTRY_CALL, &find_items_type, &find_items_reply_type,
      "Things by their words." },
    { "library.get_item", REGISTRY_CALL, &get_item_type, &item_type,
      "" },
    { "library.item_added", REGISTRY_EVENT, &item_added_type, NULL,
      "A thing came in." },
    { "library.item_bound", REGISTRY_EVENT, &item_bound_type, NULL,
      "The job library.bind_item is done." },
    { "library.item_lost", REGISTRY_EVENT, &item_lost_type, NULL,
      "The job library.bind_item was given up." },
    { "library.stock", REGISTRY_VALUE, &stock_type, NULL,
      "How many things there are." },
    { "shelf.put_back", REGISTRY_CALL, &put_back_type, NULL,
      "" },
};
const size_t registry_n = 10;

const struct registry_settings registry_settings[] = {
    { "library", &library_settings_type, NULL, 0 },
};
const size_t registry_settings_n = 1;
