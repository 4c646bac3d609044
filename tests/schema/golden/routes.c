/* Generated from schemas by schemas/compile. Change the schema, not this file. */
#include <stddef.h>

#include "gen/library.h"
#include "gen/routes.h"

static const struct route_param find_items_params[] = {
    { 0, -1 }, /* q */
    { 1, -1 }, /* limit */
};
static const struct route_param drop_item_params[] = {
    { 0, 1 }, /* id */
};
static const struct route_param get_item_params[] = {
    { 0, 1 }, /* id */
};

const struct route routes[] = {
    { "GET", "/items", "library.find_items", &find_items_call,
      find_items_params, 2, false, 262144, 200, false,
      "Things by their words." },
    { "POST", "/items", "library.create_item", &create_item_call,
      NULL, 0, true, 262144, 201, true,
      "Take a thing in." },
    { "DELETE", "/items/{id}", "library.drop_item", &drop_item_call,
      drop_item_params, 1, false, 262144, 204, false,
      "Give a thing away." },
    { "GET", "/items/{id}", "library.get_item", &get_item_call,
      get_item_params, 1, false, 262144, 200, false,
      NULL },
};
const size_t routes_n = 4;

const struct route_by_hand routes_by_hand[] = {
    { "GET", "/labels/{id}/{text*}", HAND_LABELS, true },
    { "PUT", "/labels/{id}/{text*}", HAND_LABELS, false },
};
const size_t routes_by_hand_n = 2;
