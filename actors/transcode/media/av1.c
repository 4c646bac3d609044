#include "actors/transcode/media/av1.h"

#include "data/isobmff/bits.h"
#include "schemas/wire/plant.h"

enum {
    OBU_SEQUENCE = 1,
    OBU_DELIMITER = 2,
    OBU_FRAME_HEADER = 3,
    OBU_FRAME = 6,
    OBU_TILE_LIST = 8,
    OBU_PADDING = 15
};
enum { SELECT_SCREEN_TOOLS = 2 };

struct obu {
    unsigned type;
    struct bytes whole, body;
};

/* The next OBU, which must tell its size. False at the end, and, with c->bad, where none follows. */
static bool next_obu(struct box_cursor *c, struct obu *ret)
{
    const uint8_t *start = c->at;
    uint64_t size = 0;
    unsigned head, byte = 0x80;

    if (c->bad || c->at == c->end)
        return false;
    head = (unsigned)box_take(c, 1);
    if ((head & 0x83) != 2) /* forbidden, without a size, reserved */
        c->bad = true;
    if (head & 4)
        box_take(c, 1);
    for (unsigned i = 0; byte & 0x80 && i < 5; i++) {
        byte = (unsigned)box_take(c, 1);
        size |= (uint64_t)(byte & 0x7f) << 7 * i;
    }
    if (c->bad || byte & 0x80 || size > box_left(c)) {
        c->bad = true;
        return false;
    }
    ret->type = head >> 3 & 15;
    ret->body = bytes_of(box_skip(c, size), size);
    ret->whole = bytes_of(start, (size_t)(c->at - start));
    return true;
}

size_t av1_delimiter(struct bytes unit)
{
    struct box_cursor c = box_cursor_of(unit);
    struct obu obu;

    return next_obu(&c, &obu) && obu.type == OBU_DELIMITER ? obu.whole.len : 0;
}

struct shape {
    unsigned level, tier, chroma_position;
    unsigned width, height;
};

/* Which tools may be used, of 5.5.1. */
static void skip_tools(struct bits *b)
{
    bool order_hint;
    uint32_t screen;

    bits_skip(b, 3); /* blocks of 128, filters of intra prediction */
    bits_skip(b, 4); /* compounds, warped motion, dual filter */
    order_hint = bits_take(b, 1);
    if (order_hint)
        bits_skip(b, 2);
    screen = bits_take(b, 1) ? SELECT_SCREEN_TOOLS : bits_take(b, 1);
    if (screen && !bits_take(b, 1))
        bits_skip(b, 1);
    if (order_hint)
        bits_skip(b, 3);
    bits_skip(b, 3); /* super-resolution, CDEF, restoration */
}

/* color_config of 5.5.2: 8 bits, in three planes, 4:2:0. */
static void read_colour(struct bits *b, struct shape *ret)
{
    bits_expect(b, bits_take(b, 1), 0);
    bits_expect(b, bits_take(b, 1), 0);
    if (bits_take(b, 1))
        bits_skip(b, 24);
    bits_skip(b, 1);
    ret->chroma_position = bits_take(b, 2);
    bits_skip(b, 1);
}

/* sequence_header_obu; false where it is of another kind than ours. */
static bool read_sequence(struct bytes body, struct shape *ret)
{
    unsigned across, down;
    struct bits b;

    bits_of(&b, body, false);
    bits_expect(&b, bits_take(&b, 3), 0); /* Main */
    bits_expect(&b, bits_take(&b, 2), 0); /* no still picture, not the short form */
    bits_expect(&b, bits_take(&b, 1), 0); /* no timing */
    bits_expect(&b, bits_take(&b, 1), 0); /* no delay of display */
    bits_expect(&b, bits_take(&b, 5), 0); /* one operating point */
    bits_skip(&b, 12);
    ret->level = bits_take(&b, 5);
    ret->tier = ret->level > 7 ? bits_take(&b, 1) : 0;
    across = bits_take(&b, 4) + 1;
    down = bits_take(&b, 4) + 1;
    ret->width = bits_take(&b, across) + 1;
    ret->height = bits_take(&b, down) + 1;
    bits_expect(&b, bits_take(&b, 1), 0); /* no numbers of frames */
    skip_tools(&b);
    read_colour(&b, ret);
    bits_skip(&b, 1); /* film grain */
    PLANT(!b.bad && ret->width == ret->height);
    return !b.bad;
}

/* The one OBU of a configuration. */
static bool read_config(struct bytes config, struct shape *ret)
{
    struct box_cursor c = box_cursor_of(config);
    struct obu obu;

    return next_obu(&c, &obu) && obu.type == OBU_SEQUENCE && c.at == c.end && read_sequence(obu.body, ret);
}

static void fill_head(const struct shape *shape, uint8_t head[AV1_RECORD_BYTES])
{
    head[0] = 0x81;
    head[1] = (uint8_t)shape->level; /* profile 0 */
    head[2] = (uint8_t)(shape->tier << 7 | 0x0c | shape->chroma_position);
    head[3] = 0;
}

static bool put_record(struct bytes config, struct buf *to)
{
    uint8_t head[AV1_RECORD_BYTES];
    struct shape shape;

    if (!read_config(config, &shape))
        return false;
    fill_head(&shape, head);
    buf_put(to, head, sizeof(head));
    buf_put(to, config.data, config.len);
    return true;
}

static bool read_record(struct bytes record, struct buf *config)
{
    struct shape shape;

    if (record.len <= AV1_RECORD_BYTES)
        return false;
    buf_put(config, (const uint8_t *)record.data + AV1_RECORD_BYTES, record.len - AV1_RECORD_BYTES);
    return read_config(buf_bytes(config), &shape);
}

static bool name(struct bytes config, unsigned width, unsigned height, char codec[CODEC_NAME_MOST])
{
    uint8_t head[AV1_RECORD_BYTES];
    struct shape shape;

    if (!read_config(config, &shape) || shape.width != width || shape.height != height)
        return false;
    fill_head(&shape, head);
    av1_codec(head, codec);
    return true;
}

/* The first frame of a sample that begins a GOP is a key frame that is shown (5.9.2), and no other is. */
static bool check_sample(struct bytes sample, bool sync)
{
    struct box_cursor c = box_cursor_of(sample);
    struct obu obu;
    unsigned frames = 0;

    while (next_obu(&c, &obu)) {
        bool frame = obu.type == OBU_FRAME || obu.type == OBU_FRAME_HEADER;

        if (obu.type == OBU_DELIMITER || obu.type == OBU_TILE_LIST || obu.type == OBU_PADDING ||
            (obu.type == OBU_SEQUENCE && (!sync || frames)) || (frame && !obu.body.len))
            return false;
        if (frame && (*(const uint8_t *)obu.body.data >> 4 == 1) != (sync && !frames))
            return false;
        frames += frame;
    }
    return frames && !c.bad;
}

const struct coding av1_coding = { .entry = "av01",
                                   .record = "av1C",
                                   .put_record = put_record,
                                   .read_record = read_record,
                                   .name = name,
                                   .check_sample = check_sample,
                                   .patience = 6,
                                   .memory = 2 };
