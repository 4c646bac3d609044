/* box - bounded reading of ISO base media boxes (ISO/IEC 14496-12): a cursor that cannot leave its bytes.
 *
 * Every reader answers something; what went wrong is remembered in `bad`, and a bad cursor answers zeros, so that a
 * reader may take a whole structure and ask once. Owns nothing, allocates nothing; the bytes are the caller's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/bytes.h"

struct box_cursor {
    const uint8_t *at, *end;
    bool bad; /* read past the end, or something was not as it must be */
};

struct box {
    char type[5]; /* as text; other bytes than printable ones are '?' */
    const uint8_t *start;
    struct box_cursor body;
    unsigned header; /* bytes before the body: 8, or 16 with a 64-bit size */
};

struct box_cursor box_cursor_of(struct bytes bytes);
size_t box_left(const struct box_cursor *c);
uint64_t box_take(struct box_cursor *c, unsigned n);       /* big-endian, n up to 8 */
const uint8_t *box_skip(struct box_cursor *c, uint64_t n); /* where they begin; NULL when they are not there */
void box_expect(struct box_cursor *c, unsigned n, uint64_t value); /* anything else makes it bad */
bool box_done(const struct box_cursor *c);                         /* all read, and nothing was wrong */

/* The next box. False at the end, and, with c->bad, where no whole box follows. A size of 0 ("to the end of the file")
 * is refused: nothing that is served in parts may have it. */
bool box_next(struct box_cursor *c, struct box *ret);
bool box_is(const struct box *box, const char *type);
/* Opens the box of that type, with a 32-bit size, that must come next; the cursor moves behind it. A bad cursor when
 * another comes. */
struct box_cursor box_enter(struct box_cursor *c, const char *type);
/* The first box of that type among those at the cursor, which does not move. */
bool box_find(struct box_cursor c, const char *type, struct box *ret);
