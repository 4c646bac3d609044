/* Generated from schemas/library.toml by schemas/compile. Change the schema, not this file. */
#include <stddef.h>

#include "data/store/table.h"
#include "gen/library.h"

static const struct table_key item_keys[] = {
    { WIRE_ID, offsetof(struct item, id) },
};
static const struct table_key item_by_shelf_keys[] = {
    { WIRE_ID, offsetof(struct item, shelf_id) },
    { WIRE_TIME, offsetof(struct item, added) },
};
static const struct table_key item_by_title_keys[] = {
    { WIRE_TEXT, offsetof(struct item, title) },
};
static const struct table_index item_indexes[] = {
    { .name = "by_shelf", .keys = item_by_shelf_keys, .keys_n = 2, .sparse = false, .unique = false },
    { .name = "by_title", .keys = item_by_title_keys, .keys_n = 1, .sparse = false, .unique = true },
};
const struct table_def item_table = { .name = "item", .number = 1, .version = 1,
    .type = &item_type, .size = sizeof(struct item), .keys = item_keys, .keys_n = 1,
    .indexes = item_indexes, .indexes_n = 2, .rev_offset = offsetof(struct item, rev) };

int item_put(struct store_txn *txn, struct item *row)
{
    return table_put(txn, &item_table, row);
}

int item_put_new(struct store_txn *txn, struct item *row)
{
    return table_put_new(txn, &item_table, row);
}

int item_get(struct store_txn *txn, struct arena *arena, struct id id, struct item *ret)
{
    return table_get(txn, &item_table, arena, &(struct item){ .id = id }, ret);
}

int item_del(struct store_txn *txn, struct id id)
{
    return table_del(txn, &item_table, &(struct item){ .id = id });
}

static const struct table_key loan_keys[] = {
    { WIRE_ID, offsetof(struct loan, item_id) },
    { WIRE_TIME, offsetof(struct loan, since) },
};
const struct table_def loan_table = { .name = "loan", .number = 2, .version = 1,
    .type = &loan_type, .size = sizeof(struct loan), .keys = loan_keys, .keys_n = 2, .rev_offset = TABLE_NO_REV };

int loan_put(struct store_txn *txn, struct loan *row)
{
    return table_put(txn, &loan_table, row);
}

int loan_put_new(struct store_txn *txn, struct loan *row)
{
    return table_put_new(txn, &loan_table, row);
}

int loan_get(struct store_txn *txn, struct arena *arena, struct id item_id, int64_t since, struct loan *ret)
{
    return table_get(txn, &loan_table, arena, &(struct loan){ .item_id = item_id, .since = since }, ret);
}

int loan_del(struct store_txn *txn, struct id item_id, int64_t since)
{
    return table_del(txn, &loan_table, &(struct loan){ .item_id = item_id, .since = since });
}

