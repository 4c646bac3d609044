#include "actors/transcode/worker/sound.h"

#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/worker/link.h"

#define SILENCE_STEP 4096
#define CENTURY_S    3155760000LL
#define SNAP_MS      2   /* times that coarse containers round by */
#define LEAD_MS      250 /* decoded before the first sample, for codecs that need a run-up */
#define SETTLE_MS    100 /* fed to the resampler before it */

static const int back_s[] = { 0, 2, 10, 60 };

static AVRational time_base(const struct sound *s)
{
    return s->in->format->streams[s->track]->time_base;
}

static void discard_others(struct sound *s)
{
    for (unsigned i = 0; i < s->in->format->nb_streams; i++)
        s->in->format->streams[i]->discard = i == s->track ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

/* The source sample where feeding begins: both grids have a sample there, a little before the first one wanted. */
static int64_t feeding_start(const struct sound *s)
{
    int64_t step = s->source_rate / av_gcd(s->source_rate, s->rate);
    int64_t wanted = av_rescale(s->first, s->source_rate, s->rate) - placing_samples(s->source_rate, SETTLE_MS);

    return wanted <= 0 ? 0 : wanted / step * step;
}

static int position(struct sound *s, char *why, size_t why_len)
{
    int64_t wanted = av_rescale(s->first, 1000, s->rate) - SETTLE_MS - LEAD_MS;
    const unsigned last = sizeof(back_s) / sizeof(*back_s);

    s->drained = s->placed = false;
    s->early = s->due = 0;
    s->from_start = wanted <= 0 || s->tries >= last;
    if (wanted <= 0 && s->tries == 0)
        return 0;
    if (!s->from_start) {
        int64_t time = wanted - 1000 * back_s[s->tries];

        if (input_seek(s->in, s->track, av_rescale_q(time, (AVRational) { 1, 1000 }, time_base(s))) == 0)
            return 0;
    }
    s->tries = last;
    s->from_start = true;
    if (input_reopen(s->in, why, why_len) < 0)
        return -1;
    discard_others(s);
    return 0;
}

int sound_open(struct sound *s, char *why, size_t why_len)
{
    if (s->track >= s->in->format->nb_streams ||
        s->in->format->streams[s->track]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) {
        snprintf(why, why_len, "track %u is not a sound track", s->track);
        return AVERROR(EINVAL);
    }
    s->packet = av_packet_alloc();
    for (unsigned i = 0; i < PLACING_AHEAD; i++)
        if (!(s->frames[i] = av_frame_alloc()))
            return AVERROR(ENOMEM);
    s->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, s->channels, 8192);
    s->codec = input_decoder(s->in, s->track, 1, s->patient, why, why_len);
    if (!s->packet || !s->fifo || !s->codec)
        return AVERROR(ENOMEM);
    s->source_rate = s->codec->sample_rate;
    discard_others(s);
    return position(s, why, why_len);
}

void sound_close(struct sound *s)
{
    swr_free(&s->swr);
    av_audio_fifo_free(s->fifo);
    avcodec_free_context(&s->codec);
    for (unsigned i = 0; i < PLACING_AHEAD; i++)
        av_frame_free(&s->frames[i]);
    av_packet_free(&s->packet);
}

/* Notes how far the packet reaches. Whether it ends long before it is needed: such a one is not decoded, as a file that
 * cannot be sought is read from its start. */
static bool much_too_early(struct sound *s)
{
    int64_t time = input_time(s->in, s->track, s->packet->pts), end;
    int64_t need = av_rescale(s->first, 1000, s->rate) - SETTLE_MS - 2 * LEAD_MS;
    bool early;

    if (time == AV_NOPTS_VALUE) {
        s->due++;
        return false;
    }
    end = av_rescale_q(time + s->packet->duration, time_base(s), (AVRational) { 1, s->source_rate });
    s->reach = end > s->reach ? end : s->reach;
    early = av_rescale_q(time, time_base(s), (AVRational) { 1, 1000 }) < need;
    s->early += early;
    s->due += !early;
    return early;
}

