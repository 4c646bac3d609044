#include <inttypes.h>
#include <libavcodec/avcodec.h>
#include <libavutil/intreadwrite.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/worker/jpeg.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/runs.h"
#include "data/isobmff/box.h"

#define PART_MOST (8u << 20) /* bytes of an init, or of a fragment up to the end of its first sample */

struct board {
    const struct encode_run *run;
    unsigned width, height, columns; /* of a tile, and tiles beside each other */
    unsigned rows;
    AVCodecContext *decoder;
    AVFrame *picture, *canvas;
    AVPacket *packet;
    struct SwsContext *scaler;
    uint8_t *bytes;
};

static void must(bool good)
{
    if (!good)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
}

static void check_plan(struct board *b)
{
    const struct encode_run *run = b->run;

    b->columns = run->columns ? (unsigned)run->columns : 1;
    b->rows = run->rows ? (unsigned)run->rows : 1;
    if (!run->images_n || run->parts_n < 2)
        link_done(CONTROL_FAILED, "the plan of the storyboard makes no sense: parts or images");
    b->width = (unsigned)run->images[0].max_width / b->columns;
    b->height = (unsigned)run->images[0].max_height / b->rows;
    if (b->width < 2 || b->height < 2 || b->width % 2 || b->height % 2)
        link_done(CONTROL_FAILED, "a tile of %ux%u cannot be made", b->width, b->height);
}

static struct bytes read_part(struct board *b, size_t n)
{
    const struct source_part *part = &b->run->parts[n];
    size_t at = 0;

    if (part->length > PART_MOST)
        link_done(CONTROL_REFUSED, "a piece of the rung is larger than is taken");
    while (at < part->length) {
        struct link_read_result got = link_read(part->offset + at, b->bytes + at, part->length - at);

        if (got.answer != CONTROL_DATA)
            link_done(got.answer == CONTROL_GONE ? CONTROL_IS_GONE : CONTROL_FAILED, "the rung cannot be read");
        at += got.length;
    }
    return bytes_of(b->bytes, part->length);
}

/* The configuration of the decoder, out of the init. */
static struct bytes configuration(struct bytes init)
{
    static const char *const path[] = { "moov", "trak", "mdia", "minf", "stbl", "stsd" };
    struct box_cursor at = box_cursor_of(init);
    struct box box;

    for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
        if (!box_find(at, path[i], &box))
            return bytes_of(NULL, 0);
        at = box.body;
    }
    if (!box_skip(&at, 8) || !box_find(at, "avc1", &box))
        return bytes_of(NULL, 0);
    at = box.body;
    if (!box_skip(&at, 78) || !box_find(at, "avcC", &box))
        return bytes_of(NULL, 0);
    return bytes_of(box.body.at, box_left(&box.body));
}

static void open_decoder(struct board *b)
{
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_H264);
    struct bytes config = configuration(read_part(b, 0));

    if (!config.len)
        link_done(CONTROL_REFUSED, "the rung's init names no H.264");
    b->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    must(b->decoder != NULL);
    b->decoder->extradata = av_mallocz(config.len + AV_INPUT_BUFFER_PADDING_SIZE);
    must(b->decoder->extradata != NULL);
    memcpy(b->decoder->extradata, config.data, config.len);
    b->decoder->extradata_size = (int)config.len;
    b->decoder->thread_count = 1;
    if (avcodec_open2(b->decoder, codec, NULL) < 0)
        link_done(CONTROL_FAILED, "the H.264 decoder does not open");
}

/* What follows the fragment's two heads: its first sample. */
static struct bytes sample_of(struct bytes fragment)
{
    struct box_cursor at = box_cursor_of(fragment);
    struct box moof;

    if (!box_next(&at, &moof) || !box_is(&moof, "moof") || !box_skip(&at, 8))
        link_done(CONTROL_REFUSED, "a fragment of the rung does not begin as it should");
    return bytes_of(at.at, box_left(&at));
}

/* False: this one does not decode. */
static bool decode(struct board *b, struct bytes sample)
{
    int r;

    avcodec_flush_buffers(b->decoder);
    av_packet_unref(b->packet);
    must(av_new_packet(b->packet, (int)sample.len) == 0);
    memcpy(b->packet->data, sample.data, sample.len);
    r = avcodec_send_packet(b->decoder, b->packet);
    if (r == 0)
        r = avcodec_send_packet(b->decoder, NULL);
    if (r == 0)
        r = avcodec_receive_frame(b->decoder, b->picture);
    return r == 0;
}

static void blacken(AVFrame *f)
{
    memset(f->data[0], 16, (size_t)f->linesize[0] * (size_t)f->height);
    memset(f->data[1], 128, (size_t)f->linesize[1] * (size_t)(f->height / 2));
    memset(f->data[2], 128, (size_t)f->linesize[2] * (size_t)(f->height / 2));
}

static void open_canvas(struct board *b)
{
    b->bytes = malloc(PART_MOST);
    b->canvas = av_frame_alloc();
    b->picture = av_frame_alloc();
    b->packet = av_packet_alloc();
    must(b->bytes && b->canvas && b->picture && b->packet);
    b->canvas->format = AV_PIX_FMT_YUV420P;
    b->canvas->width = (int)(b->width * b->columns);
    b->canvas->height = (int)(b->height * b->rows);
    must(av_frame_get_buffer(b->canvas, 0) == 0);
    blacken(b->canvas);
}

/* One that does not decode stays black. */
static void draw(struct board *b, unsigned place)
{
    size_t x = place % b->columns * b->width, y = place / b->columns * b->height;
    uint8_t *to[4] = { NULL };
    const AVFrame *f = b->picture;

    b->scaler = sws_getCachedContext(b->scaler, f->width, f->height, f->format, (int)b->width, (int)b->height,
                                     AV_PIX_FMT_YUV420P, SWS_AREA, NULL, NULL, NULL);
    must(b->scaler != NULL);
    for (unsigned plane = 0; plane < 3; plane++) {
        unsigned half = plane > 0;

        to[plane] = b->canvas->data[plane] + (y >> half) * (size_t)b->canvas->linesize[plane] + (x >> half);
    }
    sws_scale(b->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height, to, b->canvas->linesize);
}

void board_run(const struct encode_run *run)
{
    struct board b = { .run = run };
    struct run_done done = { 0 };
    unsigned tiles = (unsigned)run->parts_n - 1, page, drawn = 0;

    check_plan(&b);
    open_canvas(&b);
    open_decoder(&b);
    page = b.columns * b.rows;
    for (unsigned i = 0; i < tiles; i++) {
        if (decode(&b, sample_of(read_part(&b, i + 1)))) {
            draw(&b, i % page);
            drawn++;
        }
        av_frame_unref(b.picture);
        link_progress(1, 0);
        if (i % page == page - 1 || i + 1 == tiles) {
            jpeg_send(i / page, b.canvas);
            blacken(b.canvas);
        }
    }
    if (!drawn)
        link_done(CONTROL_REFUSED, "no picture of the rung can be decoded for a storyboard");
    run_finish(run, &done);
}
