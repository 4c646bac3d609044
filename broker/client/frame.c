#include "broker/client/frame.h"

#include <string.h>

#include "broker/client/bus.h"
#include "broker/client/mp.h"
#include "gen/errors.h"
#include "schemas/wire/plant.h"

enum field_kind { FIELD_NONE, FIELD_UINT, FIELD_DATA };

struct field {
    uint8_t kind;
    uint16_t max; /* of data, bytes */
    size_t offset;
};

#define DATA(member, max)                                    \
    {                                                        \
        FIELD_DATA, max, offsetof(struct frame_head, member) \
    }
#define UINT(member)                                       \
    {                                                      \
        FIELD_UINT, 0, offsetof(struct frame_head, member) \
    }

/* By key. */
static const struct field fields[] = {
    [1] = DATA(topic, BUS_NAME_MAX),
    [2] = DATA(key, BUS_KEY_MAX),
    [3] = DATA(trace, FRAME_TRACE),
    [5] = UINT(priority),
    [6] = UINT(ttl_ms),
    [7] = UINT(delay_ms),
    [11] = UINT(attempt),
    [13] = DATA(from, BUS_NAME_MAX),
    [15] = DATA(idempotency, 255),
    [18] = UINT(time_ms),
    [20] = DATA(subject, 4096),
    [21] = DATA(name, BUS_NAME_MAX),
    [22] = UINT(error),
    [23] = DATA(text, 2048),
    [24] = DATA(job, 16),
    [25] = DATA(group, 64),
    [26] = DATA(filter, 4096),
    [27] = DATA(secret, 256),
    [28] = DATA(instance, 16),
    [29] = DATA(store, 16),
    [30] = UINT(epoch),
    [31] = DATA(version, 64),
    [32] = UINT(incarnation),
    [33] = DATA(to, BUS_NAME_MAX),
    [34] = UINT(size),
    [35] = UINT(latency_us),
    [36] = UINT(dropped),
};
enum { FIELDS = sizeof fields / sizeof *fields };

static uint64_t frame_get(const uint8_t *at, unsigned size)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < size; i++)
        n = n << 8 | at[i];
    return n;
}

static void frame_set(uint8_t *at, uint64_t n, unsigned size)
{
    for (unsigned i = size; i-- > 0; n >>= 8)
        at[i] = (uint8_t)n;
}

int frame_parse(struct bytes in, struct frame *ret, struct bytes *ret_head, struct bytes *ret_body)
{
    const uint8_t *at = in.data;
    size_t head_len;

    if (in.len < FRAME_PREFIX || at[0] != FRAME_MAGIC || at[1] != FRAME_VERSION)
        return ERR_MALFORMED;
    head_len = (size_t)frame_get(at + 4, 2);
    if (in.len - FRAME_PREFIX < head_len)
        return ERR_MALFORMED;
    *ret = (struct frame) {
        .command = at[2],
        .flags = at[3],
        .code = (uint16_t)frame_get(at + 6, 2),
        .cid = frame_get(at + 8, 8),
        .seq = frame_get(at + 16, 8),
        .ms = (uint32_t)frame_get(at + 24, 4),
        .handle = (uint32_t)frame_get(at + 28, 4),
    };
    *ret_head = (struct bytes) { at + FRAME_PREFIX, head_len };
    *ret_body = (struct bytes) { at + FRAME_PREFIX + head_len, in.len - FRAME_PREFIX - head_len };
    if ((ret->flags & FRAME_BODY2) && ret_body->len > 0)
        return ERR_MALFORMED;
    return 0;
}

static int frame_parse_field(struct mp *mp, struct frame_head *ret)
{
    const struct field *field;
    struct bytes *data;
    uint64_t key;

    if (!mp_get_uint(mp, &key))
        return ERR_MALFORMED;
    field = &fields[key < FIELDS ? key : 0];
    if (!field->kind)
        return mp_skip(mp) ? 0 : ERR_MALFORMED;
    if (field->kind == FIELD_UINT)
        return mp_get_uint(mp, (uint64_t *)(void *)((char *)ret + field->offset)) ? 0 : ERR_MALFORMED;
    data = (struct bytes *)(void *)((char *)ret + field->offset);
    return mp_get_data(mp, data) && data->len <= field->max ? 0 : ERR_MALFORMED;
}

int frame_parse_head(struct bytes in, struct frame_head *ret)
{
    struct mp mp = mp_of(in);
    uint32_t pairs;

    memset(ret, 0, sizeof *ret);
    if (in.len == 0)
        return 0;
    if (!mp_get_map(&mp, &pairs))
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < pairs; i++) {
        if (frame_parse_field(&mp, ret) < 0)
            return ERR_MALFORMED;
    }
    if (!mp_end(&mp) || (ret->trace.data && ret->trace.len != FRAME_TRACE))
        return ERR_MALFORMED;
    PLANT(pairs > 1 && ret->filter.len > 2 && *(const char *)ret->filter.data > 'x');
    return 0;
}