static int feed_decoder(struct sound *s)
{
    int r = av_read_frame(s->in->format, s->packet);

    if (r < 0) {
        if (s->in->gone)
            return AVERROR_EXIT;
        s->drained = true;
        return avcodec_send_packet(s->codec, NULL);
    }
    if (s->packet->stream_index == (int)s->track) {
        if (s->codec->codec_id == AV_CODEC_ID_OPUS) /* libavcodec does not say how long its frames are */
            s->opus_length = (int)av_rescale_q(s->packet->duration, time_base(s),
                                               (AVRational) { 1, s->source_rate });
        if (!much_too_early(s) && avcodec_send_packet(s->codec, s->packet) < 0)
            s->damaged++;
        link_progress(1, 0);
    }
    av_packet_unref(s->packet);
    return 0;
}

static int decode_frame(struct sound *s, AVFrame *frame)
{
    for (;;) {
        int r = avcodec_receive_frame(s->codec, frame);

        if (r == 0 && frame->nb_samples > 0 && frame->sample_rate > 0 && frame->ch_layout.nb_channels > 0)
            return 0;
        if (r == AVERROR(EAGAIN)) {
            r = feed_decoder(s);
            if (r < 0)
                return r;
        } else if (r == AVERROR_EOF || s->drained) {
            return AVERROR_EOF;
        } else {
            s->damaged++;
        }
    }
}

/* Where the frame says that it begins, on its own grid. Coarse times are snapped to whole frames from the track's start: the
 * frame's beginning or, of one whose beginning was priming and is gone, its end. */
static int64_t claim(const struct sound *s, const AVFrame *frame)
{
    const AVStream *stream = s->in->format->streams[s->track];
    int rate = frame->sample_rate, length = s->codec->frame_size ? s->codec->frame_size : s->opus_length,
        lost = length - frame->nb_samples;
    AVRational base = time_base(s), grid = { 1, rate };
    int64_t ts = frame->best_effort_timestamp, at, anchor, snapped;

    if (ts == AV_NOPTS_VALUE)
        return PLACING_UNKNOWN;
    at = av_rescale_q(input_time(s->in, s->track, ts), base, grid);
    if (llabs(at / rate) > CENTURY_S)
        return PLACING_UNKNOWN;
    if (length <= 1 || stream->start_time == AV_NOPTS_VALUE || av_cmp_q(base, grid) <= 0)
        return at;
    anchor = av_rescale_q(input_time(s->in, s->track, stream->start_time), base, grid);
    snapped = anchor + av_rescale(at - anchor, 1, length) * length;
    if (llabs(snapped - at) > placing_samples(rate, SNAP_MS) && lost > 0)
        snapped = anchor + av_rescale(at - lost - anchor, 1, length) * length + lost;
    return llabs(snapped - at) <= placing_samples(rate, SNAP_MS) ? snapped : at;
}

/* One more frame decoded; negative: there is none. */
static int look_further(struct sound *s)
{
    AVFrame *frame = s->frames[s->frames_n];
    int r = decode_frame(s, frame);

    if (r == 0)
        s->times[s->frames_n++] = (struct placing_frame) { claim(s, frame), frame->nb_samples };
    return r;
}

static void next_frame(struct sound *s)
{
    AVFrame *first = s->frames[0];

    av_frame_unref(first);
    s->frames_n--;
    memmove(s->frames, s->frames + 1, s->frames_n * sizeof(*s->frames));
    memmove(s->times, s->times + 1, s->frames_n * sizeof(*s->times));
    s->frames[s->frames_n] = first;
    s->held = false;
}

