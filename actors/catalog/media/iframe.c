#include "actors/catalog/media/iframe.h"

#include <stdlib.h>

static double iframe_seconds(const struct iframe_track *track, size_t n)
{
    const struct hls_rendition *video = track->video;

    return (double)track->gops[n].frames * video->fps_den / video->fps_num;
}

/* The longest GOP, rounded up: there is no shorter target. */
static unsigned iframe_target(const struct iframe_track *track)
{
    unsigned target = 1;

    for (size_t i = 0; i < track->gops_n; i++)
        while (iframe_seconds(track, i) > target + 0.499)
            target++;
    return target;
}

void iframe_media(struct buf *out, const struct iframe_track *track)
{
    buf_printf(out,
               "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:%u\n#EXT-X-PLAYLIST-TYPE:VOD\n"
               "#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n",
               iframe_target(track));
    for (size_t i = 0; i < track->gops_n; i++) {
        const struct iframe_gop *gop = &track->gops[i];

        buf_printf(out, "#EXTINF:%.5f,\n#EXT-X-BYTERANGE:%llu@%llu\n%06u.m4s\n", iframe_seconds(track, i),
                   (unsigned long long)gop->size, (unsigned long long)gop->offset, gop->segment);
    }
    buf_printf(out, "#EXT-X-ENDLIST\n");
}

/* Each picture is a segment of this playlist, and the peak is measured as that of any other. */
static struct hls_rate iframe_measure(const struct iframe_track *track)
{
    struct hls_segment *pictures = calloc(track->gops_n, sizeof(*pictures));
    struct hls_rate rate;

    if (!pictures)
        abort();
    for (size_t i = 0; i < track->gops_n; i++)
        pictures[i] = (struct hls_segment) { .duration = (uint64_t)track->gops[i].frames * track->video->fps_den,
                                             .size = track->gops[i].size };
    rate = hls_measure_list(pictures, track->gops_n, track->video->fps_num, iframe_target(track));
    free(pictures);
    return rate;
}

void iframe_master(struct buf *out, const struct iframe_track *track)
{
    const struct hls_rendition *video = track->video;
    struct hls_rate rate;

    if (!track->gops_n)
        return;
    rate = iframe_measure(track);
    buf_printf(out,
               "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%llu,AVERAGE-BANDWIDTH=%llu,CODECS=\"%s\",RESOLUTION=%ux%u,"
               "URI=\"%s/iframe.m3u8\"\n",
               (unsigned long long)rate.peak, (unsigned long long)rate.average, video->codec, video->width,
               video->height, video->dir);
}
