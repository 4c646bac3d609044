#include "actors/transcode/worker/encode.h"

#include <inttypes.h>
#include <libavcodec/avcodec.h>
#include <string.h>

#include "actors/transcode/media/av1.h"
#include "actors/transcode/media/cmaf.h"
#include "actors/transcode/worker/coder.h"
#include "actors/transcode/worker/link.h"

struct encoder_state {
    const struct coder *coder;
    AVCodecContext *codec;
    struct cmaf_track track;
    unsigned div, gop;   /* frames of the grid per frame, frames per GOP */
    uint64_t start;      /* the run's first frame, in frames of the rendition */
    uint64_t fed, taken; /* frames sent to the encoder, packets received */
    AVPacket **packets;  /* of the GOP being collected */
    int64_t *times;      /* their presentation, in frames from the run's start */
    unsigned collected;
    uint64_t fragments;
    size_t segment;        /* index in run->segments */
    uint64_t segment_left; /* frames of the rendition still missing from it */
    struct buf bytes;      /* the segment so far, behind its number */
    struct cmaf_sample *samples;
};

static void configure(struct encoder *e, AVCodecContext *c)
{
    const struct run_rendition *r = e->rendition;
    int div = (int)e->state->div;

    c->width = (int)r->width;
    c->height = (int)r->height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational) { (int)e->run->fps_den * div, (int)e->run->fps_num };
    c->framerate = (AVRational) { (int)e->run->fps_num, (int)e->run->fps_den * div };
    c->sample_aspect_ratio = (AVRational) { 1, 1 };
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->colorspace = AVCOL_SPC_BT709;
    c->color_range = AVCOL_RANGE_MPEG;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    c->gop_size = c->keyint_min = (int)e->state->gop;
    c->thread_count =
        1; /* frame threads cost 6 % more CPU; cores are filled by rungs and by runs beside each other */
    if (r->maxrate_kbps) {
        c->rc_max_rate = (int64_t)r->maxrate_kbps * 1000;
        c->rc_buffer_size = (int)((r->bufsize_kbps ? r->bufsize_kbps : r->maxrate_kbps) * 1000);
    }
    coder_configure(e->state->coder, r, c);
}

static void send_init(struct encoder *e)
{
    struct encoder_state *s = e->state;
    struct buf init = { 0 };

    s->track = (struct cmaf_track) {
        .video = true,
        .timescale = (uint32_t)e->run->fps_num,
        .sample_duration = (uint32_t)e->run->fps_den * s->div,
        .width = (unsigned)e->rendition->width,
        .height = (unsigned)e->rendition->height,
        .codec = e->rendition->codec,
        .config = s->codec->extradata,
        .config_len = (size_t)s->codec->extradata_size,
    };
    if (cmaf_init(&s->track, &init) < 0)
        link_done(CONTROL_FAILED, "%s made a header that makes no sense", s->coder->name);
    link_send(CONTROL_INIT, e->slot, init.data, init.len, NULL, 0);
    buf_free(&init);
}

static void *must(void *allocated)
{
    if (!allocated)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
    return allocated;
}

static void begin_segment(struct encoder *e)
{
    struct encoder_state *s = e->state;

    buf_reset(&s->bytes);
    if (s->segment == e->run->segments_n)
        return;
    s->segment_left = (e->run->segments[s->segment].frames + s->div - 1) / s->div;
}

void encoder_open(struct encoder *e)
{
    struct encoder_state *s = e->state = must(av_mallocz(sizeof(*s)));
    const AVCodec *codec;
    int r;

    s->coder = coder_of(e->rendition->codec);
    codec = avcodec_find_encoder_by_name(s->coder->library);
    s->div = e->rendition->fps_div ? (unsigned)e->rendition->fps_div : 1;
    s->gop = (unsigned)e->run->gop / s->div;
    s->start = e->run->first / s->div;
    s->codec = must(codec ? avcodec_alloc_context3(codec) : NULL);
    configure(e, s->codec);
    r = avcodec_open2(s->codec, codec, NULL);
    if (r < 0)
        link_done(CONTROL_FAILED, "%s does not open for %s: %s", s->coder->name, e->rendition->dir, av_err2str(r));
    s->packets = must(av_calloc(s->gop, sizeof(*s->packets)));
    s->times = must(av_calloc(s->gop, sizeof(*s->times)));
    s->samples = must(av_calloc(s->gop, sizeof(*s->samples)));
    send_init(e);
    begin_segment(e);
    queue_init(&e->queue, 3);
}