static bool field_present(const struct field *field, const struct frame_head *head)
{
    const char *at = (const char *)head + field->offset;

    if (field->kind == FIELD_UINT)
        return *(const uint64_t *)(const void *)at != 0;
    return field->kind == FIELD_DATA && ((const struct bytes *)(const void *)at)->data != NULL;
}

static uint32_t head_put(struct buf *out, const struct frame_head *head)
{
    uint32_t pairs = 0;

    for (unsigned key = 1; key < FIELDS; key++) {
        const char *at = (const char *)head + fields[key].offset;

        if (!field_present(&fields[key], head))
            continue;
        pairs++;
        mp_put_uint(out, key);
        if (fields[key].kind == FIELD_UINT)
            mp_put_uint(out, *(const uint64_t *)(const void *)at);
        else
            mp_put_bytes(out, *(const struct bytes *)(const void *)at);
    }
    return pairs;
}

/* Those of a packed head whose keys are wanted, as they stand. */
static uint32_t head_copy(struct buf *out, struct bytes from, uint64_t wanted)
{
    struct mp mp = mp_of(from);
    uint32_t pairs, copied = 0;
    uint64_t key;

    if (from.len == 0 || !mp_get_map(&mp, &pairs))
        return 0;
    while (pairs--) {
        const uint8_t *at = mp.at;

        if (!mp_get_uint(&mp, &key) || !mp_skip(&mp))
            break;
        if (key >= 64 || !(wanted >> key & 1))
            continue;
        buf_put(out, at, (size_t)(mp.at - at));
        copied++;
    }
    return copied;
}

void frame_build_head_with(struct buf *out, const struct frame_head *head, struct bytes from, uint64_t wanted)
{
    size_t start = out->len;
    uint32_t pairs;

    mp_put_map(out, 0);
    pairs = head_put(out, head) + head_copy(out, from, wanted);
    if (pairs == 0) {
        out->len = start;
    } else if (pairs < 16) {
        out->data[start] |= (uint8_t)pairs;
    } else { /* its number takes two bytes more */
        size_t len = out->len - start - 1;
        uint8_t *end = buf_room(out, 2);

        memmove(end - len + 2, end - len, len);
        out->len = start;
        mp_put_map(out, pairs);
        out->len += len;
    }
}

void frame_build_head(struct buf *out, const struct frame_head *head)
{
    frame_build_head_with(out, head, bytes_of(NULL, 0), 0);
}

static void frame_put_prefix(uint8_t *at, const struct frame *frame, size_t head_len, bool body2)
{
    at[0] = FRAME_MAGIC;
    at[1] = FRAME_VERSION;
    at[2] = frame->command;
    at[3] = (uint8_t)((frame->flags & ~FRAME_BODY2) | (body2 ? FRAME_BODY2 : 0));
    frame_set(at + 4, head_len, 2);
    frame_set(at + 6, frame->code, 2);
    frame_set(at + 8, frame->cid, 8);
    frame_set(at + 16, frame->seq, 8);
    frame_set(at + 24, frame->ms, 4);
    frame_set(at + 28, frame->handle, 4);
}

static void frame_finish(struct buf *out, size_t start, const struct frame *frame, struct bytes body,
                         bool *ret_inline)
{
    size_t head_len = out->len - start - FRAME_PREFIX;

    *ret_inline = body.len <= FRAME_INLINE;
    frame_put_prefix(out->data + start, frame, head_len, !*ret_inline);
    if (*ret_inline)
        buf_put(out, body.data, body.len);
}

void frame_build(struct buf *out, const struct frame *frame, const struct frame_head *head, struct bytes body,
                 bool *ret_inline)
{
    static const uint8_t room[FRAME_PREFIX];
    size_t start = out->len;

    buf_put(out, room, sizeof room);
    if (head)
        frame_build_head(out, head);
    frame_finish(out, start, frame, body, ret_inline);
}

void frame_build_raw(struct buf *out, const struct frame *frame, struct bytes head, struct bytes body,
                     bool *ret_inline)
{
    static const uint8_t room[FRAME_PREFIX];
    size_t start = out->len;

    buf_put(out, room, sizeof room);
    buf_put(out, head.data, head.len);
    frame_finish(out, start, frame, body, ret_inline);
}

void frame_put_item(struct buf *out, const struct frame_item *item)
{
    uint8_t at[FRAME_ITEM];

    frame_set(at, item->seq, 8);
    frame_set(at + 8, item->head.len, 2);
    frame_set(at + 10, item->body.len, 4);
    buf_put(out, at, sizeof at);
    buf_put(out, item->head.data, item->head.len);
    buf_put(out, item->body.data, item->body.len);
}

