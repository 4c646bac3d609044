#include "actors/transcode/worker/jpeg.h"

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <stdbool.h>

#include "actors/transcode/worker/link.h"

#define JPEG_QUALITY 3 /* of the encoder's 1 (best) to 31 */

static void must(bool good)
{
    if (!good)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
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

void jpeg_send(unsigned slot, const AVFrame *picture)
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
