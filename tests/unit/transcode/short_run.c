/* short_run - see short_run.h */
#include "tests/unit/transcode/short_run.h"

#include <stdio.h>

void short_run_init(struct short_run *ret, const char *part)
{
    *ret = (struct short_run) {
        .segments = { { 1, 10 }, { 2, 10 } },
        .rendition = { .dir = ret->dir, .width = 64, .height = 64, .fps_div = 1, .crf = 23, .maxrate_kbps = 100 },
        .source = { 0, 10, "raw/v/part", false },
        .run = { .kind = RUN_KIND_VIDEO,
                 .prefix = "media/v/1",
                 .parts = &ret->source,
                 .parts_n = 1,
                 .length = 5000,
                 .fps_num = 25,
                 .fps_den = 1,
                 .gop = 10,
                 .segments = ret->segments,
                 .segments_n = 2,
                 .renditions = &ret->rendition,
                 .renditions_n = 1,
                 .deinterlace = DEINTERLACE_OFF,
                 .rate = 48000,
                 .channels = 2,
                 .quality = 1 }
    };
    ret->run.video_id.b[0] = 1;
    snprintf(ret->dir, sizeof(ret->dir), "v/%s", part);
}
