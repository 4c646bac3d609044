/* check - one pass over msgpack bytes before anything is allocated for them. */
#include <stdint.h>
#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/internal.h"

struct check {
    const uint8_t *at, *end;
    uint32_t nodes_left;
    struct wire_error *err;
};

/* What a msgpack value begins with: how many bytes its own content has, and how many values it holds. */
struct head {
    uint64_t content, children;
    bool text;
};

static bool check_number(struct check *c, unsigned width, uint64_t *ret)
{
    if ((size_t)(c->end - c->at) < width)
        return false;
    *ret = 0;
    while (width--)
        *ret = *ret << 8 | *c->at++;
    return true;
}

/* Types 0xc0 to 0xdf; false: cut short, or a type that we do not use. */
static bool check_head_long(struct check *c, uint8_t type, struct head *head)
{
    switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3: return true;
    case 0xc4:
    case 0xc5:
    case 0xc6: return check_number(c, 1u << (type - 0xc4), &head->content);
    case 0xca: head->content = 4; return true;
    case 0xcb: head->content = 8; return true;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: head->content = 1u << (type - 0xcc); return true;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: head->content = 1u << (type - 0xd0); return true;
    case 0xd9:
    case 0xda:
    case 0xdb: head->text = true; return check_number(c, 1u << (type - 0xd9), &head->content);
    case 0xdc:
    case 0xdd: return check_number(c, 2u << (type - 0xdc), &head->children);
    case 0xde:
    case 0xdf:
        if (!check_number(c, 2u << (type - 0xde), &head->children))
            return false;
        head->children *= 2;
        return true;
    default: return false; /* 0xc1 is none; extension types are not used */
    }
}

static bool check_head(struct check *c, struct head *head)
{
    uint8_t type;

    *head = (struct head) { 0 };
    if (c->at == c->end)
        return false;
    type = *c->at++;
    if (type < 0x80 || type >= 0xe0)
        return true;
    if (type >= 0xc0)
        return check_head_long(c, type, head);
    if (type >= 0xa0) {
        head->text = true;
        head->content = type & 0x1f;
    } else {
        head->children = type >= 0x90 ? type & 0x0fu : (type & 0x0fu) * 2;
    }
    return true;
}

static int check_value(struct check *c, struct head *head)
{
    uint64_t left;

    if (c->nodes_left-- == 0) {
        c->nodes_left = 0;
        return wire_fail(c->err, ERR_TOO_LARGE, "has more values than its type can have");
    }
    if (!check_head(c, head))
        return wire_fail(c->err, ERR_MALFORMED, "is not msgpack, or was cut short");
    left = (uint64_t)(c->end - c->at);
    if (head->content > left || head->children > left - head->content)
        return wire_fail(c->err, ERR_MALFORMED, "claims more than it holds");
    if (head->text && !wire_utf8((const char *)c->at, head->content, NULL))
        return wire_fail(c->err, ERR_MALFORMED, "holds a text that is not UTF-8, or has a NUL");
    c->at += head->content;
    return 0;
}

int wire_check(struct bytes in, uint32_t max_nodes, struct wire_error *err)
{
    struct check c = {
        .at = in.data, .end = (const uint8_t *)in.data + in.len, .nodes_left = max_nodes, .err = err
    };
    uint64_t left[WIRE_DEPTH + 1] = { 1 }; /* values to come at each level */
    unsigned depth = 0;
    struct head head;
    int r;

    if (in.len == 0)
        return wire_fail(err, ERR_MALFORMED, "is empty");
    for (;;) {
        while (left[depth] == 0 && depth)
            depth--;
        if (left[depth] == 0)
            break;
        left[depth]--;
        r = check_value(&c, &head);
        if (r < 0)
            return r;
        if (head.children == 0)
            continue;
        if (depth == WIRE_DEPTH)
            return wire_fail(err, ERR_MALFORMED, "is nested deeper than %d levels", WIRE_DEPTH);
        left[++depth] = head.children;
    }
    return c.at == c.end ? 0 : wire_fail(err, ERR_MALFORMED, "has bytes behind its end");
}

/* Well-formed UTF-8 as in table 3-7 of the Unicode standard: how long the sequence is, 0 when it is none. */
static size_t utf8_sequence(const uint8_t *s, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t len;

    if (s[0] < 0x80)
        return s[0] != 0;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (left < len)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f; /* no surrogates */
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return len;
}

bool wire_utf8(const char *text, size_t len, size_t *ret_chars)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t chars = 0, step;

    for (size_t i = 0; i < len; i += step, chars++) {
        step = utf8_sequence(s + i, len - i);
        if (step == 0)
            return false;
    }
    if (ret_chars)
        *ret_chars = chars;
    return true;
}
