#include <inttypes.h>
#include <libavutil/intreadwrite.h>
#include <string.h>

#include "actors/transcode/media/cmaf.h"
#include "actors/transcode/worker/copy.h"
#include "actors/transcode/worker/grid.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/runs.h"

#define GOP_MOST 1024 /* pictures: the schema's own bound */

struct copying {
    const struct encode_run *run;
    const struct run_rendition *rendition;
    struct input in;
    struct grid grid;
    AVRational base;
    AVPacket *packet;
    struct buf config;
    struct cmaf_track track;
    uint64_t next; /* picture of the run that is taken next, from 0, in order of decoding */
    /* the GOP so far */
    struct buf bytes;
    size_t begins[GOP_MOST + 1];
    struct cmaf_sample samples[GOP_MOST];
    bool shown[GOP_MOST]; /* frames of the GOP that have their picture */
    unsigned taken;
    /* the segment so far */
    struct buf segment;
    size_t at;
    uint64_t left; /* pictures that it still lacks */
};

/* What was promised does not hold: the catalog has the rung encoded instead. */
#define NOT_COPIED(why, ...) link_done(CONTROL_REFUSED, "its pictures cannot be copied: " why, ##__VA_ARGS__)

/* Parameter sets may be repeated, but not changed: there is one init. */
static bool is_known(const struct copying *c, const uint8_t *nal, size_t len)
{
    const uint8_t *at = c->config.data, *end = at + c->config.len;

    for (size_t size; at < end; at += 4 + size) {
        size = AV_RB32(at);
        if (size == len && memcmp(at + 4, nal, len) == 0)
            return true;
    }
    return false;
}

/* Keeps the slices of a packet, and only these. Answers their NAL type: 5 for an IDR picture, else 1. */
static unsigned take_slices(struct copying *c, const uint8_t *at, size_t left)
{
    unsigned picture = 0;

    while (left) {
        size_t len = left > 4 ? AV_RB32(at) : 0;
        unsigned type = left > 4 ? at[4] & 31 : 0;

        if (!len || len > left - 4)
            NOT_COPIED("the lengths in picture %" PRIu64 " do not add up", c->next);
        if (type == 1 || type == 5) {
            if (picture && picture != type)
                NOT_COPIED("picture %" PRIu64 " is of two kinds", c->next);
            picture = type;
            buf_put(&c->bytes, at, 4 + len);
        } else if (type == 7 || type == 8 ? !is_known(c, at + 4, len) : type < 6 || type > 12) {
            NOT_COPIED("picture %" PRIu64 " brings other parameters, or is coded in an unusual way", c->next);
        }
        at += 4 + len;
        left -= 4 + len;
    }
    return picture;
}

static void send_segment(struct copying *c)
{
    uint32_t number = (uint32_t)c->run->segments[c->at].number;

    link_send(CONTROL_SEGMENT, 0, &number, sizeof(number), c->segment.data, c->segment.len);
    buf_reset(&c->segment);
    c->at++;
    c->left = c->at < c->run->segments_n ? c->run->segments[c->at].frames : 0;
}

static void end_gop(struct copying *c)
{
    uint64_t first = c->run->first + c->next - c->taken;

    for (unsigned i = 0; i < c->taken; i++) {
        c->samples[i].data = c->bytes.data + c->begins[i];
        c->samples[i].len = c->begins[i + 1] - c->begins[i];
        if (!c->shown[i])
            NOT_COPIED("a picture of the GOP at %" PRIu64 " is shown outside it", first);
        c->shown[i] = false;
    }
    cmaf_fragment(&c->track, (uint32_t)(first / c->rendition->copy_gop + 1), first * c->track.sample_duration,
                  c->samples, c->taken, &c->segment);
    c->left -= c->taken;
    c->taken = 0;
    buf_reset(&c->bytes);
    if (!c->left)
        send_segment(c);
}

/* The frame of the grid that shows the packet's picture. */
static int64_t frame_of(const struct copying *c)
{
    int64_t time = input_time(&c->in, (unsigned)c->run->track, c->packet->pts);

    return time == AV_NOPTS_VALUE ? INT64_MIN : grid_first(&c->grid, time, c->base);
}

