/* server - civetweb, as it must be configured (it can do much that it must not), and the life of one request
 * in it.
 *
 * Weak spot  civetweb drops requests in absolute form (`GET http://host/`) and `OPTIONS *` by itself, without
 *            an answer; what it refuses in a request line is answered 400 here, without the request's id */
#pragma once

#include "web/front/front.h"

/* Begins to listen. The sentence says what failed. */
int server_start(struct front *front, char error[static 256]);

/* Nothing new is taken, listeners are sent home, what runs may end; then the threads stop. */
void server_stop(struct front *front, int64_t drain_ms);
