#include "actors/transcode/worker/extent.h"

#include <libavutil/common.h>
#include <libavutil/mathematics.h>
#include <stdlib.h>

#include "actors/transcode/worker/link.h"

#define LAST_PICTURE_MS 200 /* longer than this a last picture is not made */
#define ROWS_MOST       500000u

struct walk {
    int64_t reach;    /* end of all bytes seen */
    int64_t key_time; /* of the open row, microseconds */
    int64_t key_pos;
    bool open;
};

static void close_row(struct extent *e, struct walk *w)
{
    if (!w->open || e->rows_n >= ROWS_MOST)
        return;
    buf_put_u64(&e->rows, (uint64_t)w->key_time);
    buf_put_u64(&e->rows, (uint64_t)w->key_pos);
    buf_put_u64(&e->rows, (uint64_t)w->reach);
    e->rows_n++;
    w->open = false;
}

static void open_row(struct walk *w, int64_t time, int64_t pos)
{
    w->key_time = time;
    w->key_pos = pos;
    w->open = true;
}

static int64_t micros(const struct input *in, unsigned track, int64_t ts)
{
    return av_rescale_q(input_time(in, track, ts), in->format->streams[track]->time_base, AV_TIME_BASE_Q);
}

static bool counts(const AVStream *s)
{
    return input_is_picture(s) || s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

/* Every track that counts has an index of all its frames: an ISO file that is not fragmented. */
static bool has_index(const struct input *in)
{
    unsigned n = 0;

    if (!in->iso)
        return false;
    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        AVStream *s = in->format->streams[i];

        if (!counts(s))
            continue;
        if (s->nb_frames <= 0 || avformat_index_get_entries_count(s) <= 0)
            return false;
        n++;
    }
    return n > 0;
}

/* The end of a track: its last frame whose bytes are there, and that frame's length. */
static int64_t index_end(struct extent *e, const struct input *in, unsigned track)
{
    AVStream *s = in->format->streams[track];
    int n = avformat_index_get_entries_count(s), last = n - 1;
    int64_t end, step = 0;

    while (last >= 0) {
        const AVIndexEntry *entry = avformat_index_get_entry(s, last);

        if (!in->length || entry->pos + entry->size <= (int64_t)in->length)
            break;
        last--;
    }
    if (last < 0)
        return 0;
    if (last > 0)
        step = avformat_index_get_entry(s, last)->timestamp - avformat_index_get_entry(s, last - 1)->timestamp;
    end = input_time(in, track, avformat_index_get_entry(s, last)->timestamp) + step;
    if (last < n - 1) {
        e->cut_off = true;
        return end;
    }
    if (s->duration > 0 && s->start_time != AV_NOPTS_VALUE &&
        llabs(input_time(in, track, s->start_time + s->duration) - end) <
            av_rescale_q(2, (AVRational) { 1, 1 }, s->time_base))
        end = input_time(in, track, s->start_time + s->duration);
    return end;
}

/* Moves every track's mark to the time and answers the furthest byte passed. */
static int64_t reach_until(const struct input *in, int *marks, int64_t time)
{
    int64_t reach = 0;

    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        AVStream *s = in->format->streams[i];
        int n = counts(s) ? avformat_index_get_entries_count(s) : 0;

        for (; marks[i] < n; marks[i]++) {
            const AVIndexEntry *entry = avformat_index_get_entry(s, marks[i]);

            if (micros(in, i, entry->timestamp) > time)
                break;
            reach = entry->pos + entry->size > reach ? entry->pos + entry->size : reach;
        }
    }
    return reach;
}

