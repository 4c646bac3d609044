/* Records and samples of HEVC and AV1, from a stranger. The first byte chooses; what is accepted comes out of the writer as it
 * came in, but for what the writer does not take over. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/transcode/media/av1.h"
#include "actors/transcode/media/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct coding *coding, struct bytes in)
{
    struct buf config = { 0 }, record = { 0 }, again = { 0 };
    char name[CODEC_NAME_MOST];

    if (coding->read_record(in, &config) && coding->put_record(buf_bytes(&config), &record)) {
        assert(coding->read_record(buf_bytes(&record), &again));
        coding->name(buf_bytes(&again), 426, 240, name);
    }
    buf_free(&config);
    buf_free(&record);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct coding *coding = size ? coding_of(data[0] & 1 ? PICTURE_CODEC_AV1 : PICTURE_CODEC_HEVC) : NULL;
    struct bytes in;

    if (!size)
        return 0;
    in = bytes_of(data + 1, size - 1);
    switch (data[0] >> 1 & 3) {
    case 0: check_record(coding, in); break;
    case 1: coding->check_sample(in, true); break;
    case 2: coding->check_sample(in, false); break;
    default: assert(av1_delimiter(in) <= in.len); break;
    }
    return 0;
}
