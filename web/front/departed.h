/* departed - whether a client that is only listened to has left.
 *
 * A stream that is silent for long would notice at its next write, and hold its place until then. civetweb
 * keeps its sockets to itself, so the connection's descriptor is found once, by the address at its other end.
 * */
#pragma once

#include <stdbool.h>

#include <civetweb.h>

/* The descriptor of this request's connection; -1: not found. */
int departed_find(const struct mg_request_info *request);
/* Whether the other end has closed. fd -1: not known, so no. */
bool departed(int fd);
