/* gzip - see gzip.h */
#include "web/front/http/gzip.h"

#include <stdlib.h>

#include <zlib.h>

void gzip_pack(struct bytes plain, struct buf *out)
{
    z_stream z = { 0 };

    if (deflateInit2(&z, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (Bytef *)(uintptr_t)plain.data;
    z.avail_in = (uInt)plain.len;
    z.avail_out = (uInt)deflateBound(&z, plain.len);
    z.next_out = buf_room(out, z.avail_out);
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) /* there is room for all of it */
        abort();
    out->len += z.total_out;
    deflateEnd(&z);
}
