#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/worker/decode.h"
#include "actors/transcode/worker/encode.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/picture.h"
#include "actors/transcode/worker/runs.h"
#include "actors/transcode/worker/upright.h"

struct video_run {
    const struct encode_run *run;
    struct input in;
    struct decode decode;
    int64_t next, planned; /* the next frame to show, and one past the run's last */
    AVFrame *shown;        /* the picture that is up */
    int64_t shown_time, shown_duration;
    bool early_end;
    uint64_t end;
    struct queue pictures; /* to the scaler */
    pthread_t scaler;
    struct picture *picture;
    struct encoder encoders[PICTURE_SIZES]; /* from the largest size to the smallest */
    unsigned n;
};

static void check_plan(const struct encode_run *run, int64_t *ret_frames)
{
    int64_t frames = 0;

    if (!run->fps_num || !run->fps_den || run->fps_num > 1000000 || run->fps_den > 1000000 || !run->gop ||
        run->first % run->gop || !run->segments_n || !run->renditions_n || run->renditions_n > PICTURE_SIZES)
        link_done(CONTROL_FAILED, "the plan of the run makes no sense: grid, GOP, segments or renditions");
    for (size_t i = 0; i < run->segments_n; i++) {
        if (i + 1 < run->segments_n && run->segments[i].frames % run->gop)
            link_done(CONTROL_FAILED, "segment %u is not whole GOPs", (unsigned)run->segments[i].number);
        frames += (int64_t)run->segments[i].frames;
    }
    for (size_t i = 0; i < run->renditions_n; i++) {
        const struct run_rendition *r = &run->renditions[i];

        if (r->codec != run->renditions[0].codec)
            link_done(CONTROL_FAILED, "rendition %s is coded in another way than the first one", r->dir);
        if (r->width < 2 || r->height < 2 || r->width % 2 || r->height % 2 ||
            run->gop % (r->fps_div ? r->fps_div : 1))
            link_done(CONTROL_FAILED, "rendition %s has an odd size or a GOP that its frame rate does not divide",
                      r->dir);
    }
    *ret_frames = frames;
}

static int by_size(const void *a, const void *b)
{
    const struct encoder *x = a, *y = b;
    uint64_t p = x->rendition->width * x->rendition->height, q = y->rendition->width * y->rendition->height;

    return p < q ? 1 : p > q ? -1 : 0;
}

/* The frames of the grid that every rendition has. */
static void tell_progress(void *ctx)
{
    struct video_run *v = ctx;
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < v->n; i++) {
        uint64_t div = v->encoders[i].rendition->fps_div ? v->encoders[i].rendition->fps_div : 1;
        uint64_t frames = atomic_load(&v->encoders[i].frames) * div;

        least = frames < least ? frames : least;
    }
    link_progress(1, least);
}

static void open_encoders(struct video_run *v)
{
    struct picture_size sizes[PICTURE_SIZES];
    const AVStream *s = v->in.format->streams[v->run->track];
    const int32_t *turn = upright_matrix(s);

    v->n = (unsigned)v->run->renditions_n;
    for (unsigned i = 0; i < v->n; i++)
        v->encoders[i] = (struct encoder) { .run = v->run,
                                            .rendition = &v->run->renditions[i],
                                            .slot = i,
                                            .progress = tell_progress,
                                            .progress_ctx = v };
    qsort(v->encoders, v->n, sizeof(*v->encoders), by_size);
    for (unsigned i = 0; i < v->n; i++) {
        encoder_open(&v->encoders[i]);
        sizes[i] = (struct picture_size) { (int)v->encoders[i].rendition->width,
                                           (int)v->encoders[i].rendition->height };
    }
    v->picture = picture_new(sizes, v->n, turn, v->decode.threads);
}

static bool wanted(const struct encoder *e, const struct shown *item)
{
    int64_t div = e->rendition->fps_div ? (int64_t)e->rendition->fps_div : 1;

    return (item->first + div - 1) / div * div < item->first + item->count;
}

/* The body of the scaler's thread: the sizes of each picture, down to the last that an encoder wants. */
static void *scale_all(void *ctx)
{
    struct video_run *v = ctx;
    struct shown item;

    link_name_thread("scale");
    while (queue_take(&v->pictures, &item)) {
        AVFrame *out[PICTURE_SIZES];
        unsigned need = 0;
        int r;

        for (unsigned i = 0; i < v->n; i++)
            if (wanted(&v->encoders[i], &item))
                need = i + 1;
        r = need ? picture_make(v->picture, item.picture, out, need) : 0;
        if (r < 0)
            link_done(CONTROL_FAILED, "a picture could not be scaled: %s", av_err2str(r));
        av_frame_free(&item.picture);
        for (unsigned i = 0; i < need; i++) {
            if (wanted(&v->encoders[i], &item))
                queue_put(&v->encoders[i].queue, (struct shown) { out[i], item.first, item.count });
            else
                av_frame_free(&out[i]);
        }
    }
    for (unsigned i = 0; i < v->n; i++)
        queue_end(&v->encoders[i].queue);
    return NULL;
}

static void start_threads(struct video_run *v)
{
    bool failed = false;

    queue_init(&v->pictures, 4);
    for (unsigned i = 0; i < v->n; i++)
        failed |= pthread_create(&v->encoders[i].thread, NULL, encoder_main, &v->encoders[i]) != 0;
    failed |= pthread_create(&v->scaler, NULL, scale_all, v) != 0;
    if (failed)
        link_done(CONTROL_FAILED, "no more threads in the jail");
}

