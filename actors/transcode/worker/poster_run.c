#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
#include <stdlib.h>

#include "actors/transcode/worker/decode.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/picture.h"
#include "actors/transcode/worker/runs.h"
#include "actors/transcode/worker/upright.h"

#define LOOK_FPS     4    /* pictures looked at in a second */
#define LOOK_MOST    24   /* six seconds */
#define LIVELY       28.0 /* standard deviation of luma above which a picture will do */
#define JPEG_QUALITY 3    /* of the encoder's 1 (best) to 31 */

static void must(bool good)
{
    if (!good)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
}

/* The standard deviation of luma, squared; black, white and flat pictures have little. */
static double liveliness(const AVFrame *f)
{
    uint64_t sum = 0, squares = 0, n = 0;

    for (int y = 0; y < f->height; y += 2)
        for (int x = 0; x < f->width; x += 2, n++) {
            unsigned v = f->data[0][y * f->linesize[0] + x];

            sum += v;
            squares += (uint64_t)v * v;
        }
    return n ? (double)squares / (double)n - (double)sum / (double)n * ((double)sum / (double)n) : 0;
}

static struct picture_size fit(const struct upright *u, const struct run_image *box)
{
    double shrink = 1;
    struct picture_size size;

    if (u->width > (int)box->max_width)
        shrink = (double)box->max_width / u->width;
    if (u->height * shrink > (double)box->max_height)
        shrink = (double)box->max_height / u->height;
    size.width = (int)(u->width * shrink + 0.5) / 2 * 2;
    size.height = (int)(u->height * shrink + 0.5) / 2 * 2;
    size.width = size.width < 2 ? 2 : size.width;
    size.height = size.height < 2 ? 2 : size.height;
    return size;
}

/* BT.709 limited range to what JPEG readers expect: BT.601, full range. */
static AVFrame *to_jpeg_range(const AVFrame *from)
{
    struct SwsContext *sws = sws_getContext(from->width, from->height, AV_PIX_FMT_YUV420P, from->width,
                                            from->height, AV_PIX_FMT_YUVJ420P, SWS_BICUBIC | SWS_ACCURATE_RND,
                                            NULL, NULL, NULL);
    AVFrame *f = av_frame_alloc();

    must(sws && f);
    sws_setColorspaceDetails(sws, sws_getCoefficients(SWS_CS_ITU709), 0, sws_getCoefficients(SWS_CS_ITU601), 1, 0,
                             1 << 16, 1 << 16);
    f->format = AV_PIX_FMT_YUVJ420P;
    f->width = from->width;
    f->height = from->height;
    must(av_frame_get_buffer(f, 0) == 0);
    sws_scale(sws, (const uint8_t *const *)from->data, from->linesize, 0, from->height, f->data, f->linesize);
    sws_freeContext(sws);
    return f;
}

static void send_image(unsigned slot, const AVFrame *picture)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *f = to_jpeg_range(picture);
    uint32_t size[2] = { (uint32_t)f->width, (uint32_t)f->height };

    must(c && packet);
    c->width = f->width;
    c->height = f->height;
    c->pix_fmt = AV_PIX_FMT_YUVJ420P;
    c->time_base = (AVRational) { 1, 25 };
    c->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
    c->global_quality = JPEG_QUALITY * FF_QP2LAMBDA;
    f->quality = c->global_quality;
    f->pts = 0;
    if (avcodec_open2(c, codec, NULL) < 0 || avcodec_send_frame(c, f) < 0 || avcodec_receive_packet(c, packet) < 0)
        link_done(CONTROL_FAILED, "the JPEG encoder failed on %dx%d", f->width, f->height);
    link_send(CONTROL_IMAGE, slot, size, sizeof(size), packet->data, (size_t)packet->size);
    av_frame_free(&f);
    av_packet_free(&packet);
    avcodec_free_context(&c);
}

/* Looks at pictures from the moment on and keeps the first lively one, or the liveliest of all. */
static AVFrame *choose(struct decode *d)
{
    AVFrame *f = av_frame_alloc(), *best = NULL;
    const int32_t *turn = upright_matrix(d->in->format->streams[d->track]);
    struct picture_size small = { 64, 64 };
    struct picture *look = picture_new(&small, 1, turn, 1);
    double best_score = -1;
    int64_t seen = INT64_MIN, time;

    must(f != NULL);
    for (int looked = 0; looked < LOOK_MOST && best_score < LIVELY * LIVELY;) {
        AVFrame *thumb = NULL;
        int64_t slot;
        double score;

        av_frame_unref(f);
        if (decode_next(d, f, &time) < 0)
            break;
        slot = grid_first(&d->grid, time, d->base);
        if ((best && slot < d->first) || slot == seen || picture_make(look, f, &thumb, 1) < 0)
            continue;
        seen = slot;
        looked++;
        score = liveliness(thumb);
        av_frame_free(&thumb);
        if (score > best_score) {
            av_frame_free(&best);
            best = av_frame_clone(f);
            best_score = score;
        }
    }
    av_frame_free(&f);
    picture_free(&look);
    return best;
}

void poster_run(const struct encode_run *run, const struct control_terms *terms)
{
    struct input in;
    struct run_done done = { 0 };
    char why[200] = "";
    struct decode d = { .in = &in,
                        .track = (unsigned)run->track,
                        .grid = { LOOK_FPS, 1 },
                        .first = (int64_t)(run->at_ms * LOOK_FPS / 1000),
                        .threads = (int)terms->threads,
                        .fields = run->deinterlace > DEINTERLACE_OFF ? DECODE_PER_FRAME : DECODE_PROGRESSIVE };
    int r = input_open(&in, run->length, run->complete, why, sizeof(why));
    AVFrame *best;

    in.marks = run->marks;
    in.marks_n = run->marks_n;
    if (r == 0)
        r = decode_open(&d, why, sizeof(why));
    if (r < 0)
        run_refuse(in.gone, r, why);
    best = choose(&d);
    if (!best)
        run_refuse(in.gone, 0, "no picture could be decoded for a poster");
    for (size_t i = 0; i < run->images_n; i++) {
        struct upright u = upright_of(in.format->streams[run->track], best->width, best->height,
                                      best->sample_aspect_ratio);
        struct picture_size size = fit(&u, &run->images[i]);
        struct picture *p = picture_new(&size, 1, upright_matrix(in.format->streams[run->track]), 1);
        AVFrame *scaled = NULL;

        if (picture_make(p, best, &scaled, 1) < 0)
            link_done(CONTROL_FAILED, "the poster could not be scaled to %dx%d", size.width, size.height);
        send_image((unsigned)i, scaled);
        av_frame_free(&scaled);
        picture_free(&p);
    }
    run_finish(run, &done);
}
