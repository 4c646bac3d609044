#include <inttypes.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/media/cmaf.h"
#include "actors/transcode/worker/budget.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/loudness.h"
#include "actors/transcode/worker/runs.h"
#include "actors/transcode/worker/sound.h"

#define FRAME 1024 /* samples of an AAC frame */
#define WARM_UP \
    24 /* frames encoded and dropped before the run, so that the encoder's state is that of one long encode */

struct audio {
    const struct encode_run *run;
    struct input in;
    struct sound sound;
    struct loudness loudness;
    struct budget budget;
    int64_t most;                /* bits a second */
    AVCodecContext *codec, *ear; /* the encoder, and a decoder of what it makes */
    AVFrame *frame, *heard;
    struct cmaf_track track;
    int64_t begin, first, planned; /* frames: where encoding and where the run begins, and one past its last */
    int64_t fed;                   /* frames sent since begin */
    int64_t end;                   /* frames of the whole track, once the source ended; else INT64_MAX */
    AVPacket **packets;            /* of the segment being collected */
    unsigned collected;
    size_t segment;
    int64_t next; /* the frame that the next packet kept is */
};

static void *must(void *allocated)
{
    if (!allocated)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
    return allocated;
}

static void check_plan(struct audio *a)
{
    const struct encode_run *run = a->run;
    uint64_t most = 0;

    a->first = a->planned = (int64_t)run->first;
    if (!run->segments_n || run->renditions_n != 1 || (run->rate != 48000 && run->rate != 44100) ||
        (run->channels != 1 && run->channels != 2 && run->channels != 6) || run->first > INT64_MAX / FRAME / 2)
        link_done(CONTROL_FAILED, "the plan of the run makes no sense: segments, renditions, rate or channels");
    for (size_t i = 0; i < run->segments_n; i++) {
        a->planned += (int64_t)run->segments[i].frames;
        most = run->segments[i].frames > most ? run->segments[i].frames : most;
    }
    a->begin = a->first > WARM_UP ? a->first - WARM_UP : 0;
    a->next = a->first;
    a->end = INT64_MAX;
    a->packets = must(calloc(most, sizeof(*a->packets)));
}

static void open_source(struct audio *a, const struct control_terms *terms)
{
    const struct encode_run *run = a->run;
    char why[200] = "";
    int r = input_open(&a->in, run->length, run->complete, why, sizeof(why));

    a->sound = (struct sound) { .in = &a->in,
                                .track = (unsigned)run->track,
                                .rate = (int)run->rate,
                                .channels = (int)run->channels,
                                .first = a->begin * FRAME,
                                .patient = terms->attempt > 1 };
    a->in.marks = run->marks;
    a->in.marks_n = run->marks_n;
    if (r == 0)
        r = sound_open(&a->sound, why, sizeof(why));
    if (r < 0)
        run_refuse(a->in.gone, r, why);
}

/* libavcodec's usual search for quantizers takes longer and more bits, and before some clicks makes bursts louder than full scale. Its fast
 * one cuts loud sound of few lines (worker/budget.h): a channel of low frequencies always, whatever the others need. */
static bool is_fast(const struct audio *a)
{
    return a->run->channels <= BUDGET_CHANNELS;
}

static void open_encoder(struct audio *a)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    AVCodecContext *c = must(codec ? avcodec_alloc_context3(codec) : NULL);
    struct buf init = { 0 };
    int r;

    c->sample_rate = (int)a->run->rate;
    c->sample_fmt = AV_SAMPLE_FMT_FLTP;
    av_channel_layout_default(&c->ch_layout, (int)a->run->channels);
    c->time_base = (AVRational) { 1, c->sample_rate };
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_QSCALE;
    c->global_quality = (int)(FF_QP2LAMBDA * a->run->quality + 0.5);
    c->profile = FF_PROFILE_AAC_LOW;
    r = av_opt_set(c->priv_data, "aac_coder", is_fast(a) ? "fast" : "twoloop", 0);
    if (r == 0)
        r = avcodec_open2(c, codec, NULL);
    if (r < 0 || c->frame_size != FRAME)
        link_done(CONTROL_FAILED, "the AAC encoder does not open: %s", av_err2str(r));
    a->codec = c;
    a->most = c->bit_rate;
    if (is_fast(a) && budget_open(&a->budget, c->sample_rate, (int)a->run->channels) < 0)
        must(NULL);
    a->frame = must(av_frame_alloc());
    a->track = (struct cmaf_track) { .timescale = (uint32_t)a->run->rate,
                                     .sample_duration = FRAME,
                                     .channels = (unsigned)a->run->channels,
                                     .config = c->extradata,
                                     .config_len = (size_t)c->extradata_size };
    if (cmaf_init(&a->track, &init) < 0)
        link_done(CONTROL_FAILED, "the AAC encoder made no usable configuration");
    link_send(CONTROL_INIT, 0, init.data, init.len, NULL, 0);
    buf_free(&init);
}

/* What is measured is what people will hear: of windows with a sample above 0.95 libavcodec's encoder makes all softer, by up to
 * half a decibel in loud music, and what is soft it leaves out. */
