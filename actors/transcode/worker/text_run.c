#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/media/vtt.h"
#include "actors/transcode/worker/cue.h"
#include "actors/transcode/worker/input.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/runs.h"
#include "actors/transcode/worker/warnings.h"

#define STAYS_MS 5000 /* a cue whose end nobody tells, until the next one comes */

struct cue_row {
    int64_t from, to; /* ms on the output timeline; to -1: not told */
    size_t order;
    char *text;
    bool top;
};

struct text_track { /* of the source */
    AVCodecContext *codec;
    struct cue_row *rows;
    size_t n, room, bytes;
    bool full;
};

struct text {
    const struct encode_run *run;
    struct input in;
    struct text_track tracks[INPUT_MAX_TRACKS];
    struct warnings warnings;
};

static void *must(void *allocated)
{
    if (!allocated)
        link_done(CONTROL_FAILED, "no memory left in the worker's address space");
    return allocated;
}

/* One that cannot be read has no cues, and is in no other's way. What a probe took for text while the file arrived may be the
 * list of chapters: libavformat knows that only when it can seek. */
static void open_track(struct text *t, uint64_t track)
{
    char why[200] = "";

    if (track >= t->in.format->nb_streams)
        link_done(CONTROL_REFUSED, "the file has no track %" PRIu64, track);
    if (t->tracks[track].codec || t->in.format->streams[track]->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE)
        return;
    t->tracks[track].codec = input_decoder(&t->in, (unsigned)track, 1, false, why, sizeof(why));
    if (t->tracks[track].codec)
        t->in.format->streams[track]->discard = AVDISCARD_DEFAULT;
    else
        warnings_add(&t->warnings, "A text track cannot be read, and is left out: %s.", why);
}

static void open_source(struct text *t)
{
    const struct encode_run *run = t->run;
    char why[200] = "";
    int r = input_open(&t->in, run->length, run->complete, why, sizeof(why));

    if (r < 0)
        run_refuse(t->in.gone, r, why);
    for (unsigned i = 0; i < t->in.format->nb_streams; i++)
        t->in.format->streams[i]->discard = AVDISCARD_ALL;
    for (size_t i = 0; i < run->renditions_n; i++) {
        open_track(t, run->renditions[i].track);
        if (run->renditions[i].has_with)
            open_track(t, run->renditions[i].with);
    }
}

static void keep(struct text_track *track, int64_t from, int64_t to, bool top, struct buf *text)
{
    if (from < 0)
        from = 0;
    if (!text->len || track->full || from > VTT_LATEST_MS || (to >= 0 && to <= from))
        return;
    track->bytes += text->len + VTT_CUE_OVERHEAD;
    track->full = track->bytes > VTT_MOST / 2; /* one of two that are joined */
    if (track->full)
        return;
    if (track->n == track->room) {
        track->room = track->room ? 2 * track->room : 256;
        track->rows = must(realloc(track->rows, track->room * sizeof(*track->rows)));
    }
    track->rows[track->n] = (struct cue_row) {
        .from = from, .to = to, .order = track->n, .top = top, .text = must(strdup(buf_text(text)))
    };
    track->n++;
}

static void take(struct text *t, AVPacket *packet)
{
    unsigned index = (unsigned)packet->stream_index;
    struct text_track *track = &t->tracks[index];
    AVRational base = t->in.format->streams[index]->time_base, ms = { 1, 1000 };
    int64_t pts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts, from, to = -1;
    AVSubtitle sub = { 0 };
    struct buf text = { 0 };
    bool top = false;
    int got = 0;

    if (!track->codec || pts == AV_NOPTS_VALUE || avcodec_decode_subtitle2(track->codec, &sub, &got, packet) < 0 ||
        !got)
        return;
    from = av_rescale_q(input_time(&t->in, index, pts), base, ms);
    if (sub.end_display_time && sub.end_display_time != UINT32_MAX)
        to = from + sub.end_display_time;
    else if (packet->duration > 0)
        to = from + av_rescale_q(packet->duration, base, ms);
    for (unsigned i = 0; i < sub.num_rects; i++) {
        bool at_top = false;

        if (!sub.rects[i]->ass)
            continue;
        if (text.len)
            buf_put_text(&text, "\n");
        cue_text(sub.rects[i]->ass, &text, &at_top);
        top |= at_top;
    }
    keep(track, from + sub.start_display_time, to, top, &text);
    buf_free(&text);
    avsubtitle_free(&sub);
}

