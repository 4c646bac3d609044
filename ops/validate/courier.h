/* courier - gets what an address names: by HTTP (libcurl) or from a folder. See fetch.h. */
#pragma once

#include "ops/validate/fetch.h"

struct courier;

struct courier *courier_new(int root);
void courier_free(struct courier **courier);
void courier_go(struct courier *courier, const char *url, const struct errand *errand, struct buf *body,
                struct fetched *ret);
