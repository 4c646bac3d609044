/* However a form is cut into pieces, the same parts come out of it. */
#include <stdlib.h>
#include <string.h>

#include "schemas/wire/buf.h"
#include "web/front/http/multipart.h"

static int begin(void *ctx, const struct multipart_part *part)
{
    buf_printf(ctx, "[%s|%s|%d]", part->name, part->filename, part->is_file);
    return 0;
}

static int data_in(void *ctx, const void *data, size_t len)
{
    buf_put(ctx, data, len);
    return 0;
}

static int end(void *ctx)
{
    buf_put_text(ctx, "[end]");
    return 0;
}

static int run(const uint8_t *data, size_t size, size_t step, struct buf *out)
{
    static const struct multipart_events events = { begin, data_in, end };
    struct multipart *m = multipart_new("multipart/form-data; boundary=B", &events, out);
    int r = 0;

    for (size_t at = 0; r == 0 && at < size; at += step)
        r = multipart_feed(m, data + at, size - at < step ? size - at : step);
    if (r == 0)
        r = multipart_finish(m);
    multipart_free(&m);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, pieces = { 0 };
    int a, b;

    if (size < 1)
        return 0;
    a = run(data + 1, size - 1, size, &whole);
    b = run(data + 1, size - 1, 1 + data[0] % 17, &pieces);
    if (a != b || (a == 0 && !bytes_equal(buf_bytes(&whole), buf_bytes(&pieces))))
        abort();
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
