#include "actors/transcode/worker/decode.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <stdio.h>

#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/marks.h"

#define HANDLE 3 /* pictures before and after that the deinterlacer looks at */

static const int back_s[] = { 0, 1, 4, 16, 64 };

static bool is_ours(const struct decode *d, const AVPacket *packet)
{
    return packet->stream_index == (int)d->track;
}

/* Reads ahead for the last keyframe at or before the time and answers how many packets of the track lie before it. */
static uint64_t packets_before_key(struct decode *d, int64_t time)
{
    uint64_t seen = 0, key = 0;
    bool past = false;

    while (!past && av_read_frame(d->in->format, d->packet) >= 0) {
        if (is_ours(d, d->packet)) {
            int64_t at = input_time(d->in, d->track, d->packet->pts);

            past = at != AV_NOPTS_VALUE && at > time;
            if (!past && d->packet->flags & AV_PKT_FLAG_KEY)
                key = seen;
            seen++;
        }
        av_packet_unref(d->packet);
    }
    return key;
}

static void discard_others(struct decode *d)
{
    for (unsigned i = 0; i < d->in->format->nb_streams; i++)
        d->in->format->streams[i]->discard = i == d->track ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

/* From the first packet on; decoding only from a keyframe near the time when the first such try is made. */
static int restart(struct decode *d, int64_t time, bool skip, char *why, size_t why_len)
{
    int r = input_reopen(d->in, why, why_len);

    d->skip_packets = 0;
    if (r < 0)
        return r;
    discard_others(d);
    if (!skip)
        return 0;
    d->skip_packets = packets_before_key(d, time);
    r = input_reopen(d->in, why, why_len);
    if (r == 0)
        discard_others(d);
    return r;
}

/* Puts the demuxer where the try begins. */
static int position(struct decode *d, char *why, size_t why_len)
{
    AVRational base = d->in->format->streams[d->track]->time_base;
    int64_t time = grid_time(&d->grid, d->first - (d->fields ? 2 * HANDLE : 1), base);
    int r = 0;

    d->drained = d->flushed = d->sought = false;
    d->from_start = d->first == 0 || d->tries >= sizeof(back_s) / sizeof(*back_s);
    if (d->first == 0 && d->tries == 0)
        return 0; /* just opened: the first packet is next */
    if (!d->from_start &&
        input_seek(d->in, d->track, time - av_rescale_q(back_s[d->tries], (AVRational) { 1, 1 }, base)) == 0) {
        d->sought = true;
        return 0;
    }
    if (!d->from_start)
        d->tries = sizeof(back_s) / sizeof(*back_s) - 1; /* no use in asking again */
    r = restart(d, time, !d->from_start, why, why_len);
    d->from_start = d->from_start || d->skip_packets == 0;
    return r;
}

int decode_open(struct decode *d, char *why, size_t why_len)
{
    const AVStream *s;

    if (d->track >= d->in->format->nb_streams ||
        d->in->format->streams[d->track]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) {
        snprintf(why, why_len, "track %u is not a picture track", d->track);
        return AVERROR(EINVAL);
    }
    s = d->in->format->streams[d->track];
    d->base = s->time_base;
    d->last_time = d->left_out = INT64_MIN;
    d->confirmed = d->still & 1; /* nothing before is decoded: what comes first is held back to the beginning */
    d->graph_format = AV_PIX_FMT_NONE;
    d->packet = av_packet_alloc();
    d->codec = input_decoder(d->in, d->track, d->patient ? 1 : d->threads, d->patient, why, why_len);
    if (!d->codec || !d->packet)
        return AVERROR(ENOMEM);
    discard_others(d);
    return position(d, why, why_len);
}

void decode_close(struct decode *d)
{
    avfilter_graph_free(&d->graph);
    avcodec_free_context(&d->codec);
    av_packet_free(&d->packet);
}

static int build_graph(struct decode *d, const AVFrame *f)
{
    AVRational base = d->in->format->streams[d->track]->time_base;
    AVFilterContext *bwdif = NULL;
    char args[160];
    int r;

    avfilter_graph_free(&d->graph);
    d->graph = avfilter_graph_alloc();
    if (!d->graph)
        return AVERROR(ENOMEM);
    d->graph->nb_threads = d->threads;
    snprintf(args, sizeof(args), "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=1/1", f->width,
             f->height, f->format, base.num, base.den);
    r = avfilter_graph_create_filter(&d->graph_in, avfilter_get_by_name("buffer"), "in", args, NULL, d->graph);
    snprintf(args, sizeof(args), "mode=%s:deint=interlaced",
             d->fields == DECODE_PER_FIELD ? "send_field" : "send_frame");
    if (r >= 0)
        r = avfilter_graph_create_filter(&bwdif, avfilter_get_by_name("bwdif"), "fields", args, NULL, d->graph);
    if (r >= 0)
        r = avfilter_graph_create_filter(&d->graph_out, avfilter_get_by_name("buffersink"), "out", NULL, NULL,
                                         d->graph);
    if (r >= 0)
        r = avfilter_link(d->graph_in, 0, bwdif, 0);
    if (r >= 0)
        r = avfilter_link(bwdif, 0, d->graph_out, 0);
    if (r >= 0)
        r = avfilter_graph_config(d->graph, NULL);
    if (r >= 0)
        d->base = av_buffersink_get_time_base(d->graph_out);
    d->graph_width = f->width;
    d->graph_height = f->height;
    d->graph_format = f->format;
    return r;
}

/* The packet lies in a GOP that is not decoded, or needs what does. What comes before the run does not count where the
 * run's own beginning is left out. */
static bool is_left_out(struct decode *d, const AVPacket *packet)
{
    int64_t time = input_time(d->in, d->track, packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts), frame;

    if (!d->still || time == AV_NOPTS_VALUE)
        return false;
    frame = grid_first(&d->grid, time, d->in->format->streams[d->track]->time_base) - d->first;
    if (frame < 0 ? d->still & 1 : frame / d->gop < 64 && d->still >> (frame / d->gop) & 1)
        d->until_key = true;
    else if (packet->flags & AV_PKT_FLAG_KEY)
        d->until_key = false;
    if (d->until_key && time > d->left_out)
        d->left_out = time;
    return d->until_key;
}

/* What a seek found is a place in the file, not always a keyframe; not every decoder waits for one, some show grey. */
static bool is_before_key(struct decode *d, const AVPacket *packet)
{
    d->sought = d->sought && !(packet->flags & AV_PKT_FLAG_KEY);
    return d->sought;
}

/* Feeds the decoder one packet, or the end. Packets that it cannot take count as damage. */
static int feed(struct decode *d)
{
    int r = av_read_frame(d->in->format, d->packet);

    if (r < 0) {
        if (d->in->gone)
            return AVERROR_EXIT;
        d->drained = true; /* an error in the container ends what can be read, as the end does */
        return avcodec_send_packet(d->codec, NULL);
    }
    if (is_ours(d, d->packet)) {
        marks_note(d->in, d->packet);
        if (d->skip_packets)
            d->skip_packets--;
        else if (!is_before_key(d, d->packet) &&
                 (is_left_out(d, d->packet) || avcodec_send_packet(d->codec, d->packet) < 0))
            d->damaged++;
        link_progress(1, 0);
    }
    av_packet_unref(d->packet);
    return 0;
}

/* One picture out of the decoder, its pts from the origin. */
static int decoded(struct decode *d, AVFrame *f)
{
    for (;;) {
        int r = avcodec_receive_frame(d->codec, f);

        if (r == AVERROR(EAGAIN)) {
            r = feed(d);
            if (r < 0)
                return r;
            continue;
        }
        if (r == AVERROR_EOF || d->drained) {
            if (r < 0)
                return AVERROR_EOF;
        } else if (r < 0) {
            d->damaged++;
            continue;
        }
        if (f->decode_error_flags || f->flags & AV_FRAME_FLAG_CORRUPT)
            d->damaged++;
        f->pts = input_time(d->in, d->track, f->best_effort_timestamp);
        if (f->pts == AV_NOPTS_VALUE)
            f->pts = d->last_time == INT64_MIN ? 0 : d->last_time + (f->pkt_duration > 0 ? f->pkt_duration : 1);
        d->last_time = f->pts;
        return 0;
    }
}

static int deinterlaced(struct decode *d, AVFrame *f)
{
    for (;;) {
        int r = d->graph ? av_buffersink_get_frame(d->graph_out, f) : AVERROR(EAGAIN);

        if (r != AVERROR(EAGAIN))
            return r;
        r = decoded(d, f);
        if (r == AVERROR_EOF) {
            if (d->flushed || !d->graph)
                return r;
            d->flushed = true;
            r = av_buffersrc_add_frame_flags(d->graph_in, NULL, 0);
        } else if (r == 0) {
            if (f->width != d->graph_width || f->height != d->graph_height || f->format != d->graph_format)
                r = build_graph(d, f);
            if (r >= 0)
                r = av_buffersrc_add_frame_flags(d->graph_in, f, AV_BUFFERSRC_FLAG_NO_CHECK_FORMAT);
            av_frame_unref(f);
        }
        if (r < 0)
            return r;
    }
}

/* Goes back and decodes from earlier on. 0, or negative when it cannot be read again. */
static int go_back(struct decode *d)
{
    char why[160];

    d->tries++;
    d->damaged = 0;
    d->until_key = false;
    d->last_time = d->left_out = INT64_MIN;
    avcodec_flush_buffers(d->codec);
    avfilter_graph_free(&d->graph);
    d->graph_format = AV_PIX_FMT_NONE;
    d->graph_width = 0;
    return position(d, why, sizeof(why));
}

int decode_next(struct decode *d, AVFrame *f, int64_t *ret_time)
{
    for (;;) {
        int r = d->fields ? deinterlaced(d, f) : decoded(d, f);
        int64_t need = d->first - (d->fields ? HANDLE : 0);

        if (r == AVERROR_EXIT)
            return r;
        if (!d->confirmed && !d->from_start && (r < 0 || grid_first(&d->grid, f->pts, d->base) > need)) {
            av_frame_unref(f);
            r = go_back(d);
            if (r < 0)
                return r;
            continue;
        }
        if (r < 0)
            return r;
        d->confirmed = true;
        *ret_time = f->pts;
        return 0;
    }
}
