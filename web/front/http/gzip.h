/* gzip - a whole text, compressed. */
#pragma once

#include "schemas/wire/buf.h"

/* Appends it to out. */
void gzip_pack(struct bytes plain, struct buf *out);
