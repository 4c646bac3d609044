#include "actors/catalog/iframe.h"

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

/* The peak is that of the largest picture over its own time: each is a segment of this playlist. */
void iframe_master(struct buf *out, const struct iframe_track *track)
{
    const struct hls_rendition *video = track->video;
    double peak = 0, seconds = 0, bits = 0;

    for (size_t i = 0; i < track->gops_n; i++) {
        double own = iframe_seconds(track, i), size = (double)track->gops[i].size * 8;

        peak = own > 0 && size / own > peak ? size / own : peak;
        seconds += own;
        bits += size;
    }
    if (seconds <= 0)
        return;
    buf_printf(out,
               "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%llu,AVERAGE-BANDWIDTH=%llu,CODECS=\"%s\",RESOLUTION=%ux%u,"
               "URI=\"%s/iframe.m3u8\"\n",
               (unsigned long long)peak + 1, (unsigned long long)(bits / seconds) + 1, video->codec, video->width,
               video->height, video->dir);
}