static void index_rows(struct extent *e, const struct input *in, unsigned picture)
{
    AVStream *s = in->format->streams[picture];
    int marks[INPUT_MAX_TRACKS] = { 0 }, n = avformat_index_get_entries_count(s);
    struct walk w = { 0 };

    for (int i = 0; i < n; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(s, i);
        int64_t time = micros(in, picture, entry->timestamp), reach;

        if (!(entry->flags & AVINDEX_KEYFRAME))
            continue;
        reach = reach_until(in, marks, time);
        w.reach = reach > w.reach ? reach : w.reach;
        close_row(e, &w);
        open_row(&w, time, entry->pos);
    }
    w.reach = FFMAX(w.reach, reach_until(in, marks, INT64_MAX));
    close_row(e, &w);
}

/* Where the pictures end: the last one is shown as long as the others are, whatever its container says of it. */
static int64_t pictures_end(int64_t end, int64_t first, int64_t last, int64_t count, AVRational base)
{
    int64_t each = count > 1 ? (last - first) / (count - 1) : 0;
    int64_t most = av_rescale_q(LAST_PICTURE_MS, (AVRational) { 1, 1000 }, base);

    return FFMAX(end, last + FFMIN(each, most));
}

/* Walks every packet from the start. */
static void scan(struct extent *e, struct input *in, int picture)
{
    int64_t first = INT64_MAX, last = INT64_MIN, count = 0;
    AVPacket *p = av_packet_alloc();
    struct walk w = { 0 };
    char why[160];

    if (!p || input_reopen(in, why, sizeof(why)) < 0)
        link_done(CONTROL_FAILED, "the file could not be read twice: %s", why);
    while (av_read_frame(in->format, p) >= 0) {
        unsigned track = (unsigned)p->stream_index;
        int64_t ts = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;

        if (track < INPUT_MAX_TRACKS && ts != AV_NOPTS_VALUE && counts(in->format->streams[track])) {
            int64_t end = input_time(in, track, ts) + (p->duration > 0 ? p->duration : 0);

            e->end[track] = end > e->end[track] ? end : e->end[track];
            if ((int)track == picture) {
                first = FFMIN(first, input_time(in, track, ts));
                last = FFMAX(last, input_time(in, track, ts));
                count++;
            }
            if ((int)track == picture && p->flags & AV_PKT_FLAG_KEY && p->pos >= 0) {
                close_row(e, &w);
                open_row(&w, micros(in, track, ts), p->pos);
            }
            if (p->pos >= 0)
                w.reach = FFMAX(w.reach, p->pos + p->size);
        }
        av_packet_unref(p);
        link_progress(1, 0);
    }
    close_row(e, &w);
    if (count)
        e->end[picture] = pictures_end(e->end[picture], first, last, count,
                                       in->format->streams[picture]->time_base);
    e->proof = DURATION_PROOF_SCAN;
    av_packet_free(&p);
}

/* What the header claims: for each track, else for the whole. */
static void header(struct extent *e, const struct input *in)
{
    const AVFormatContext *f = in->format;

    e->proof = DURATION_PROOF_NONE;
    for (unsigned i = 0; i < f->nb_streams; i++) {
        const AVStream *s = f->streams[i];

        if (!counts(s))
            continue;
        if (s->duration > 0)
            e->end[i] = s->duration + (s->start_time != AV_NOPTS_VALUE ? input_time(in, i, s->start_time) : 0);
        else if (f->duration > 0)
            e->end[i] = av_rescale_q(f->duration, AV_TIME_BASE_Q, s->time_base);
        if (e->end[i] > 0)
            e->proof = DURATION_PROOF_HEADER;
    }
}

void extent_find(struct extent *e, struct input *in, int picture)
{
    if (has_index(in)) {
        e->proof = DURATION_PROOF_INDEX;
        for (unsigned i = 0; i < in->format->nb_streams; i++)
            if (counts(in->format->streams[i]))
                e->end[i] = index_end(e, in, i);
        if (picture >= 0)
            index_rows(e, in, (unsigned)picture);
    } else if (in->complete && in->length && in->length <= EXTENT_SCAN_MOST) {
        scan(e, in, picture);
    } else {
        header(e, in);
    }
}
