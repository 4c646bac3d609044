/* uploads - who writes which upload at the moment: one request each, so many at a time.
 *
 * A client whose network broke comes back before its old request has noticed. So whoever asks for an upload that is
 * being written waits for a while: until the other one ends, or has heard nothing for UPLOADS_SILENT_MS; then that one
 * is cut off and makes room. While bytes still arrive there, the newcomer is told ERR_LOCKED in the end.
 *
 * When all places are taken, a client slower than UPLOADS_SLOW bytes a second loses its own.
 *
 * What a request has heard is asked of the kernel, as civetweb may sit in one read for as long as single bytes come.
 * To cut off is to end the reading side of its connection: its read ends, and what came is made durable as after any
 * broken connection. */
#pragma once

#include <stdint.h>

#include <civetweb.h>

#include "schemas/wire/id.h"

enum {
    UPLOADS_SILENT_MS = 2000,
    UPLOADS_WAIT_MS = 4000, /* for the place of another one, at most */
    UPLOADS_SLOW = 50000,
    UPLOADS_SLOW_MS = 30000, /* over which the rate is taken */
};

struct uploads;

/* wait_ms: UPLOADS_WAIT_MS, or less in a test. */
struct uploads *uploads_new(unsigned max, unsigned wait_ms);
void uploads_free(struct uploads **uploads);

enum uploads_how {
    UPLOADS_ASK,  /* waits for its turn, as told above */
    UPLOADS_TAKE, /* whoever writes is cut off at once */
};

/* 0: it is the caller's until uploads_end; 1: so it is, and somebody else wrote it until now. ERR_LOCKED: another one
 * writes it; ERR_BUSY: all places are taken. request: by which its bytes come; NULL: by none, and it is never cut off. */
int uploads_begin(struct uploads *uploads, struct id id, const struct mg_request_info *request,
                  enum uploads_how how);
void uploads_end(struct uploads *uploads, struct id id);

/* Cuts off all of them, and whoever begins from now on: the process is about to stop. */
void uploads_stop(struct uploads *uploads);
