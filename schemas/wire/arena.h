/* arena - memory that is given in small pieces and taken back all at once.
 *
 * A turn has one: whatever is unpacked, formatted or built in a handler lies in it and dies with the turn.
 * An allocation never fails: no memory left ends the process, and the supervisor starts it again. Sizes that came in
 * a message are checked against their bounds before they get here. Not for more than one thread. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "schemas/wire/bytes.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena);
void arena_reset(struct arena *arena); /* takes all back, keeps one block for the next turn */

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
void *arena_alloc_n(struct arena *arena, size_t n,
                    size_t size); /* an array; an overflow of n * size ends the process */
void *arena_copy(struct arena *arena, const void *data, size_t len);
struct bytes arena_bytes(struct arena *arena, struct bytes from);
char *arena_strdup(struct arena *arena, const char *text);              /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t len); /* adds the NUL */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
size_t arena_used(const struct arena *arena); /* bytes given since the last reset */
