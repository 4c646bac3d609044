/* error - LMDB's answers as ours, and the faults that tests inject. */
#include <errno.h>

#include "data/store/internal.h"
#include "gen/errors.h"

int store_error(struct store *store, int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return 0;
    case MDB_NOTFOUND:
    case ENOENT: return ERR_NOT_FOUND;
    case MDB_KEYEXIST:
    case EEXIST: return ERR_EXISTS;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT: return ERR_STORE_FULL;
    case MDB_BAD_VALSIZE:
    case MDB_TXN_FULL: /* half a gigabyte of changes in one transaction */ return ERR_TOO_LARGE;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID: return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE: return ERR_VERSION;
    case MDB_READERS_FULL:
    case MDB_DBS_FULL:
    case EAGAIN: return ERR_BUSY;
    case EINVAL: return ERR_INVALID;
    case MDB_PANIC:
        if (store)
            atomic_store(&store->broken, true);
        return ERR_OUTCOME_UNKNOWN;
    default: return ERR_IO;
    }
}

#ifdef KINOBUS_FAULTS

static struct {
    atomic_uint left; /* calls until the fault; 0: disarmed or struck */
    bool armed;
    atomic_bool held;
    enum store_fault commit;
    enum store_fault_room room;
} fault;

bool store_fault_arm(unsigned n, enum store_fault commit)
{
    bool struck = !fault.armed || atomic_load(&fault.left) == 0;

    fault.armed = struck;
    fault.commit = commit;
    atomic_store(&fault.left, struck ? n : 0);
    return struck;
}

void store_fault_disarm(void)
{
    fault.armed = false;
    atomic_store(&fault.left, 0);
}

void store_fault_hold(bool hold)
{
    atomic_store(&fault.held, hold);
}

bool store_fault_strikes(void)
{
    unsigned left = atomic_load(&fault.held) ? 0 : atomic_load(&fault.left);

    while (left && !atomic_compare_exchange_weak(&fault.left, &left, left - 1))
        continue;
    return left == 1;
}

bool store_fault_commits(void)
{
    return fault.commit == STORE_FAULT_COMMITTED;
}

void store_fault_full(enum store_fault_room room)
{
    fault.room = room;
}

bool store_fault_is_full(enum store_fault_room room)
{
    return fault.room == room;
}

#else /* a release has no faults but its own */

bool store_fault_arm(unsigned n, enum store_fault commit)
{
    return false;
}

void store_fault_disarm(void)
{
}

void store_fault_hold(bool hold)
{
}

bool store_fault_strikes(void)
{
    return false;
}

bool store_fault_commits(void)
{
    return false;
}

void store_fault_full(enum store_fault_room room)
{
}

bool store_fault_is_full(enum store_fault_room room)
{
    return false;
}

#endif
