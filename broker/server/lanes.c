/* lanes - how far each producer has come in each queue and stream. The rows are read when a producer says something for
 * the first time, and written with the commit that holds what they count. */
#include <stdlib.h>

#include "broker/server/engine.h"
#include "gen/errors.h"

static struct lane_mark *lanes_find(const struct bus_store *store, struct id producer, uint32_t target,
                                    uint64_t hash)
{
    struct hnode *node = hmap_find(&store->lanes, hash);

    for (; node; node = hmap_next_same(node->next, hash)) {
        struct lane_mark *lane = HMAP_OF(node, struct lane_mark, node);

        if (lane->target == target && id_equal(lane->producer, producer))
            return lane;
    }
    return NULL;
}

static int lanes_read(struct bus_store *store, struct store_txn *txn, struct lane_mark *lane)
{
    struct record_key key = record_lane_key(lane->producer, lane->target);
    struct bytes payload;
    uint64_t epoch;
    int r = engine_get(store, txn, ROWS_LANE, record_bytes(&key), &payload);

    if (r == ERR_NOT_FOUND)
        return 0;
    if (r == 0)
        r = record_unpack_pair(payload, &epoch, &lane->seq);
    if (r == 0)
        lane->epoch = (uint32_t)epoch;
    return r;
}

static int lanes_of(struct bus_store *store, struct store_txn *txn, const struct store_op *op, uint32_t target,
                    struct lane_mark **ret)
{
    uint64_t hash = hmap_hash(HMAP_SEED + target, bytes_of(op->producer.b, sizeof op->producer.b));
    struct lane_mark *lane = lanes_find(store, op->producer, target, hash);
    int r;

    *ret = lane;
    if (lane)
        return 0;
    lane = calloc(1, sizeof *lane);
    if (!lane)
        abort();
    lane->producer = op->producer;
    lane->target = target;
    r = lanes_read(store, txn, lane);
    if (r < 0) {
        free(lane);
        return r;
    }
    hmap_add(&store->lanes, &lane->node, hash);
    *ret = lane;
    return 0;
}

/* op->status: ERR_DUPLICATE, ERR_CONFLICT (an epoch that is over), ERR_STORE_FULL, or 0. */
int lanes_check(struct bus_store *store, struct store_txn *txn, struct store_op *op, uint32_t target)
{
    struct lane_mark *lane;
    int r = lanes_of(store, txn, op, target, &lane);

    if (r < 0)
        return r;
    if (op->epoch < lane->epoch)
        op->status = ERR_CONFLICT;
    else if (lane->seq && op->producer_seq <= lane->seq)
        op->status = ERR_DUPLICATE;
    else
        op->status = store->full ? ERR_STORE_FULL : 0;
    return 0;
}

int lanes_set(struct bus_store *store, struct store_txn *txn, const struct store_op *op, uint32_t target)
{
    struct lane_mark *lane;
    int r = lanes_of(store, txn, op, target, &lane);

    if (r < 0)
        return r;
    lane->epoch = op->epoch;
    lane->seq = op->producer_seq;
    if (!lane->dirty)
        STAILQ_INSERT_TAIL(&store->dirty_lanes, lane, link);
    lane->dirty = true;
    return 0;
}

int lanes_save(struct bus_store *store, struct store_txn *txn)
{
    struct lane_mark *lane;

    while ((lane = STAILQ_FIRST(&store->dirty_lanes))) {
        struct record_key key = record_lane_key(lane->producer, lane->target);
        int r;

        buf_reset(&store->scratch);
        record_pack_pair(&store->scratch, lane->epoch, lane->seq);
        r = engine_put(store, txn, ROWS_LANE, record_bytes(&key), buf_bytes(&store->scratch));
        if (r < 0)
            return r;
        STAILQ_REMOVE_HEAD(&store->dirty_lanes, link);
        lane->dirty = false;
    }
    return 0;
}

void lanes_forget(struct bus_store *store)
{
    struct hnode *node;

    while ((node = hmap_first(&store->lanes))) {
        hmap_del(&store->lanes, node);
        free(HMAP_OF(node, struct lane_mark, node));
    }
    hmap_free(&store->lanes);
    STAILQ_INIT(&store->dirty_lanes);
}
