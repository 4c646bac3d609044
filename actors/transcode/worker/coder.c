#include "actors/transcode/worker/coder.h"

#include <libavutil/opt.h>
#include <stdio.h>

#include "actors/transcode/worker/link.h"

static const struct coder coders[] = {
    { .codec = PICTURE_CODEC_H264,
      .library = "libx264",
      .name = "x264",
      .preset = "veryfast",
      .options = { { "profile", "high" }, { "sc_threshold", "0" }, { "x264-params", "annexb=0:stitchable=1" } },
      .tells_level = true },
    { .codec = PICTURE_CODEC_HEVC,
      .library = "libx265",
      .name = "x265",
      .preset = "veryfast",
      .options = { { "profile", "main" },
                   { "x265-params", "annexb=0:info=0:open-gop=0:scenecut=0:pools=none:frame-threads=1:wpp=0:log-"
                                    "level=error" } } },
    { .codec = PICTURE_CODEC_AV1,
      .library = "libsvtav1",
      .name = "SVT-AV1",
      .preset = "10",
      .options = { { "svtav1-params", "lp=1:irefresh-type=2:scd=0" } },
      .has_delimiter = true },
};

const struct coder *coder_of(enum picture_codec codec)
{
    for (size_t i = 0; i < sizeof(coders) / sizeof(*coders); i++)
        if (coders[i].codec == codec)
            return &coders[i];
    return &coders[0];
}

static void set_option(const struct coder *coder, AVCodecContext *c, const char *name, const char *value)
{
    if (av_opt_set(c, name, value, AV_OPT_SEARCH_CHILDREN) < 0)
        link_done(CONTROL_FAILED, "%s does not take %s=%s", coder->name, name, value);
}

void coder_configure(const struct coder *coder, const struct run_rendition *r, AVCodecContext *c)
{
    char text[32];

    set_option(coder, c, "preset", r->preset ? r->preset : coder->preset);
    snprintf(text, sizeof(text), "%.2f", r->crf);
    set_option(coder, c, "crf", text);
    for (size_t i = 0; coder->options[i].name; i++)
        set_option(coder, c, coder->options[i].name, coder->options[i].value);
    snprintf(text, sizeof(text), "%u.%u", (unsigned)r->level / 10, (unsigned)r->level % 10);
    if (coder->tells_level && r->level)
        set_option(coder, c, "level", text);
}