bool frame_next_item(struct bytes *rest, struct frame_item *ret)
{
    const uint8_t *at = rest->data;
    size_t head, body;

    if (rest->len < FRAME_ITEM)
        return false;
    head = (size_t)frame_get(at + 8, 2);
    body = (size_t)frame_get(at + 10, 4);
    if (rest->len - FRAME_ITEM < head || rest->len - FRAME_ITEM - head < body)
        return false;
    *ret = (struct frame_item) { .seq = frame_get(at, 8),
                                 .head = { at + FRAME_ITEM, head },
                                 .body = { at + FRAME_ITEM + head, body } };
    *rest = bytes_of(at + FRAME_ITEM + head + body, rest->len - FRAME_ITEM - head - body);
    return true;
}

void frame_put_verdict(struct buf *out, uint64_t seq, uint16_t code)
{
    uint8_t at[FRAME_VERDICT];

    frame_set(at, seq, 8);
    frame_set(at + 8, code, 2);
    buf_put(out, at, sizeof at);
}

bool frame_next_verdict(struct bytes *rest, uint64_t *ret_seq, uint16_t *ret_code)
{
    const uint8_t *at = rest->data;

    if (rest->len < FRAME_VERDICT)
        return false;
    *ret_seq = frame_get(at, 8);
    *ret_code = (uint16_t)frame_get(at + 8, 2);
    *rest = bytes_of(at + FRAME_VERDICT, rest->len - FRAME_VERDICT);
    return true;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool frame_name_ok(struct bytes name)
{
    const char *at = name.data;
    bool word = false;

    if (name.len == 0 || name.len > BUS_NAME_MAX)
        return false;
    for (size_t i = at[0] == '$'; i < name.len; i++) {
        if (at[i] == '.' ? !word : !name_char(at[i]))
            return false;
        word = at[i] != '.';
    }
    return word;
}

struct bytes frame_name_first(struct bytes name)
{
    const void *dot = name.len ? memchr(name.data, '.', name.len) : NULL;

    return (struct bytes) { name.data, dot ? (size_t)((const char *)dot - (const char *)name.data) : name.len };
}

static const char *const verbs[VERB_END] = { "?",      "call",   "offer", "put",   "take",
                                             "append", "follow", "set",   "watch", "tap" };

const char *frame_verb_name(enum frame_verb verb)
{
    return verbs[(unsigned)verb < VERB_END ? verb : 0];
}

enum frame_verb frame_verb_of(struct bytes name)
{
    for (unsigned v = 1; v < VERB_END; v++) {
        if (strlen(verbs[v]) == name.len && memcmp(verbs[v], name.data, name.len) == 0)
            return (enum frame_verb)v;
    }
    return 0;
}

const char *frame_command_name(uint8_t command)
{
    static const char *const names[256] = {
        [FRAME_HELLO] = "HELLO",     [FRAME_WELCOME] = "WELCOME", [FRAME_BYE] = "BYE",
        [FRAME_PING] = "PING",       [FRAME_PONG] = "PONG",       [FRAME_GOAWAY] = "GOAWAY",
        [FRAME_ERROR] = "ERROR",     [FRAME_MANY] = "MANY",       [FRAME_OPEN] = "OPEN",
        [FRAME_CLOSE] = "CLOSE",     [FRAME_OK] = "OK",           [FRAME_REQ] = "REQ",
        [FRAME_REP] = "REP",         [FRAME_ERR] = "ERR",         [FRAME_CANCEL] = "CANCEL",
        [FRAME_OFFER] = "OFFER",     [FRAME_PUT] = "PUT",         [FRAME_JOB] = "JOB",
        [FRAME_ACK] = "ACK",         [FRAME_NACK] = "NACK",       [FRAME_TERM] = "TERM",
        [FRAME_EXTEND] = "EXTEND",   [FRAME_CREDIT] = "CREDIT",   [FRAME_LEASE_LOST] = "LEASE_LOST",
        [FRAME_RESUME] = "RESUME",   [FRAME_PUTB] = "PUTB",       [FRAME_APPEND] = "APPEND",
        [FRAME_SUB] = "SUB",         [FRAME_UNSUB] = "UNSUB",     [FRAME_EVT] = "EVT",
        [FRAME_CURSOR] = "CURSOR",   [FRAME_LOST] = "LOST",       [FRAME_TAIL] = "TAIL",
        [FRAME_APPENDB] = "APPENDB", [FRAME_SET] = "SET",         [FRAME_WATCH] = "WATCH",
        [FRAME_VAL] = "VAL",         [FRAME_TAP] = "TAP",         [FRAME_TAPMSG] = "TAPMSG",
    };

    return names[command] ? names[command] : "?";
}

struct id frame_id(struct bytes raw)
{
    struct id id = { 0 };

    if (raw.len == sizeof id.b)
        memcpy(id.b, raw.data, sizeof id.b);
    return id;
}

struct bytes frame_of_id(const struct id *id)
{
    static const struct id zero;

    if (memcmp(id, &zero, sizeof zero) == 0)
        return (struct bytes) { 0 };
    return (struct bytes) { id->b, sizeof id->b };
}
