#include "actors/transcode/worker/probe.h"

#include <libavutil/dovi_meta.h>
#include <libavutil/pixdesc.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/worker/copy.h"
#include "actors/transcode/worker/extent.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/measure.h"
#include "actors/transcode/worker/picture.h"
#include "actors/transcode/worker/upright.h"
#include "actors/transcode/worker/warnings.h"

#define PICTURES     8         /* decoded of each picture track */
#define TIMES_ENOUGH 48        /* packets whose times are enough to tell the rate */
#define READ_MOST    (8 << 20) /* bytes read to find them */
#define SOUND_MOST   8         /* sound tracks that can be used */
#define TEXT_MOST    16        /* text tracks that can be used */
#define CHAPTERS     200
#define LONGEST_MS   (12ull * 3600 * 1000)
#define FASTEST      240
#define SMALLEST     16 /* pixels on a side */

struct look { /* at one track */
    AVCodecContext *codec;
    AVFrame *first; /* picture; NULL until one was decoded */
    unsigned pictures, interlaced;
    struct measure_times times;
    char why[200];
};

struct probing {
    const struct probe *job;
    struct arena *arena;
    struct input in;
    struct look looks[INPUT_MAX_TRACKS];
    struct probed_track tracks[INPUT_MAX_TRACKS];
    struct warnings warnings;
    struct probed_chapter chapters[CHAPTERS];
    struct extent extent;
    struct probe_done done;
};

_Noreturn static void report(struct probing *p, enum probe_outcome outcome, const char *reason)
{
    struct buf packed = { 0 };
    struct wire_error err;

    p->done.video_id = p->job->video_id;
    p->done.version = p->job->version;
    p->done.outcome = outcome;
    p->done.reason = reason;
    p->done.warnings = p->warnings.all;
    p->done.warnings_n = p->warnings.n;
    if (wire_pack_err(&probe_done_type, &p->done, &packed, &err) < 0)
        link_done(CONTROL_FAILED, "the report's %s %s", err.path, err.sentence);
    if (outcome == PROBE_OUTCOME_OK && p->extent.rows_n)
        link_send(CONTROL_INDEX, 0, p->extent.rows.data, p->extent.rows.len, NULL, 0);
    link_send(CONTROL_REPORT, 0, packed.data, packed.len, NULL, 0);
    link_done(CONTROL_OK, "done");
}

/* ---- looking: a few packets of every track, decoded ---- */

