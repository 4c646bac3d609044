/* row - frames that leave together. */
#include "broker/client/frame.h"

enum { ROW_LENGTH = 4, ROW_CODE_AT = 6 };

static void row_set(uint8_t *at, size_t n, unsigned size)
{
    for (unsigned i = size; i-- > 0; n >>= 8)
        at[i] = (uint8_t)n;
}

/* Where the next frame's length goes. */
static size_t row_begin(struct frame_row *row)
{
    const struct frame many = { .command = FRAME_MANY };
    bool in_first;

    if (!row->n++)
        frame_build(&row->buf, &many, NULL, bytes_of(NULL, 0), &in_first);
    buf_put_u32(&row->buf, 0);
    return row->buf.len - ROW_LENGTH;
}

static void row_end(struct frame_row *row, size_t at)
{
    row_set(row->buf.data + at, row->buf.len - at - ROW_LENGTH, ROW_LENGTH);
}

void frame_row_add(struct frame_row *row, const struct frame *frame, const struct frame_head *head,
                   struct bytes body)
{
    size_t at = row_begin(row);
    bool in_first;

    frame_build(&row->buf, frame, head, body, &in_first);
    row_end(row, at);
}

void frame_row_add_raw(struct frame_row *row, const struct frame *frame, struct bytes head, struct bytes body)
{
    size_t at = row_begin(row);
    bool in_first;

    frame_build_raw(&row->buf, frame, head, body, &in_first);
    row_end(row, at);
}

void frame_row_add_built(struct frame_row *row, struct bytes frame)
{
    size_t at = row_begin(row);

    buf_put(&row->buf, frame.data, frame.len);
    row_end(row, at);
}

struct bytes frame_row_message(struct frame_row *row)
{
    const size_t before = FRAME_PREFIX + ROW_LENGTH;

    if (row->n == 1)
        return bytes_of(row->buf.data + before, row->buf.len - before);
    row_set(row->buf.data + ROW_CODE_AT, row->n, 2);
    return buf_bytes(&row->buf);
}

void frame_row_reset(struct frame_row *row)
{
    buf_reset(&row->buf);
    row->n = 0;
}

bool frame_next_frame(struct bytes *rest, struct bytes *ret)
{
    const uint8_t *at = rest->data;
    size_t len;

    if (rest->len < ROW_LENGTH)
        return false;
    len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (len > rest->len - ROW_LENGTH)
        return false;
    *ret = bytes_of(at + ROW_LENGTH, len);
    *rest = bytes_of(at + ROW_LENGTH + len, rest->len - ROW_LENGTH - len);
    return true;
}
