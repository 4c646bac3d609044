/* frame - what client and broker say to each other: a fixed prefix, a header map, a body.
 *
 *     frame A   32-byte prefix | msgpack map {small int: value} | body, when it is at most FRAME_INLINE bytes
 *     frame B   the body, when it is larger (FRAME_BODY2): shared on fan-out, never packed again
 *
 *     off  0 magic 0xB5   1 version 1   2 command   3 flags   4 u16 header length   6 u16 code
 *          8 u64 cid     16 u64 seq    24 u32 ms   28 u32 handle                   all big-endian
 *
 * What a field means is said with each command in broker/BUS.md. Header keys that are not known are skipped, so
 * that a newer peer may say more. Everything that frame_parse gives is a view into what it was given. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/buf.h"
#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

enum {
    FRAME_MAGIC = 0xB5,
    FRAME_VERSION = 1,
    FRAME_PREFIX = 32,
    FRAME_INLINE = 1024,
    FRAME_TRACE = 25,   /* trace id 16, span id 8, flags 1 */
    FRAME_ITEM = 14,    /* of a batch: seq 8, length of the head 2, of the body 4 */
    FRAME_VERDICT = 10, /* in the answer to a batch: seq 8, code 2 */
    FRAME_BATCH_ITEMS = 256,
    FRAME_BATCH_BYTES = 256 * 1024,
    FRAME_ROW = 64, /* frames in one message */
    FRAME_ROW_BYTES = 16 * 1024,
};

enum frame_command {
    FRAME_HELLO = 1,
    FRAME_WELCOME,
    FRAME_BYE,
    FRAME_PING,
    FRAME_PONG,
    FRAME_GOAWAY,
    FRAME_ERROR,
    FRAME_MANY,
    FRAME_OPEN = 16,
    FRAME_CLOSE,
    FRAME_OK,
    FRAME_REQ = 32,
    FRAME_REP,
    FRAME_ERR,
    FRAME_CANCEL,
    FRAME_OFFER,
    FRAME_PUT = 48,
    FRAME_JOB,
    FRAME_ACK,
    FRAME_NACK,
    FRAME_TERM,
    FRAME_EXTEND,
    FRAME_CREDIT,
    FRAME_LEASE_LOST,
    FRAME_RESUME,
    FRAME_PUTB,
    FRAME_APPEND = 64,
    FRAME_SUB,
    FRAME_UNSUB,
    FRAME_EVT,
    FRAME_CURSOR,
    FRAME_LOST,
    FRAME_TAIL,
    FRAME_APPENDB,
    FRAME_SET = 80,
    FRAME_WATCH,
    FRAME_VAL,
    FRAME_TAP = 96,
    FRAME_TAPMSG,
};

enum frame_flags {
    FRAME_BODY2 = 1,       /* the body is frame B */
    FRAME_BATCH = 2,       /* OK: of a whole PUTB or APPENDB, named by cid */
    FRAME_REDELIVERED = 8, /* a job that was leased before */
    FRAME_GONE = 16,       /* SET and VAL: no value any more */
    FRAME_WAIT = 32,       /* NACK: no attempt is counted */
    FRAME_SINGLE = 64,     /* OFFER: nobody else may offer this service */
    FRAME_HEADERS = 128,   /* TAP: without bodies */
};

/* What OPEN asks for; also the verbs of the ACL. */
enum frame_verb {
    VERB_CALL = 1,
    VERB_OFFER,
    VERB_PUT,
    VERB_TAKE,
    VERB_APPEND,
    VERB_FOLLOW,
    VERB_SET,
    VERB_WATCH,
    VERB_TAP,
    VERB_END,
};

struct frame {
    uint8_t command, flags;
    uint16_t code;
    uint64_t cid, seq;
    uint32_t ms, handle;
};

