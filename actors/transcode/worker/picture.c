#include "actors/transcode/worker/picture.h"

#include <inttypes.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actors/transcode/worker/link.h"

/* What the filters were built for: built again when a picture differs. */
struct shape {
    int width, height, format, transfer, primaries, matrix, range;
};

struct picture {
    struct picture_size sizes[PICTURE_SIZES];
    unsigned n;
    const char *turn; /* filters, "" for none */
    bool swaps;
    int threads;
    struct shape shape;
    AVFilterGraph *graph; /* NULL: the picture is passed on */
    AVFilterContext *in, *out;
    struct SwsContext *scaler[PICTURE_SIZES]; /* from the size before, the first from a passed-on source */
    struct picture_size top;                  /* what scaler[0] was made for */
    AVBufferPool *pool[PICTURE_SIZES];
};

bool picture_is_hdr(enum AVColorTransferCharacteristic transfer)
{
    return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

const char *picture_turn_filters(const int32_t *turn, bool *ret_swaps)
{
    double theta;

    *ret_swaps = false;
    if (!turn)
        return "";
    theta = -av_display_rotation_get(turn);
    if (!isfinite(theta))
        return "";
    theta -= 360 * floor(theta / 360 + 0.9 / 360);
    if (fabs(theta - 90) < 1.0) {
        *ret_swaps = true;
        return turn[3] > 0 ? "transpose=cclock_flip," : "transpose=clock,";
    }
    if (fabs(theta - 180) < 1.0)
        return turn[0] < 0 && turn[4] < 0 ? "hflip,vflip," : turn[0] < 0 ? "hflip," : "vflip,";
    if (fabs(theta - 270) < 1.0) {
        *ret_swaps = true;
        return turn[3] < 0 ? "transpose=clock_flip," : "transpose=cclock,";
    }
    return fabs(theta) < 1.0 && turn[4] < 0 ? "vflip," : "";
}

struct picture *picture_new(const struct picture_size *sizes, unsigned n, const int32_t *turn, int threads)
{
    struct picture *p = av_mallocz(sizeof(*p));

    if (!p || n > PICTURE_SIZES)
        link_done(CONTROL_FAILED, "no memory for the scaler, or %u sizes where %d may be", n, PICTURE_SIZES);
    memcpy(p->sizes, sizes, n * sizeof(*sizes));
    p->n = n;
    p->threads = threads;
    p->turn = picture_turn_filters(turn, &p->swaps);
    p->shape.format = AV_PIX_FMT_NONE;
    for (unsigned i = 0; i < n; i++) {
        int bytes = av_image_get_buffer_size(AV_PIX_FMT_YUV420P, sizes[i].width, sizes[i].height, 64);

        p->pool[i] = bytes > 0 ? av_buffer_pool_init((size_t)bytes + 64, NULL) : NULL;
        if (!p->pool[i])
            link_done(CONTROL_FAILED, "no memory for pictures of %dx%d", sizes[i].width, sizes[i].height);
    }
    return p;
}

static void drop_filters(struct picture *p)
{
    avfilter_graph_free(&p->graph);
    sws_freeContext(p->scaler[0]);
    p->scaler[0] = NULL;
}

void picture_free(struct picture **picture)
{
    struct picture *p = *picture;

    if (!p)
        return;
    drop_filters(p);
    for (unsigned i = 0; i < p->n; i++) {
        sws_freeContext(i ? p->scaler[i] : NULL);
        av_buffer_pool_uninit(&p->pool[i]);
    }
    av_freep(picture);
}

/* The shape with what the file left open filled in. */
static struct shape shape_of(const AVFrame *f)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(f->format);
    struct shape s = { f->width,           f->height,     f->format,     f->color_trc,
                       f->color_primaries, f->colorspace, f->color_range };

    if (format && format->flags & AV_PIX_FMT_FLAG_RGB) {
        s.matrix = AVCOL_SPC_RGB;
        s.range = AVCOL_RANGE_JPEG;
    }
    if (s.matrix == AVCOL_SPC_UNSPECIFIED || s.matrix == AVCOL_SPC_RESERVED || s.matrix >= AVCOL_SPC_NB)
        s.matrix = f->height >= 720 || f->width >= 1280 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    if (f->format == AV_PIX_FMT_YUVJ420P || f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P)
        s.range = AVCOL_RANGE_JPEG;
    if (s.range == AVCOL_RANGE_UNSPECIFIED)
        s.range = AVCOL_RANGE_MPEG;
    return s;
}

