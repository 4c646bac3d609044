/* door - as many connections as there are workers for; who comes beyond them is told so at once.
 *
 * civetweb would let them wait in its queue, and then in the kernel's, for as long as those inside stay. It has no word for a
 * limit, but it takes each connection by accept(), on one thread: the door is that function, defined here for the whole
 * program, and does more than the kernel's only on the thread that door_here was called on. Who is refused gets its answer and
 * the end of the connection without a worker, and may go on sending for a second, so that the answer is not lost by a reset.
 *
 * Threads    accept and door_here on civetweb's thread that listens; the rest on any
 * Weak spot  one door for a process, as accept() is one */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/bytes.h"

enum { DOOR_LINGER_MS = 1000, DOOR_LINGERING = 64 };

/* Writes what a connection beyond the limit is answered, a whole HTTP answer, into out. */
struct buf;
typedef void door_refuse_fn(void *ctx, struct buf *out);

void door_open(unsigned most, door_refuse_fn *refuse, void *ctx);
void door_close(void);           /* closes those that linger; nobody is counted any more */
void door_here(void);            /* this thread takes the connections of the door */
void door_left(void);            /* a connection that was let in has ended */
bool door_crowded(void);         /* most places are taken: who was answered should make room */
void door_sweep(int64_t now_ms); /* closes those refused more than DOOR_LINGER_MS ago; now and then */