static void send_segment(struct encoder *e)
{
    struct encoder_state *s = e->state;
    uint32_t number = (uint32_t)e->run->segments[s->segment].number;

    link_send(CONTROL_SEGMENT, e->slot, &number, sizeof(number), s->bytes.data, s->bytes.len);
    s->segment++;
    begin_segment(e);
}

/* Writes the collected packets as a fragment; the segment too when it is full. */
static void end_gop(struct encoder *e)
{
    struct encoder_state *s = e->state;
    uint64_t first = s->taken - s->collected; /* from the run's start */

    for (unsigned i = 0; i < s->collected; i++) {
        struct bytes sample = bytes_of(s->packets[i]->data, (size_t)s->packets[i]->size);
        size_t skip = s->coder->has_delimiter ? av1_delimiter(sample) : 0;
        int64_t early = s->times[i] - (int64_t)(first + i);

        s->samples[i] = (struct cmaf_sample) {
            .data = s->packets[i]->data + skip,
            .len = sample.len - skip,
            .offset = (int32_t)(early * s->track.sample_duration),
            .sync = s->packets[i]->flags & AV_PKT_FLAG_KEY,
        };
    }
    cmaf_fragment(&s->track, (uint32_t)(s->start / s->gop + s->fragments + 1),
                  (s->start + first) * s->track.sample_duration, s->samples, s->collected, &s->bytes);
    for (unsigned i = 0; i < s->collected; i++)
        av_packet_free(&s->packets[i]);
    s->fragments++;
    s->segment_left -= s->collected;
    s->collected = 0;
    if (!s->segment_left)
        send_segment(e);
}

static void take_packet(struct encoder *e, AVPacket *packet)
{
    struct encoder_state *s = e->state;
    bool first = s->collected == 0;

    if (s->segment == e->run->segments_n)
        link_done(CONTROL_FAILED, "%s gave more frames for %s than it was sent", s->coder->name,
                  e->rendition->dir);
    if (first != !!(packet->flags & AV_PKT_FLAG_KEY) || packet->pts == AV_NOPTS_VALUE)
        link_done(CONTROL_FAILED, "%s broke the GOP of %s at frame %" PRIu64, s->coder->name, e->rendition->dir,
                  s->taken);
    s->times[s->collected] = packet->pts;
    s->packets[s->collected++] = packet;
    s->taken++;
    atomic_store(&e->frames, s->taken);
    e->progress(e->progress_ctx);
    if (s->collected == s->gop || s->collected == s->segment_left)
        end_gop(e);
}

static void receive(struct encoder *e)
{
    for (;;) {
        AVPacket *packet = must(av_packet_alloc());
        int r = avcodec_receive_packet(e->state->codec, packet);

        if (r < 0) {
            av_packet_free(&packet);
            if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
                return;
            link_done(CONTROL_FAILED, "%s failed for %s: %s", e->state->coder->name, e->rendition->dir,
                      av_err2str(r));
        }
        take_packet(e, packet);
    }
}

static void feed(struct encoder *e, AVFrame *picture)
{
    int r;

    if (picture) {
        picture->pts = (int64_t)e->state->fed++;
        picture->pict_type = AV_PICTURE_TYPE_NONE;
    }
    r = avcodec_send_frame(e->state->codec, picture);
    if (r < 0)
        link_done(CONTROL_FAILED, "%s failed for %s: %s", e->state->coder->name, e->rendition->dir, av_err2str(r));
    receive(e);
}

void *encoder_main(void *encoder)
{
    struct encoder *e = encoder;
    struct encoder_state *s = e->state;
    struct shown item;

    link_name_thread(e->rendition->dir);
    while (queue_take(&e->queue, &item)) {
        for (int64_t n = item.first; n < item.first + item.count; n++)
            if (n % s->div == 0)
                feed(e, item.picture);
        av_frame_free(&item.picture);
    }
    feed(e, NULL);
    if (s->collected)
        end_gop(e);
    if (s->bytes.len)
        send_segment(e);
    return NULL;
}

void encoder_close(struct encoder *e)
{
    struct encoder_state *s = e->state;

    queue_destroy(&e->queue);
    avcodec_free_context(&s->codec);
    buf_free(&s->bytes);
    av_freep(&s->packets);
    av_freep(&s->times);
    av_freep(&s->samples);
    av_freep(&e->state);
}