static void open_looks(struct probing *p)
{
    for (unsigned i = 0; i < p->in.format->nb_streams; i++) {
        AVStream *s = p->in.format->streams[i];

        if (input_is_picture(s) || s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            p->looks[i].codec = input_decoder(&p->in, i, 1, false, p->looks[i].why, sizeof(p->looks[i].why));
        else
            s->discard = AVDISCARD_ALL;
    }
}

/* Presentation times from an index, where there is one. */
static void times_from_index(struct probing *p, unsigned track)
{
    AVStream *s = p->in.format->streams[track];
    struct measure_times *t = &p->looks[track].times;
    int n = p->in.iso && s->nb_frames > 0 ? avformat_index_get_entries_count(s) : 0;

    for (int i = 0; i < n && t->n < MEASURE_TIMES; i++)
        t->at[t->n++] = avformat_index_get_entry(s, i)->timestamp;
}

static void take_pictures(struct look *look)
{
    AVFrame *f = av_frame_alloc();

    while (f && avcodec_receive_frame(look->codec, f) == 0) {
        look->pictures++;
        look->interlaced += f->interlaced_frame != 0;
        if (!look->first)
            look->first = av_frame_clone(f);
        link_progress(1, 0);
        av_frame_unref(f);
    }
    av_frame_free(&f);
}

static void look_at(struct probing *p, const AVPacket *packet)
{
    struct look *look = &p->looks[packet->stream_index];
    bool picture = input_is_picture(p->in.format->streams[packet->stream_index]);
    bool timed = packet->pts != AV_NOPTS_VALUE || packet->dts != AV_NOPTS_VALUE;

    if (!look->codec)
        return;
    if (picture && timed && look->times.n < MEASURE_TIMES &&
        !(p->in.iso && p->in.format->streams[packet->stream_index]->nb_frames > 0))
        look->times.at[look->times.n++] = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (look->pictures >= (picture ? PICTURES : 1))
        return;
    avcodec_send_packet(look->codec, packet);
    take_pictures(look);
}

static bool seen_enough(const struct probing *p)
{
    for (unsigned i = 0; i < p->in.format->nb_streams; i++) {
        const struct look *look = &p->looks[i];
        bool picture = input_is_picture(p->in.format->streams[i]);

        if (look->codec &&
            (look->pictures < (picture ? PICTURES : 1) || (picture && look->times.n < TIMES_ENOUGH)))
            return false;
    }
    return true;
}

static void look_around(struct probing *p)
{
    AVPacket *packet = av_packet_alloc();
    int64_t bytes = 0;

    for (unsigned i = 0; i < p->in.format->nb_streams; i++)
        if (input_is_picture(p->in.format->streams[i]))
            times_from_index(p, i);
    while (packet && !seen_enough(p) && bytes < READ_MOST && av_read_frame(p->in.format, packet) >= 0) {
        bytes += packet->size;
        look_at(p, packet);
        av_packet_unref(packet);
    }
    for (unsigned i = 0; i < p->in.format->nb_streams; i++)
        if (p->looks[i].codec && avcodec_send_packet(p->looks[i].codec, NULL) == 0)
            take_pictures(&p->looks[i]);
    av_packet_free(&packet);
    if (p->in.gone)
        link_done(CONTROL_IS_GONE, "the original was deleted");
}

/* ---- telling: what was seen, in the words of the schema ---- */

static uint64_t positive(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static unsigned dolby_vision(const AVStream *s)
{
    size_t size = 0;
    const AVDOVIDecoderConfigurationRecord *dovi = (const void *)av_stream_get_side_data(s, AV_PKT_DATA_DOVI_CONF,
                                                                                         &size);

    return dovi && size >= sizeof(*dovi) ? dovi->dv_profile : 0;
}

static void unusable(struct probed_track *t, const char *why)
{
    t->usable = false;
    t->reason = why;
}

/* Its packets may be shown as they are: what the decoder saw agrees with what the parameter sets say. */
static void tell_copy(struct probing *p, unsigned i)
{
    struct probed_video *v = &p->tracks[i].video;
    AVRational fps = { (int)v->fps_num, (int)v->fps_den };
    struct copy_terms terms;

    if (v->fps_variable || v->interlaced || v->rotation || v->mirrored || v->full_range || v->hdr ||
        v->bit_depth != 8 || v->sar_num != v->sar_den || v->width != v->display_width || p->extent.cut_off)
        return;
    terms = copy_judge(&p->in, i, fps);
    v->copy_gop = terms.gop;
    v->copy_frames = terms.frames;
    v->copy_kbps = terms.kbps;
}

/* More pictures in a second than are taken: refused, unless all of them are within one second, which is a file with
 * broken times rather than a burden. */
static void too_fast(struct probing *p, unsigned i)
{
    struct probed_track *t = &p->tracks[i];
    AVRational base = p->in.format->streams[i]->time_base;

    if (p->extent.end[i] <= 0 || av_compare_ts(p->extent.end[i], base, 1, (AVRational) { 1, 1 }) > 0) {
        unusable(t, "it has more than 240 pictures a second");
        return;
    }
    t->video.fps_num = 60;
    t->video.fps_den = 1;
    t->video.fps_variable = true;
}

static void tell_picture(struct probing *p, unsigned i)
{
    const AVStream *s = p->in.format->streams[i];
    struct look *look = &p->looks[i];
    struct probed_track *t = &p->tracks[i];
    struct probed_video *v = &t->video;
    const AVFrame *f = look->first;
    struct measured_rate rate = measure_rate(&look->times, s->time_base, s->avg_frame_rate);
    const AVPixFmtDescriptor *format;
    struct upright u;

    t->kind = TRACK_KIND_VIDEO;
    t->has_video = true;
    if (!f) {
        v->width = positive(s->codecpar->width);
        v->height = positive(s->codecpar->height);
        unusable(t, look->codec ? "none of its first pictures can be decoded" : arena_strdup(p->arena, look->why));
        return;
    }
    u = upright_of(s, f->width, f->height, f->sample_aspect_ratio);
    format = av_pix_fmt_desc_get(f->format);
    *v = (struct probed_video) {
        .width = (uint64_t)f->width,
        .height = (uint64_t)f->height,
        .display_width = (uint64_t)u.width,
        .display_height = (uint64_t)u.height,
        .sar_num = (uint64_t)u.sar.num,
        .sar_den = (uint64_t)u.sar.den,
        .rotation = (uint64_t)u.rotation,
        .mirrored = u.mirrored,
        .fps_num = positive(rate.fps.num),
        .fps_den = positive(rate.fps.den),
        .fps_variable = rate.variable,
        .bit_depth = format ? (uint64_t)format->comp[0].depth : 8,
        .primaries = (uint64_t)f->color_primaries,
        .transfer = (uint64_t)f->color_trc,
        .matrix = (uint64_t)f->colorspace,
        .full_range = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P ||
                      f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P,
        .interlaced = look->interlaced * 2 > look->pictures,
        .hdr = picture_is_hdr(f->color_trc),
        .dolby_vision = dolby_vision(s),
    };
    t->usable = true;
    if ((int64_t)f->width * f->height > INPUT_MAX_PIXELS)
        unusable(t, "its pictures are larger than 8192 x 4352");
    else if (u.width < SMALLEST || u.height < SMALLEST)
        unusable(t, "its pictures are smaller than 16 x 16");
    else if (rate.fps.num && av_q2d(rate.fps) > FASTEST)
        too_fast(p, i);
    if (t->usable)
        tell_copy(p, i);
}

static void tell_sound(struct probing *p, unsigned i, unsigned before)
{
    const AVCodecParameters *par = p->in.format->streams[i]->codecpar;
    const struct look *look = &p->looks[i];
    const AVFrame *f = look->first;
    struct probed_track *t = &p->tracks[i];
    AVChannelLayout layout = f ? f->ch_layout : par->ch_layout;
    char name[64] = "";

    if (layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&layout, layout.nb_channels);
    av_channel_layout_describe(&layout, name, sizeof(name));
    t->kind = TRACK_KIND_AUDIO;
    t->has_audio = true;
    t->audio = (struct probed_audio) { .rate = positive(f ? f->sample_rate : par->sample_rate),
                                       .channels = positive(layout.nb_channels),
                                       .layout = measure_text(p->arena, name, 60) };
    t->usable = true;
    if (!look->codec)
        unusable(t, arena_strdup(p->arena, look->why));
    else if (!f)
        unusable(t, "none of its first frames can be decoded");
    else if (before >= SOUND_MOST)
        unusable(t, "more than 8 sound tracks are not carried over");
}

static void tell_text(struct probing *p, unsigned i, unsigned before)
{
    enum AVCodecID codec = p->in.format->streams[i]->codecpar->codec_id;
    const AVCodecDescriptor *is = avcodec_descriptor_get(codec);
    struct probed_track *t = &p->tracks[i];

    t->kind = TRACK_KIND_TEXT;
    t->usable = true;
    if (is && is->props & AV_CODEC_PROP_BITMAP_SUB)
        unusable(t, "its subtitles are pictures, which cannot become text");
    else if (codec != AV_CODEC_ID_MOV_TEXT && codec != AV_CODEC_ID_SUBRIP && codec != AV_CODEC_ID_ASS &&
             codec != AV_CODEC_ID_WEBVTT && codec != AV_CODEC_ID_TEXT)
        unusable(t, "subtitles of this kind cannot be read here");
    else if (before >= TEXT_MOST)
        unusable(t, "more than 16 text tracks are not carried over");
}

static void tell_common(struct probing *p, unsigned i)
{
    const AVStream *s = p->in.format->streams[i];
    struct probed_track *t = &p->tracks[i];
    const AVDictionaryEntry *title = av_dict_get(s->metadata, "title", NULL, 0);
    const AVDictionaryEntry *language = av_dict_get(s->metadata, "language", NULL, 0);
    int64_t end = p->extent.end[i];

    t->index = i;
    t->codec = measure_text(p->arena, avcodec_get_name(s->codecpar->codec_id), 30);
    t->title = title ? measure_text(p->arena, title->value, 200) : NULL;
    t->language = measure_language(p->arena, language ? language->value : NULL);
    t->is_default = s->disposition & AV_DISPOSITION_DEFAULT;
    t->forced = s->disposition & AV_DISPOSITION_FORCED;
    t->hearing_impaired = s->disposition & AV_DISPOSITION_HEARING_IMPAIRED;
    t->visual_impaired = s->disposition & AV_DISPOSITION_VISUAL_IMPAIRED;
    t->commentary = s->disposition & AV_DISPOSITION_COMMENT;
    t->bit_rate = positive(s->codecpar->bit_rate);
    if (s->start_time != AV_NOPTS_VALUE)
        t->start_ms = av_rescale_q(input_time(&p->in, i, s->start_time), s->time_base, (AVRational) { 1, 1000 });
    t->duration_ms = positive(end > 0 ? av_rescale_q(end, s->time_base, (AVRational) { 1, 1000 }) : 0);
}

static void tell_tracks(struct probing *p)
{
    unsigned sounds = 0, texts = 0;

    for (unsigned i = 0; i < p->in.format->nb_streams; i++) {
        const AVStream *s = p->in.format->streams[i];

        p->tracks[i].kind = TRACK_KIND_OTHER;
        if (input_is_picture(s))
            tell_picture(p, i);
        else if (s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            tell_sound(p, i, sounds++);
        else if (s->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE)
            tell_text(p, i, texts++);
        tell_common(p, i);
    }
    p->done.tracks = p->tracks;
    p->done.tracks_n = p->in.format->nb_streams;
}

static int by_start(const void *a_, const void *b_)
{
    const struct probed_chapter *a = a_, *b = b_;

    return a->start_ms < b->start_ms ? -1 : a->start_ms > b->start_ms;
}

/* By time, one for a moment; a single one divides nothing. */
static void tell_chapters(struct probing *p)
{
    const AVFormatContext *f = p->in.format;
    AVRational ms = { 1, 1000 };
    int64_t origin = f->nb_streams ? av_rescale_q(p->in.origin[0], f->streams[0]->time_base, ms) : 0;
    size_t n = 0, kept = 0;

    for (unsigned i = 0; i < f->nb_chapters && n < CHAPTERS; i++) {
        const AVChapter *from = f->chapters[i];
        const AVDictionaryEntry *title = av_dict_get(from->metadata, "title", NULL, 0);
        uint64_t start = positive(av_rescale_q(from->start, from->time_base, ms) - origin);

        if (start < LONGEST_MS)
            p->chapters[n++] = (struct probed_chapter) { .start_ms = start,
                                                         .title = title ? measure_text(p->arena, title->value, 100)
                                                                        : NULL };
    }
    qsort(p->chapters, n, sizeof(*p->chapters), by_start);
    for (size_t i = 0; i < n; i++)
        if (!kept || p->chapters[i].start_ms > p->chapters[kept - 1].start_ms)
            p->chapters[kept++] = p->chapters[i];
    p->done.chapters = p->chapters;
    p->done.chapters_n = kept > 1 ? kept : 0;
}

/* The picture track to encode: the largest of those that last at least half as long as the longest. */
static int choose_picture(const struct probing *p)
{
    uint64_t longest = 0, largest = 0;
    int best = -1;

    for (unsigned i = 0; i < p->done.tracks_n; i++)
        if (p->tracks[i].usable && p->tracks[i].has_video && p->tracks[i].duration_ms > longest)
            longest = p->tracks[i].duration_ms;
    for (unsigned i = 0; i < p->done.tracks_n; i++) {
        const struct probed_track *t = &p->tracks[i];
        uint64_t size = t->video.width * t->video.height;

        if (t->usable && t->has_video && t->duration_ms * 2 >= longest && size > largest) {
            largest = size;
            best = (int)i;
        }
    }
    return best;
}

static void warn_of(struct probing *p, const struct probed_video *v)
{
    if (v->hdr)
        warnings_add(&p->warnings, "The pictures are HDR; they are brought to standard range.");
    if (v->dolby_vision == 5)
        warnings_add(&p->warnings, "Dolby Vision profile 5 has no compatible base: colours will be wrong.");
    if (v->fps_variable)
        warnings_add(&p->warnings, "The frame rate varies; the output has a steady one.");
    if (v->interlaced)
        warnings_add(&p->warnings, "The pictures are interlaced; they are made progressive.");
    for (size_t i = 0; i < p->done.tracks_n; i++) {
        const struct probed_track *t = &p->tracks[i];

        if (t->kind == TRACK_KIND_TEXT && !t->usable)
            warnings_add(&p->warnings, "A text track (%s, %s) is not carried over: %s.", t->language, t->codec,
                         t->reason);
    }
    if (p->extent.cut_off || p->in.short_read)
        warnings_add(&p->warnings, "The file is cut off: its index names more than it holds.");
}

/* Why no track can be used: the first reason of a track that matters. */
static const char *why_nothing(const struct probing *p)
{
    for (unsigned i = 0; i < p->done.tracks_n; i++)
        if (p->tracks[i].reason)
            return arena_printf(p->arena, "Nothing in it can be shown or heard: %s.", p->tracks[i].reason);
    return "It holds neither pictures nor sound.";
}

_Noreturn static void conclude(struct probing *p)
{
    int picture = choose_picture(p);
    bool sound = false, pictures = false;

    for (unsigned i = 0; i < p->done.tracks_n; i++) {
        const struct probed_track *t = &p->tracks[i];

        sound |= t->usable && t->has_audio;
        if (t->usable && (t->has_audio || (int)i == picture) && t->duration_ms > p->done.duration_ms)
            p->done.duration_ms = t->duration_ms;
        pictures |= t->has_video;
    }
    if (picture < 0 && (pictures || !sound)) /* a film that can only be heard is not what was uploaded */
        report(p, PROBE_OUTCOME_REFUSED, why_nothing(p));
    if (p->done.duration_ms > LONGEST_MS)
        report(p, PROBE_OUTCOME_REFUSED, "It lasts longer than 12 hours.");
    if (picture >= 0) {
        p->done.has_video_track = true;
        p->done.video_track = (uint64_t)picture;
        warn_of(p, &p->tracks[picture].video);
    }
    report(p, PROBE_OUTCOME_OK, NULL);
}

/* The picture track that has an index worth listing, before the tracks are told: the first that was decoded. */
static int first_picture(const struct probing *p)
{
    int best = -1;

    for (unsigned i = 0; i < p->in.format->nb_streams; i++)
        if (input_is_picture(p->in.format->streams[i]) && p->looks[i].first &&
            (best < 0 || (int64_t)p->looks[i].first->width * p->looks[i].first->height >
                             (int64_t)p->looks[best].first->width * p->looks[best].first->height))
            best = (int)i;
    return best;
}

void probe_run(const struct probe *job, const struct control_terms *terms)
{
    static struct probing p;
    char why[200] = "";
    int r;

    p.job = job;
    p.arena = arena_new();
    r = input_open(&p.in, job->length, job->complete, why, sizeof(why));
    if (p.in.gone)
        link_done(CONTROL_IS_GONE, "the original was deleted");
    if (r < 0)
        report(&p, PROBE_OUTCOME_REFUSED, arena_printf(p.arena, "It cannot be read: %s.", why));
    p.done.container = measure_text(p.arena, p.in.format->iformat->name, 60);
    open_looks(&p);
    look_around(&p);
    extent_find(&p.extent, &p.in, first_picture(&p));
    p.done.proof = p.extent.proof;
    p.done.index_rows = p.extent.rows_n;
    p.done.bit_rate = positive(p.in.format->bit_rate);
    tell_tracks(&p);
    tell_chapters(&p);
    conclude(&p);
}