/* The header map; the number is the key on the wire. Absent: NULL data, or 0. */
struct frame_head {
    struct bytes topic;       /*  1 OPEN: the name */
    struct bytes key;         /*  2 ordering key, a value's key */
    struct bytes trace;       /*  3 FRAME_TRACE bytes */
    uint64_t priority;        /*  5 */
    uint64_t ttl_ms;          /*  6 */
    uint64_t delay_ms;        /*  7 */
    uint64_t attempt;         /* 11 */
    struct bytes from;        /* 13 the sender's role; the broker sets it */
    struct bytes idempotency; /* 15 */
    uint64_t time_ms;         /* 18 when the broker had it */
    struct bytes subject;     /* 20 access token of the person who asks */
    struct bytes name;        /* 21 full name of a call, queue, event or value */
    uint64_t error;           /* 22 number of the error in schemas/errors.toml */
    struct bytes text;        /* 23 a sentence that goes with it */
    struct bytes job;         /* 24 id of a job */
    struct bytes group;       /* 25 SUB */
    struct bytes filter;      /* 26 SUB: names; TAP: the terms */
    struct bytes secret;      /* 27 HELLO */
    struct bytes instance;    /* 28 HELLO: this process */
    struct bytes store;       /* 29 HELLO: the producer's store; WELCOME, SUB, LOST: the broker's */
    uint64_t epoch;           /* 30 HELLO: of the producer's store */
    struct bytes version;     /* 31 HELLO: of the program */
    uint64_t incarnation;     /* 32 WELCOME */
    struct bytes to;          /* 33 TAPMSG */
    uint64_t size;            /* 34 TAPMSG: of the body */
    uint64_t latency_us;      /* 35 TAPMSG: plus one; 0: none */
    uint64_t dropped;         /* 36 TAPMSG */
};

/* Reads frame A. 0, or ERR_MALFORMED. ret_body is what follows the header (empty with FRAME_BODY2). */
int frame_parse(struct bytes in, struct frame *ret, struct bytes *ret_head, struct bytes *ret_body);
int frame_parse_head(struct bytes in, struct frame_head *ret);

/* Appends prefix and header map, and the body when it is small: then *ret_inline is true. head NULL: an empty
 * map. */
void frame_build(struct buf *out, const struct frame *frame, const struct frame_head *head, struct bytes body,
                 bool *ret_inline);
/* The same with a header map that is packed already. */
void frame_build_raw(struct buf *out, const struct frame *frame, struct bytes head, struct bytes body,
                     bool *ret_inline);
void frame_build_head(struct buf *out, const struct frame_head *head);
/* And with what another, packed, header map has under the keys whose bits are set in `wanted`. */
void frame_build_head_with(struct buf *out, const struct frame_head *head, struct bytes from, uint64_t wanted);

/* One of many durable messages of one handle: the body of PUTB and APPENDB is a row of them, their seqs rise. */
struct frame_item {
    uint64_t seq;
    struct bytes head, body; /* head: a header map as frame_build_head() packs it */
};
void frame_put_item(struct buf *out, const struct frame_item *item);
/* Takes the first one off `rest`. False: it ends in the midst of one, or is empty. */
bool frame_next_item(struct bytes *rest, struct frame_item *ret);

/* In the answer to a batch, a row of those whose verdict is not the frame's code. */
void frame_put_verdict(struct buf *out, uint64_t seq, uint16_t code);
bool frame_next_verdict(struct bytes *rest, uint64_t *ret_seq, uint16_t *ret_code);

/* Frames that leave as one message, FRAME_MANY: its body, which always lies in the first frame, is a row of them, each
 * whole in itself and behind its length u32. One that is alone leaves as it is. Start with {0}. */
struct frame_row {
    struct buf buf; /* room for the prefix, then the row */
    unsigned n;
};
void frame_row_add(struct frame_row *row, const struct frame *frame, const struct frame_head *head,
                   struct bytes body); /* of FRAME_INLINE bytes at most */
void frame_row_add_raw(struct frame_row *row, const struct frame *frame, struct bytes head, struct bytes body);
void frame_row_add_built(struct frame_row *row, struct bytes frame);
struct bytes frame_row_message(struct frame_row *row); /* what leaves; not of an empty one */
void frame_row_reset(struct frame_row *row);
static inline bool frame_row_full(const struct frame_row *row)
{
    return row->n >= FRAME_ROW || row->buf.len >= FRAME_ROW_BYTES;
}
/* Takes the first frame off what follows FRAME_MANY's prefix. False: it ends in the midst of one, or is empty. */
bool frame_next_frame(struct bytes *rest, struct bytes *ret);

/* Dotted words of [a-z0-9_-], "$" in front of the first one allowed, BUS_NAME_MAX bytes at most. */
bool frame_name_ok(struct bytes name);
struct bytes frame_name_first(struct bytes name);  /* the word before the first dot */
const char *frame_verb_name(enum frame_verb verb); /* "call", ...; "?" */
enum frame_verb frame_verb_of(struct bytes name);  /* 0: none */
const char *frame_command_name(uint8_t command);

struct id frame_id(struct bytes raw);          /* all zero when it is not 16 bytes */
struct bytes frame_of_id(const struct id *id); /* absent when the id is all zero */