static void take_packet(struct copying *c)
{
    int64_t gop = (int64_t)(c->run->first + c->next) - c->taken, frame = frame_of(c);
    unsigned kind;

    c->begins[c->taken] = c->bytes.len;
    kind = take_slices(c, c->packet->data, (size_t)c->packet->size);
    c->begins[c->taken + 1] = c->bytes.len;
    if (kind != (c->taken ? 1u : 5u))
        NOT_COPIED("picture %" PRIu64 " is%s an IDR picture", c->next, c->taken ? "" : " not");
    if (frame < gop || frame >= gop + (int64_t)c->rendition->copy_gop || c->shown[frame - gop] ||
        (!c->taken && frame != gop))
        NOT_COPIED("picture %" PRIu64 " is not on the grid, or its GOP is not closed", c->next);
    c->shown[frame - gop] = true;
    c->samples[c->taken] = (struct cmaf_sample) {
        .offset = (int32_t)((frame - gop - c->taken) * c->track.sample_duration), .sync = !c->taken
    };
    c->taken++;
    c->next++;
    link_progress(1, c->next);
    if (c->taken == c->rendition->copy_gop || c->taken == c->left)
        end_gop(c);
}

/* The next packet of the track. */
static void read_packet(struct copying *c)
{
    for (;;) {
        av_packet_unref(c->packet);
        if (av_read_frame(c->in.format, c->packet) < 0) {
            if (c->in.gone)
                link_done(CONTROL_IS_GONE, "the original was deleted");
            NOT_COPIED("the file ends at picture %" PRIu64 " of the run", c->next);
        }
        if (c->packet->stream_index == (int)c->run->track)
            return;
    }
}

/* Reads up to the run's first picture: the keyframe that is shown in its frame. */
static void find_first(struct copying *c)
{
    int64_t time = grid_time(&c->grid, (int64_t)c->run->first, c->base);

    if (c->run->first && input_seek(&c->in, (unsigned)c->run->track, time) < 0)
        NOT_COPIED("the file cannot be read from its middle");
    for (;;) {
        read_packet(c);
        if (c->packet->flags & AV_PKT_FLAG_KEY && frame_of(c) >= (int64_t)c->run->first)
            return; /* a later one is found out as not on the grid */
    }
}

static void check_plan(const struct copying *c)
{
    const struct encode_run *run = c->run;
    uint64_t gop = c->rendition->copy_gop;

    if (!run->fps_num || !run->fps_den || run->fps_num > 1000000 || run->fps_den > 1000000 || gop > GOP_MOST ||
        run->gop % gop || run->first % run->gop || !run->segments_n || run->renditions_n != 1)
        link_done(CONTROL_FAILED, "the plan of the run makes no sense: grid, GOP, segments or renditions");
    for (size_t i = 0; i < run->segments_n; i++)
        if (!run->segments[i].frames || (i + 1 < run->segments_n && run->segments[i].frames % run->gop))
            link_done(CONTROL_FAILED, "segment %u is not whole GOPs", (unsigned)run->segments[i].number);
}

static void open_all(struct copying *c)
{
    const struct encode_run *run = c->run;
    const AVStream *s;
    char why[200] = "";
    int r = input_open(&c->in, run->length, run->complete, why, sizeof(why));

    if (r < 0)
        run_refuse(c->in.gone, r, why);
    if (run->track >= c->in.format->nb_streams)
        NOT_COPIED("there is no track %u", (unsigned)run->track);
    for (unsigned i = 0; i < c->in.format->nb_streams; i++)
        c->in.format->streams[i]->discard = i == run->track ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    s = c->in.format->streams[run->track];
    c->base = s->time_base;
    c->grid = (struct grid) { (int64_t)run->fps_num, (int64_t)run->fps_den };
    c->left = run->segments[0].frames;
    c->packet = av_packet_alloc();
    if (!c->packet || !copy_config(s, &c->config))
        NOT_COPIED("its parameter sets are not of the plain kind");
}

static void send_init(struct copying *c)
{
    struct buf init = { 0 };

    c->track = (struct cmaf_track) { .video = true,
                                     .timescale = (uint32_t)c->run->fps_num,
                                     .sample_duration = (uint32_t)c->run->fps_den,
                                     .width = (unsigned)c->rendition->width,
                                     .height = (unsigned)c->rendition->height,
                                     .config = c->config.data,
                                     .config_len = c->config.len };
    if (cmaf_init(&c->track, &init) < 0)
        NOT_COPIED("its parameter sets cannot be told apart");
    link_send(CONTROL_INIT, 0, init.data, init.len, NULL, 0);
    buf_free(&init);
}

void copy_run(const struct encode_run *run)
{
    static struct copying c;
    struct run_done done = { 0 };

    c.run = run;
    c.rendition = &run->renditions[0];
    check_plan(&c);
    open_all(&c);
    send_init(&c);
    find_first(&c);
    for (;;) {
        take_packet(&c);
        if (c.at == run->segments_n)
            break;
        read_packet(&c);
    }
    run_finish(run, &done);
}
