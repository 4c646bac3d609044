#include "actors/transcode/worker/copy.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>
#include <string.h>

#include "actors/transcode/media/avc.h"

#define LONGEST_S 6 /* between keyframes */
#define LEAST     4 /* keyframes a second at most: a segment names each */
#define WINDOW_S  6 /* that a rate is measured over */

/* One length-prefixed parameter set of an avcC. */
static bool take_set(const uint8_t **at, const uint8_t *end, unsigned type, struct buf *ret)
{
    size_t len;

    if (end - *at < 3)
        return false;
    len = AV_RB16(*at);
    *at += 2;
    if (!len || len > (size_t)(end - *at) || (**at & 31) != type)
        return false;
    buf_put_u32(ret, (uint32_t)len);
    buf_put(ret, *at, len);
    *at += len;
    return true;
}

bool copy_config(const AVStream *s, struct buf *ret)
{
    const uint8_t *at = s->codecpar->extradata, *end = at + s->codecpar->extradata_size;
    struct avc_picture picture;

    /* version 1, lengths of four bytes, one SPS */
    if (s->codecpar->codec_id != AV_CODEC_ID_H264 || end - at < 7 || at[0] != 1 || (at[4] & 3) != 3 ||
        (at[5] & 31) != 1)
        return false;
    at += 6;
    if (!take_set(&at, end, 7, ret) || end - at < 1 || *at++ != 1 || !take_set(&at, end, 8, ret))
        return false;
    return avc_read_sps(ret->data + 4, AV_RB32(ret->data), &picture) == 0 && avc_is_plain(&picture) &&
           (int)picture.width == s->codecpar->width && (int)picture.height == s->codecpar->height;
}

/* Every packet decodes on its own frame of the grid, and none is cut away by an edit list. A quarter of a frame is let pass,
 * as whole numbers of a time base add up to it: 41667 us for 1/24 s are off by 8 us a second. */
static bool is_steady(AVStream *s, int n, AVRational fps)
{
    int64_t first = avformat_index_get_entry(s, 0)->timestamp;
    int64_t off = av_rescale_q(1, av_inv_q(fps), s->time_base) / 4 + 1;

    for (int i = 0; i < n; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(s, i);
        int64_t due = first + av_rescale_q(i, av_inv_q(fps), s->time_base);

        if (entry->timestamp < due - off || entry->timestamp > due + off || entry->flags & AVINDEX_DISCARD_FRAME)
            return false;
    }
    return true;
}

/* The distance of keyframes, when it is the same throughout. */
static uint64_t key_distance(AVStream *s, int n)
{
    int gop = n;

    for (int i = n - 1; i > 0; i--)
        if (avformat_index_get_entry(s, i)->flags & AVINDEX_KEYFRAME)
            gop = i;
    for (int i = 0; i < n; i++)
        if (!!(avformat_index_get_entry(s, i)->flags & AVINDEX_KEYFRAME) != (i % gop == 0))
            return 0;
    return (uint64_t)gop;
}

static uint64_t highest_kbps(AVStream *s, int n, AVRational fps)
{
    int window = (int)(WINDOW_S * av_q2d(fps)) + 1;
    uint64_t bytes = 0, most = 0;

    window = window < n ? window : n;
    for (int i = 0; i < n; i++) {
        bytes += (uint64_t)avformat_index_get_entry(s, i)->size;
        if (i >= window)
            bytes -= (uint64_t)avformat_index_get_entry(s, i - window)->size;
        most = bytes > most ? bytes : most;
    }
    return (uint64_t)((double)most * 8 / 1000 * av_q2d(fps) / window);
}

struct copy_terms copy_judge(struct input *in, unsigned track, AVRational fps)
{
    AVStream *s = in->format->streams[track];
    int n = avformat_index_get_entries_count(s);
    struct copy_terms terms = { 0 };
    struct buf config = { 0 };
    bool fine = copy_config(s, &config);

    buf_free(&config);
    if (!fine || !in->iso || n < 2 || s->nb_frames != n || fps.num <= 0 || fps.den <= 0 || !is_steady(s, n, fps))
        return terms;
    if (s->start_time == AV_NOPTS_VALUE || input_time(in, track, s->start_time) != 0)
        return terms; /* sound goes first: pictures are added */
    terms.gop = key_distance(s, n);
    if ((double)terms.gop > LONGEST_S * av_q2d(fps) || (double)terms.gop * LEAST < av_q2d(fps))
        return (struct copy_terms) { 0 };
    terms.frames = (uint64_t)n;
    terms.kbps = highest_kbps(s, n, fps);
    return terms;
}