static void open_ear(struct audio *a)
{
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_AAC);
    AVCodecContext *c = must(codec ? avcodec_alloc_context3(codec) : NULL);
    int r;

    c->thread_count = 1;
    c->extradata = must(av_mallocz((size_t)a->codec->extradata_size + AV_INPUT_BUFFER_PADDING_SIZE));
    c->extradata_size = a->codec->extradata_size;
    memcpy(c->extradata, a->codec->extradata, (size_t)c->extradata_size);
    r = avcodec_open2(c, codec, NULL);
    if (r < 0)
        link_done(CONTROL_FAILED, "the AAC decoder does not open: %s", av_err2str(r));
    a->ear = c;
    a->heard = must(av_frame_alloc());
}

/* A packet of the run or of its warm-up. */
static void hear(struct audio *a, const AVPacket *packet)
{
    int r = avcodec_send_packet(a->ear, packet);

    if (r == 0)
        r = avcodec_receive_frame(a->ear, a->heard);
    if (r < 0 || a->heard->nb_samples != FRAME || a->heard->format != AV_SAMPLE_FMT_FLTP ||
        a->heard->ch_layout.nb_channels != (int)a->run->channels)
        link_done(CONTROL_FAILED, "what the AAC encoder made cannot be decoded: %s",
                  r < 0 ? av_err2str(r) : "another format");
    loudness_take(&a->loudness, (float *const *)(void *)a->heard->extended_data, FRAME);
    av_frame_unref(a->heard);
}

static void send_segment(struct audio *a)
{
    struct cmaf_sample *samples = must(calloc(a->collected, sizeof(*samples)));
    uint32_t number = (uint32_t)a->run->segments[a->segment].number;
    struct buf bytes = { 0 };

    for (unsigned i = 0; i < a->collected; i++)
        samples[i] = (struct cmaf_sample) { .data = a->packets[i]->data,
                                            .len = (size_t)a->packets[i]->size,
                                            .sync = true };
    cmaf_fragment(&a->track, number, (uint64_t)(a->next - a->collected) * FRAME, samples, a->collected, &bytes);
    link_send(CONTROL_SEGMENT, 0, &number, sizeof(number), bytes.data, bytes.len);
    for (unsigned i = 0; i < a->collected; i++)
        av_packet_free(&a->packets[i]);
    a->collected = 0;
    a->segment++;
    buf_free(&bytes);
    free(samples);
}

/* Keeps a packet of the run, passes over the warm-up and what follows. */
static void take_packet(struct audio *a, AVPacket *packet)
{
    int64_t number = a->begin + packet->pts / FRAME;

    if (packet->pts >= 0 && number < a->planned && number < a->end)
        hear(a, packet);
    if (packet->pts < 0 || number != a->next || number >= a->planned || number >= a->end) {
        av_packet_free(&packet);
        return;
    }
    a->packets[a->collected++] = packet;
    a->next++;
    link_progress(1, (uint64_t)(a->next - a->first));
    if (a->collected == a->run->segments[a->segment].frames)
        send_segment(a);
}

static void receive(struct audio *a)
{
    for (;;) {
        AVPacket *packet = must(av_packet_alloc());
        int r = avcodec_receive_packet(a->codec, packet);

        if (r == 0) {
            take_packet(a, packet);
            continue;
        }
        av_packet_free(&packet);
        if (r != AVERROR(EAGAIN) && r != AVERROR_EOF)
            link_done(CONTROL_FAILED, "the AAC encoder failed: %s", av_err2str(r));
        return;
    }
}

/* The next block of samples; notes where the source ended. */
static void fill(struct audio *a)
{
    AVFrame *f = a->frame;
    int got;

    av_frame_unref(f);
    f->nb_samples = FRAME;
    f->format = AV_SAMPLE_FMT_FLTP;
    f->sample_rate = a->codec->sample_rate;
    av_channel_layout_copy(&f->ch_layout, &a->codec->ch_layout);
    if (av_frame_get_buffer(f, 0) < 0)
        must(NULL);
    got = sound_take(&a->sound, (float **)(void *)f->extended_data, FRAME);
    if (got == AVERROR_EXIT)
        link_done(CONTROL_IS_GONE, "the original was deleted");
    if (got < 0)
        link_done(CONTROL_REFUSED, "no sound of the track could be decoded: %s", av_err2str(got));
    if (got < FRAME && a->end == INT64_MAX && !a->run->pad)
        a->end = got || a->fed ? a->begin + a->fed + (got > 0) : (sound_end(&a->sound) + FRAME - 1) / FRAME;
    f->pts = a->fed++ * FRAME;
}

static void encode_all(struct audio *a)
{
    while (a->next < a->planned && a->next < a->end) {
        fill(a);
        if (is_fast(a))
            a->codec->bit_rate = budget_take(&a->budget, (float *const *)(void *)a->frame->extended_data, a->most);
        if (avcodec_send_frame(a->codec, a->frame) < 0)
            link_done(CONTROL_FAILED, "the AAC encoder refused a frame");
        receive(a);
    }
    if (a->collected)
        send_segment(a);
}

void audio_run(const struct encode_run *run, const struct control_terms *terms)
{
    struct audio a = { .run = run };
    struct run_done done = { 0 };

    check_plan(&a);
    open_source(&a, terms);
    open_encoder(&a);
    open_ear(&a);
    loudness_open(&a.loudness, (int)run->rate, (int)run->channels, a.begin * FRAME, a.first * FRAME);
    encode_all(&a);
    done.has_end = a.end <= a.planned;
    done.end = done.has_end ? (uint64_t)a.end : 0;
    done.damaged = a.sound.damaged;
    done.levels = buf_bytes(&a.loudness.levels);
    done.has_peak = true;
    done.peak = loudness_peak(&a.loudness);
    run_finish(run, &done);
}
