/* page - cursors of lists: where a walk over a table stood, as text that a client hands back. Opaque to clients; a walk
 * checks what it is given. */
#pragma once

#include "schemas/wire/arena.h"
#include "schemas/wire/bytes.h"

enum { PAGE_CURSOR_MOST = 150 }; /* bytes; 200 characters as text */

/* Base64url in the arena; "" for no bytes, or more than a cursor may have. */
const char *page_cursor_text(struct arena *arena, struct bytes at);
/* ERR_INVALID when the text is not one of ours. NULL or "": no bytes, the first page. */
int page_cursor_read(struct arena *arena, const char *text, struct bytes *ret_at);
