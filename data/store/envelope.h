/* envelope - what stands before every value at rest that is not the broker's own:
 *
 *     u16 type | u16 version | u32 length | u64 SipHash-2-4 | payload          all big-endian
 *
 * The hash is keyed per store and covers the table's number, the key and the payload: a value that was
 * flipped, cut, or moved to another key or table is ERR_CORRUPT. */
#pragma once

#include <stdint.h>

#include "data/store/env.h"
#include "schemas/wire/buf.h"

#define ENVELOPE_SIZE 16

/* Tables of the store's own; the numbers of records stay below. */
enum {
    ENVELOPE_OUTBOX = 0xff01,
    ENVELOPE_REFUSED = 0xff02,
    ENVELOPE_CURSOR = 0xff03,
    ENVELOPE_REPLY = 0xff04,
    ENVELOPE_EXPIRY = 0xff05,
    ENVELOPE_PARKED = 0xff06,
};

/* Appends envelope and payload to out. */
int envelope_seal(const struct store *store, uint16_t type, uint16_t version, struct bytes key,
                  struct bytes payload, struct buf *out);

/* Checks, and gives the payload as a view into value. ERR_CORRUPT. */
int envelope_open(const struct store *store, uint16_t type, struct bytes key, struct bytes value,
                  uint16_t *ret_version, struct bytes *ret_payload);
