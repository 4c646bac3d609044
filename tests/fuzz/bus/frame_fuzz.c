/* Bytes from a peer: the prefix, the header map, and what is built of them again. */
#include <stdlib.h>

#include "broker/client/frame.h"
#include "broker/client/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = { data, size }, head, body;
    struct frame_head parsed, again;
    struct mp mp = mp_of(in);
    struct buf built = { 0 };
    struct frame frame;

    struct bytes rest = in;
    struct frame_item item;
    uint16_t code;
    uint64_t seq;

    while (mp_skip(&mp))
        ;
    while (frame_next_item(&rest, &item))
        frame_parse_head(item.head, &parsed);
    for (rest = in; frame_next_verdict(&rest, &seq, &code);)
        ;
    if (frame_parse_head(in, &parsed) == 0) {
        frame_build_head(&built, &parsed);
        if (frame_parse_head(buf_bytes(&built), &again) < 0 || !bytes_equal(parsed.name, again.name) ||
            parsed.ttl_ms != again.ttl_ms)
            abort(); /* what was understood must be understood again */
    }
    buf_free(&built);
    if (frame_parse(in, &frame, &head, &body) == 0 && frame_parse_head(head, &parsed) == 0) {
        frame_name_ok(parsed.topic);
        frame_name_first(parsed.topic);
        frame_id(parsed.instance);
    }
    return 0;
}