static const char *matrix_name(int matrix)
{
    switch (matrix) {
    case AVCOL_SPC_RGB: return "gbr";
    case AVCOL_SPC_BT709: return "709";
    case AVCOL_SPC_FCC: return "fcc";
    case AVCOL_SPC_SMPTE240M: return "smpte2400m"; /* the filter's own spelling */
    case AVCOL_SPC_YCGCO: return "ycgco";
    case AVCOL_SPC_BT2020_NCL: return "2020_ncl";
    case AVCOL_SPC_BT2020_CL: return "2020_cl";
    default: return "470bg"; /* BT.601, both line systems */
    }
}

static bool passes(const struct picture *p, const struct shape *s)
{
    return s->format == AV_PIX_FMT_YUV420P && s->matrix == AVCOL_SPC_BT709 && s->range == AVCOL_RANGE_MPEG &&
           !*p->turn && !picture_is_hdr(s->transfer) && s->primaries != AVCOL_PRI_BT2020;
}

/* The filter chain from a decoded picture to the largest size. */
static void describe(const struct picture *p, const struct shape *s, char *text, size_t len)
{
    int width = p->swaps ? p->sizes[0].height : p->sizes[0].width;
    int height = p->swaps ? p->sizes[0].width : p->sizes[0].height;
    const char *range = s->range == AVCOL_RANGE_JPEG ? "full" : "limited";
    char scale[160];

    snprintf(scale, sizeof(scale), "zscale=w=%d:h=%d:filter=bicubic:matrixin=%s:rangein=%s", width, height,
             matrix_name(s->matrix), range);
    if (picture_is_hdr(s->transfer) || s->primaries == AVCOL_PRI_BT2020) {
        bool hdr = picture_is_hdr(s->transfer);

        snprintf(
            text, len,
            "%s:primariesin=2020:transferin=%s:transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=709,%s"
            "zscale=transfer=709:matrix=709:range=limited,format=yuv420p,%snull",
            scale,
            s->transfer == AVCOL_TRC_SMPTE2084 ? "smpte2084"
            : hdr                              ? "arib-std-b67"
                                               : "709",
            hdr ? "tonemap=hable:desat=0," : "", p->turn);
    } else {
        snprintf(text, len, "%s:matrix=709:range=limited,format=yuv420p,%snull", scale, p->turn);
    }
}

static int build_graph(struct picture *p, const struct shape *s, const char *text)
{
    AVFilterInOut *inputs = avfilter_inout_alloc(), *outputs = avfilter_inout_alloc();
    char args[160];
    int r = AVERROR(ENOMEM);

    p->graph = avfilter_graph_alloc();
    if (!p->graph || !inputs || !outputs)
        goto out;
    p->graph->nb_threads = p->threads;
    snprintf(args, sizeof(args), "video_size=%dx%d:pix_fmt=%d:time_base=1/1000:pixel_aspect=1/1", s->width,
             s->height, s->format);
    r = avfilter_graph_create_filter(&p->in, avfilter_get_by_name("buffer"), "in", args, NULL, p->graph);
    if (r >= 0)
        r = avfilter_graph_create_filter(&p->out, avfilter_get_by_name("buffersink"), "out", NULL, NULL, p->graph);
    if (r < 0)
        goto out;
    outputs->name = av_strdup("in");
    outputs->filter_ctx = p->in;
    inputs->name = av_strdup("out");
    inputs->filter_ctx = p->out;
    r = avfilter_graph_parse_ptr(p->graph, text, &inputs, &outputs, NULL);
    if (r >= 0)
        r = avfilter_graph_config(p->graph, NULL);
out:
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return r;
}

