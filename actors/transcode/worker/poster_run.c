#include <stdlib.h>

#include "actors/transcode/worker/decode.h"
#include "actors/transcode/worker/jpeg.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/picture.h"
#include "actors/transcode/worker/runs.h"
#include "actors/transcode/worker/upright.h"

#define LOOK_FPS  4 /* pictures looked at in a second */
#define EXACT_FPS 1000
#define LOOK_MOST 24   /* six seconds */
#define LIVELY    28.0 /* standard deviation of luma above which a picture will do */

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

/* The last picture that begins no later than the moment; where none does, the first. */
static AVFrame *moment(struct decode *d)
{
    AVFrame *f = av_frame_alloc(), *best = NULL;
    int64_t time;

    must(f != NULL);
    while (decode_next(d, f, &time) >= 0 && (!best || grid_first(&d->grid, time, d->base) <= d->first)) {
        av_frame_free(&best);
        best = av_frame_clone(f);
        av_frame_unref(f);
    }
    av_frame_free(&f);
    return best;
}

void poster_run(const struct encode_run *run, const struct control_terms *terms)
{
    struct input in;
    struct run_done done = { 0 };
    char why[200] = "";
    int fps = run->exact ? EXACT_FPS : LOOK_FPS;
    struct decode d = { .in = &in,
                        .track = (unsigned)run->track,
                        .grid = { fps, 1 },
                        .first = (int64_t)(run->at_ms * (unsigned)fps / 1000),
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
    best = run->exact ? moment(&d) : choose(&d);
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
        jpeg_send((unsigned)i, scaled);
        av_frame_free(&scaled);
        picture_free(&p);
    }
    run_finish(run, &done);
}
