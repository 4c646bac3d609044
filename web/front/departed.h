/* departed - the descriptor by which one sees that a client that is only written to has left.
 *
 * A stream that is silent for long would notice at its next write, and hold its place until then. civetweb
 * keeps its sockets to itself, so the connection's descriptor is found once, by the address at its other end.
 * */
#pragma once

#include <civetweb.h>

/* The descriptor of this request's connection, to be polled for POLLRDHUP; -1: not found. */
int departed_find(const struct mg_request_info *request);