/* The picture that is up stays up to the frame before until. */
static void show(struct video_run *v, int64_t until)
{
    AVFrame *picture;

    if (until > v->planned)
        until = v->planned;
    if (until <= v->next)
        return;
    picture = av_frame_clone(v->shown);
    if (!picture)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
    queue_put(&v->pictures, (struct shown) { picture, v->next, until - v->next });
    v->next = until;
}

/* A picture of that time came: what was up before is shown up to it. Going back in time is passed over. */
static void change(struct video_run *v, AVFrame *f, int64_t time)
{
    if (v->shown && time < v->shown_time)
        return;
    if (v->shown)
        show(v, grid_first(&v->decode.grid, time, v->decode.base));
    else
        v->shown = av_frame_alloc();
    if (!v->shown)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
    av_frame_unref(v->shown);
    av_frame_move_ref(v->shown, f);
    v->shown_time = time;
    v->shown_duration = v->shown->pkt_duration;
}

/* Black, where nothing of the run is decoded. */
static AVFrame *black(const struct encode_run *run)
{
    AVFrame *f = av_frame_alloc();

    if (!f)
        return NULL;
    f->format = AV_PIX_FMT_YUV420P;
    f->width = (int)run->renditions[0].width;
    f->height = (int)run->renditions[0].height;
    f->colorspace = AVCOL_SPC_BT709;
    f->color_range = AVCOL_RANGE_MPEG;
    if (av_frame_get_buffer(f, 0) < 0) {
        av_frame_free(&f);
        return NULL;
    }
    memset(f->data[0], 16, (size_t)f->linesize[0] * (size_t)f->height);
    for (unsigned i = 1; i < 3; i++)
        memset(f->data[i], 128, (size_t)f->linesize[i] * (size_t)(f->height / 2));
    return f;
}

/* The source is at its end: the last picture lasts as long as the file says, or to the planned end. */
static void end_source(struct video_run *v)
{
    int64_t end;

    if (!v->shown && v->decode.left_out != INT64_MIN)
        v->shown = black(v->run);
    if (v->decode.left_out != INT64_MIN) {
        int64_t time = av_rescale_q(v->decode.left_out, v->in.format->streams[v->run->track]->time_base,
                                    v->decode.base);

        v->shown_duration = time > v->shown_time ? 0 : v->shown_duration;
        v->shown_time = time > v->shown_time ? time : v->shown_time;
    }
    if (!v->shown)
        link_done(CONTROL_REFUSED, "no picture of the track could be decoded");
    end = grid_end(&v->decode.grid, v->shown_time, v->decode.fields ? 0 : v->shown_duration, v->decode.base);
    if (v->run->pad) {
        show(v, v->planned);
        return;
    }
    show(v, end);
    v->early_end = end <= v->planned;
    v->end = end > 0 ? (uint64_t)end : 0;
}

static void decode_all(struct video_run *v)
{
    AVFrame *f = av_frame_alloc();

    while (f && v->next < v->planned) {
        int64_t time;
        int r = decode_next(&v->decode, f, &time);

        if (r == AVERROR_EXIT)
            link_done(CONTROL_IS_GONE, "the original was deleted");
        if (r < 0) {
            end_source(v);
            break;
        }
        change(v, f, time);
        av_frame_unref(f);
    }
    av_frame_free(&f);
    queue_end(&v->pictures);
}

static void open_all(struct video_run *v, const struct control_terms *terms)
{
    const struct encode_run *run = v->run;
    char why[200] = "";
    int r = input_open(&v->in, run->length, run->complete, why, sizeof(why));

    v->decode = (struct decode) {
        .in = &v->in,
        .track = (unsigned)run->track,
        .grid = { (int64_t)run->fps_num, (int64_t)run->fps_den },
        .first = (int64_t)run->first,
        .fields = run->deinterlace == DEINTERLACE_FIELD   ? DECODE_PER_FIELD
                  : run->deinterlace == DEINTERLACE_FRAME ? DECODE_PER_FRAME
                                                          : DECODE_PROGRESSIVE,
        .threads = (int)terms->threads,
        .patient = terms->attempt > 1,
        .still = terms->still,
        .gop = (int64_t)run->gop,
    };
    v->in.marks = run->marks;
    v->in.marks_n = run->marks_n;
    if (r == 0)
        r = decode_open(&v->decode, why, sizeof(why));
    if (r < 0)
        run_refuse(v->in.gone, r, why);
}

void video_run(const struct encode_run *run, const struct control_terms *terms)
{
    static struct video_run v; /* threads look at it until the process ends */
    struct run_done done = { 0 };
    int64_t frames;

    check_plan(run, &frames);
    v.run = run;
    v.next = (int64_t)run->first;
    v.planned = v.next + frames;
    open_all(&v, terms);
    open_encoders(&v);
    start_threads(&v);
    decode_all(&v);
    pthread_join(v.scaler, NULL);
    for (unsigned i = 0; i < v.n; i++)
        pthread_join(v.encoders[i].thread, NULL);
    done.has_end = v.early_end;
    done.end = v.end;
    done.damaged = v.decode.damaged;
    done.marks = v.in.noted;
    done.marks_n = v.in.noted_n;
    run_finish(run, &done);
}
