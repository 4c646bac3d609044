/* The parent's reading of inits, segments and images. The first byte chooses; what is accepted must make sense. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/transcode/boxes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segment(struct bytes in, const struct cmaf_track *track, uint32_t gop)
{
    struct boxes_segment is;
    const char *why = NULL;

    if (boxes_check_segment(in, track, 0, gop, &is, &why) < 0) {
        assert(why);
        return;
    }
    assert(is.n > 0 && is.n <= BOXES_GOPS && is.samples > 0);
    for (unsigned i = 0; i < is.n; i++)
        assert(is.gops[i].offset + is.gops[i].iframe_bytes <= in.len && is.gops[i].iframe_bytes > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cmaf_track video = {
        .video = true, .timescale = 25, .sample_duration = 1, .width = 320, .height = 180
    };
    static const struct cmaf_track audio = { .timescale = 48000, .sample_duration = 1024, .channels = 2 };
    const char *why = NULL;
    char codec[CODEC_NAME_MOST];
    struct bytes in;

    if (size == 0)
        return 0;
    in = bytes_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0: check_segment(in, &video, 10); break;
    case 1: check_segment(in, &audio, UINT32_MAX); break;
    case 2: boxes_check_init(in, &video, codec, &why); break;
    case 3: boxes_check_init(in, &audio, codec, &why); break;
    default: boxes_check_jpeg(in, 160, 90, &why); break;
    }
    return 0;
}
