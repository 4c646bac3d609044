#include "data/isobmff/box.h"

#include <string.h>

struct box_cursor box_cursor_of(struct bytes bytes)
{
    const uint8_t *data = bytes.len ? bytes.data : (const uint8_t *)"";

    return (struct box_cursor) { data, data + bytes.len, false };
}

size_t box_left(const struct box_cursor *c)
{
    return (size_t)(c->end - c->at);
}

uint64_t box_take(struct box_cursor *c, unsigned n)
{
    uint64_t value = 0;

    if (box_left(c) < n) {
        c->bad = true;
        c->at = c->end;
        return 0;
    }
    while (n--)
        value = value << 8 | *c->at++;
    return value;
}

const uint8_t *box_skip(struct box_cursor *c, uint64_t n)
{
    const uint8_t *at = c->at;

    if (box_left(c) < n) {
        c->bad = true;
        c->at = c->end;
        return NULL;
    }
    c->at += n;
    return at;
}

void box_expect(struct box_cursor *c, unsigned n, uint64_t value)
{
    if (box_take(c, n) != value)
        c->bad = true;
}

bool box_done(const struct box_cursor *c)
{
    return !c->bad && c->at == c->end;
}

bool box_next(struct box_cursor *c, struct box *ret)
{
    uint64_t size;

    if (c->at == c->end || c->bad)
        return false;
    *ret = (struct box) { .start = c->at, .header = 8 };
    size = box_take(c, 4);
    for (unsigned i = 0; i < 4; i++) {
        uint8_t letter = (uint8_t)box_take(c, 1);

        ret->type[i] = (char)(letter >= 0x20 && letter < 0x7f ? letter : '?');
    }
    if (size == 1) {
        ret->header = 16;
        size = box_take(c, 8);
    }
    if (c->bad || size < ret->header || size - ret->header > box_left(c)) {
        c->bad = true;
        return false;
    }
    ret->body = (struct box_cursor) { c->at, c->at + (size - ret->header), false };
    c->at = ret->body.end;
    return true;
}

bool box_is(const struct box *box, const char *type)
{
    return memcmp(box->type, type, 4) == 0;
}

struct box_cursor box_enter(struct box_cursor *c, const char *type)
{
    struct box box;

    if (!box_next(c, &box) || !box_is(&box, type) || box.header != 8) {
        c->bad = true;
        return (struct box_cursor) { c->end, c->end, true };
    }
    return box.body;
}

bool box_find(struct box_cursor c, const char *type, struct box *ret)
{
    while (box_next(&c, ret))
        if (box_is(ret, type))
            return true;
    return false;
}