static int adapt(struct picture *p, const struct shape *s)
{
    char text[512];

    if (memcmp(s, &p->shape, sizeof(*s)) == 0)
        return 0;
    drop_filters(p);
    p->shape = *s;
    if (passes(p, s))
        return 0;
    describe(p, s, text, sizeof(text));
    return build_graph(p, s, text);
}

static AVFrame *new_frame(struct picture *p, unsigned i)
{
    AVFrame *f = av_frame_alloc();

    if (!f)
        return NULL;
    f->format = AV_PIX_FMT_YUV420P;
    f->width = p->sizes[i].width;
    f->height = p->sizes[i].height;
    f->buf[0] = av_buffer_pool_get(p->pool[i]);
    if (!f->buf[0])
        av_frame_free(&f);
    else
        av_image_fill_arrays(f->data, f->linesize, f->buf[0]->data, AV_PIX_FMT_YUV420P, f->width, f->height, 64);
    return f;
}

static int scale(struct picture *p, unsigned i, const AVFrame *from, AVFrame **ret)
{
    AVFrame *f;

    if (!p->scaler[i])
        p->scaler[i] = sws_getContext(from->width, from->height, AV_PIX_FMT_YUV420P, p->sizes[i].width,
                                      p->sizes[i].height, AV_PIX_FMT_YUV420P, SWS_BICUBIC, NULL, NULL, NULL);
    f = p->scaler[i] ? new_frame(p, i) : NULL;
    if (!f)
        return AVERROR(ENOMEM);
    sws_scale(p->scaler[i], (const uint8_t *const *)from->data, from->linesize, 0, from->height, f->data,
              f->linesize);
    *ret = f;
    return 0;
}

static int filter(struct picture *p, AVFrame *source, AVFrame **ret)
{
    AVFrame *f = av_frame_alloc();
    int r;

    if (!f)
        return AVERROR(ENOMEM);
    r = av_buffersrc_add_frame_flags(p->in, source,
                                     AV_BUFFERSRC_FLAG_KEEP_REF | AV_BUFFERSRC_FLAG_NO_CHECK_FORMAT);
    if (r >= 0)
        r = av_buffersink_get_frame(p->out, f);
    if (r >= 0 &&
        (f->width != p->sizes[0].width || f->height != p->sizes[0].height || f->format != AV_PIX_FMT_YUV420P))
        r = AVERROR_BUG;
    if (r < 0)
        av_frame_free(&f);
    *ret = f;
    return r < 0 ? r : 0;
}

static int make_first(struct picture *p, AVFrame *source, AVFrame **ret)
{
    if (p->graph)
        return filter(p, source, ret);
    if (source->width == p->sizes[0].width && source->height == p->sizes[0].height) {
        *ret = av_frame_clone(source);
        return *ret ? 0 : AVERROR(ENOMEM);
    }
    return scale(p, 0, source, ret);
}

int picture_make(struct picture *p, AVFrame *source, AVFrame **out, unsigned n)
{
    struct shape shape = shape_of(source);
    unsigned made = 0;
    int r = adapt(p, &shape);

    if (r == 0)
        r = make_first(p, source, &out[0]);
    if (r < 0)
        return r;
    for (made = 1; made < n; made++) {
        const AVFrame *above = out[made - 1];

        if (above->width == p->sizes[made].width && above->height == p->sizes[made].height)
            out[made] = av_frame_clone(above);
        else if (scale(p, made, above, &out[made]) < 0)
            out[made] = NULL;
        if (!out[made])
            goto no_memory;
    }
    return 0;
no_memory:
    while (made--)
        av_frame_free(&out[made]);
    return AVERROR(ENOMEM);
}