static int open_resampler(struct sound *s)
{
    const AVFrame *frame = s->frames[0];
    AVChannelLayout out = { 0 }, in = frame->ch_layout;
    int r;

    av_channel_layout_default(&out, s->channels);
    if (in.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&in, in.nb_channels);
    swr_free(&s->swr);
    r = swr_alloc_set_opts2(&s->swr, &out, AV_SAMPLE_FMT_FLTP, s->rate, &in, frame->format, frame->sample_rate, 0,
                            NULL);
    if (r == 0) {
        av_opt_set_double(s->swr, "rematrix_maxval", 1.0, 0); /* a down-mix must not clip */
        r = swr_init(s->swr);
    }
    s->source_format = frame->format;
    s->source_channels = frame->ch_layout.nb_channels;
    return r;
}

/* Moves what the resampler gives into the fifo, less what lies before the first sample wanted. */
static int convert(struct sound *s, const uint8_t **data, int n)
{
    int room = (int)av_rescale_rnd(swr_get_delay(s->swr, s->source_rate) + n, s->rate, s->source_rate,
                                   AV_ROUND_UP) +
               64;
    uint8_t **out = NULL;
    int got = av_samples_alloc_array_and_samples(&out, NULL, s->channels, room, AV_SAMPLE_FMT_FLTP, 0), drop;
    void *planes[AV_NUM_DATA_POINTERS];

    if (got < 0)
        return got;
    got = swr_convert(s->swr, out, room, data, n);
    drop = got > 0 ? (int)(s->skip < got ? s->skip : got) : 0;
    s->skip -= drop;
    for (int c = 0; c < s->channels; c++)
        planes[c] = (float *)(void *)out[c] + drop;
    if (got > drop && av_audio_fifo_write(s->fifo, planes, got - drop) < 0)
        got = AVERROR(ENOMEM);
    av_freep(&out[0]);
    av_freep(&out);
    return got < 0 ? got : 0;
}

/* The format differs from what the resampler was opened for: it is drained and opened anew. */
static int adapt(struct sound *s)
{
    const AVFrame *frame = s->frames[0];
    int r = 0;

    if (s->swr && s->source_format == frame->format && s->source_channels == frame->ch_layout.nb_channels &&
        s->source_rate == frame->sample_rate)
        return 0;
    if (s->swr)
        r = convert(s, NULL, 0);
    if (s->source_rate != frame->sample_rate) {
        s->at = av_rescale(s->at, frame->sample_rate, s->source_rate);
        s->source_rate = frame->sample_rate;
    }
    return r < 0 ? r : open_resampler(s);
}

/* Feeding begins with this frame. False: it comes too late and there is more before it. */
static bool begin(struct sound *s)
{
    int64_t start;

    s->source_rate = s->frames[0]->sample_rate;
    start = feeding_start(s);
    if (!s->from_start && s->times[0].at > start)
        return false;
    s->at = start;
    s->skip = s->first - av_rescale(start, s->rate, s->source_rate);
    s->placed = true;
    return true;
}

/* Silence before the frame that is held, a step at a time so that a gap of hours costs no memory. */
static int feed_silence(struct sound *s)
{
    int n = s->gap < SILENCE_STEP ? (int)s->gap : SILENCE_STEP, r;
    uint8_t **planes = NULL;

    r = av_samples_alloc_array_and_samples(&planes, NULL, s->source_channels, n, s->source_format, 0);
    if (r < 0)
        return r;
    av_samples_set_silence(planes, 0, n, s->source_channels, s->source_format);
    r = convert(s, (const uint8_t **)planes, n);
    av_freep(&planes[0]);
    av_freep(&planes);
    s->at += n;
    s->gap -= n;
    return r;
}

/* How many of the frames ahead are on the first one's grid. */
static unsigned alike(const struct sound *s)
{
    unsigned n = 1;

    while (n < s->frames_n && s->frames[n]->sample_rate == s->source_rate)
        n++;
    return n;
}

