/* cors - pages of other origins that may use the API: those that front.cors_origins lists, and nobody else.
 *
 * They come with an access token. Nothing is allowed that goes by cookies (Access-Control-Allow-Credentials is never
 * sent), so what a browser sends by itself is worth nothing to them. */
#pragma once

#include "web/front/exchange.h"

/* Whether the request comes from a page of such an origin. */
bool cors_is_friend(const struct exchange *x);

/* Adds the headers that its browser asks for. True: it only asked what it may do, and has been answered. */
bool cors_begin(struct exchange *x);