static void read_all(struct text *t)
{
    AVPacket *packet = must(av_packet_alloc());

    while (av_read_frame(t->in.format, packet) >= 0) {
        take(t, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    if (t->in.gone)
        link_done(CONTROL_IS_GONE, "the original was deleted");
}

static int by_time(const void *a_, const void *b_)
{
    const struct cue_row *a = a_, *b = b_;

    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* In order of time, each with an end. */
static void settle(struct text_track *track)
{
    qsort(track->rows, track->n, sizeof(*track->rows), by_time);
    for (size_t i = 0; i < track->n; i++) {
        struct cue_row *row = &track->rows[i];
        size_t next = i + 1;

        while (next < track->n && track->rows[next].from == row->from)
            next++;
        if (row->to >= 0)
            continue;
        row->to = row->from + STAYS_MS;
        if (next < track->n && track->rows[next].from < row->to)
            row->to = track->rows[next].from;
    }
}

static bool has(const struct text_track *track, const struct cue_row *row)
{
    for (size_t i = 0; i < track->n && track->rows[i].from <= row->from; i++)
        if (track->rows[i].from == row->from && track->rows[i].to == row->to &&
            strcmp(track->rows[i].text, row->text) == 0)
            return true;
    return false;
}

/* Both tracks' cues by time; of two that are equal one. */
static struct text_track joined(const struct text_track *one, const struct text_track *with)
{
    struct text_track all = { .rows = must(calloc(one->n + with->n + 1, sizeof(*all.rows))) };

    for (size_t i = 0; i < one->n; i++)
        all.rows[all.n++] = one->rows[i];
    for (size_t i = 0; i < with->n; i++)
        if (!has(one, &with->rows[i]))
            all.rows[all.n++] = with->rows[i];
    for (size_t i = 0; i < all.n; i++)
        all.rows[i].order = i;
    qsort(all.rows, all.n, sizeof(*all.rows), by_time);
    return all;
}

static void send_track(unsigned slot, const struct text_track *track)
{
    uint32_t cues = (uint32_t)track->n;
    struct buf out = { 0 };

    if (!track->n)
        return;
    vtt_begin(&out);
    for (size_t i = 0; i < track->n; i++)
        vtt_cue(&out, track->rows[i].from, track->rows[i].to, track->rows[i].top, track->rows[i].text);
    link_send(CONTROL_TEXT, slot, &cues, sizeof(cues), out.data, out.len);
    buf_free(&out);
}

void text_run(const struct encode_run *run)
{
    static struct text t;
    struct run_done done = { 0 };

    t.run = run;
    open_source(&t);
    read_all(&t);
    for (size_t i = 0; i < INPUT_MAX_TRACKS; i++) {
        settle(&t.tracks[i]);
        if (t.tracks[i].full)
            warnings_add(&t.warnings, "A text track is longer than is taken: its end is left out.");
    }
    done.warnings = t.warnings.all;
    done.warnings_n = t.warnings.n;
    for (size_t i = 0; i < run->renditions_n; i++) {
        const struct run_rendition *r = &run->renditions[i];
        struct text_track all = t.tracks[r->track];

        if (r->has_with)
            all = joined(&t.tracks[r->track], &t.tracks[r->with]);
        send_track((unsigned)i, &all);
    }
    run_finish(run, &done);
}