/* Samples in a unit of the track's times, rounded up; no more than frames that belong together are apart. */
static int tick(const struct sound *s)
{
    int64_t n = av_rescale_q_rnd(1, time_base(s), (AVRational) { 1, s->source_rate }, AV_ROUND_UP);
    int64_t most = placing_samples(s->source_rate, PLACING_GAP_MS);

    return (int)(n < most ? n : most);
}

/* Places the next frame: what lies between the sample that is due and its first becomes a gap. */
static int hold_frame(struct sound *s)
{
    int64_t offset, reach;
    int r = adapt(s);

    if (r < 0)
        return r;
    while (placing_needs_more(s->times, s->frames_n, s->at, s->running, s->source_rate)) {
        r = look_further(s);
        if (r == AVERROR_EXIT)
            return r;
        if (r < 0)
            break;
    }
    offset = placing_offset(s->times, alike(s), s->at, s->running, s->source_rate, tick(s));
    reach = s->at + offset + s->times[0].length;
    s->reach = reach > s->reach ? reach : s->reach;
    s->gap = offset > 0 ? offset : 0;
    s->cut = offset < 0 ? -offset : 0;
    s->held = true;
    return 0;
}

/* Feeds the next frame, less what overlaps what was fed before it. */
static int feed_frame(struct sound *s)
{
    const uint8_t *planes[AV_NUM_DATA_POINTERS * 4] = { 0 };
    const AVFrame *frame = s->frames[0];
    int channels = frame->ch_layout.nb_channels, bytes = av_get_bytes_per_sample(frame->format), r = 0;
    bool planar = av_sample_fmt_is_planar(frame->format);
    int64_t left = frame->nb_samples - s->cut;

    if (planar && channels > (int)(sizeof(planes) / sizeof(*planes)))
        return AVERROR(EINVAL);
    for (int c = 0; left > 0 && c < (planar ? channels : 1); c++)
        planes[c] = frame->extended_data[c] + s->cut * bytes * (planar ? 1 : channels);
    if (left > 0) {
        r = convert(s, planes, (int)left);
        s->at += left;
        s->running = true;
    }
    next_frame(s);
    return r;
}

/* 0, or negative when nothing lies before, or it cannot be read. */
static int go_back(struct sound *s)
{
    char why[160];

    if (s->from_start)
        return AVERROR_INVALIDDATA;
    s->tries++;
    s->damaged = 0;
    while (s->frames_n)
        next_frame(s);
    avcodec_flush_buffers(s->codec);
    return position(s, why, sizeof(why)) < 0 ? AVERROR_INVALIDDATA : 0;
}

/* One step of the source: a frame placed, silence, a frame into the resampler, or the end of it. */
static int advance(struct sound *s)
{
    int r = 0;

    if (s->held)
        return s->gap ? feed_silence(s) : feed_frame(s);
    if (!s->frames_n)
        r = look_further(s);
    if (r == AVERROR_EXIT)
        return r;
    if (r < 0 && !s->placed && (s->due || !s->early))
        return go_back(s);
    if (r < 0) { /* the end; when all of it was much too early, the end lies before what is wanted */
        s->ended = true;
        return s->swr ? convert(s, NULL, 0) : 0;
    }
    if (!s->placed && !begin(s))
        return go_back(s);
    return hold_frame(s);
}

int sound_take(struct sound *s, float **planes, int n)
{
    int got;

    while (!s->ended && av_audio_fifo_size(s->fifo) < n) {
        int r = advance(s);

        if (r < 0)
            return r;
    }
    got = av_audio_fifo_read(s->fifo, (void **)planes, n);
    if (got < 0)
        return got;
    for (int c = 0; c < s->channels; c++)
        memset(planes[c] + got, 0, (size_t)(n - got) * sizeof(float));
    return got;
}

int64_t sound_end(const struct sound *s)
{
    return av_rescale(s->reach, s->rate, s->source_rate);
}
