#include "actors/transcode/worker/input.h"

#include <libavutil/intreadwrite.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <string.h>

#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/marks.h"

#define IO_BUFFER (256 << 10)
#define EARLY_SOUND_US \
    50000 /* sound that begins earlier than this before the picture moves the origin: not priming */

static const char formats[] = "mov,matroska,webm,avi,mpegts,mpeg,flv,ogg,wav,mp3,aac,flac,asf";

static const char codecs[] =
    "h264,hevc,vp8,vp9,libdav1d,mpeg4,mpeg2video,mpeg1video,mjpeg,prores,dnxhd,h263,flv,wmv1,wmv2,wmv3,vc1,"
    "msmpeg4v1,"
    "msmpeg4v2,msmpeg4,theora,vp6,vp6f,vp6a,svq3,rawvideo,ffv1,huffyuv,"
    "aac,mp3float,mp3,mp2float,mp2,mp1float,opus,vorbis,flac,alac,ac3,eac3,dca,truehd,mlp,wmav1,wmav2,wmapro,"
    "amrnb,amrwb,"
    "adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,nellymoser,pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_"
    "s24be,"
    "pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,"
    "mov_text,subrip,srt,ass,ssa,webvtt,text";

static int io_read(void *opaque, uint8_t *buf, int size)
{
    struct input *in = opaque;
    struct link_read_result got = link_read((uint64_t)in->at, buf, (size_t)size);

    if (got.answer == CONTROL_GONE) {
        in->gone = true;
        return AVERROR_EXIT;
    }
    if (got.answer == CONTROL_EOF) {
        in->short_read = in->length && (uint64_t)in->at < in->length;
        return AVERROR_EOF;
    }
    in->at += (int64_t)got.length;
    link_progress(1, 0);
    return (int)got.length;
}

static int64_t io_seek(void *opaque, int64_t offset, int whence)
{
    struct input *in = opaque;

    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE: return in->complete && in->length ? (int64_t)in->length : AVERROR(ENOSYS);
    case SEEK_SET: break;
    case SEEK_CUR: offset += in->at; break;
    case SEEK_END:
        if (!in->complete || !in->length)
            return AVERROR(ENOSYS);
        offset += (int64_t)in->length;
        break;
    default: return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    return in->at = offset;
}

/* No file names another: playlists, data references and the like end here. */
static int deny_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    link_log(CONTROL_LOG_WARNING, "the file asked to open something else, which is never done");
    return AVERROR(EACCES);
}

static bool looks_iso(const uint8_t *head)
{
    static const char types[][5] = { "ftyp", "moov", "mdat", "wide", "free", "skip", "pnot", "uuid", "styp" };

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (memcmp(head + 4, types[i], 4) == 0)
            return true;
    return false;
}

/* Whether an ISO file has its index before its media, from the heads of its top-level boxes. */
static bool index_comes_first(struct input *in)
{
    uint64_t at = 0;

    for (unsigned boxes = 0; boxes < 64; boxes++) {
        uint8_t head[16] = { 0 };
        uint64_t size;

        if (avio_seek(in->io, (int64_t)at, SEEK_SET) < 0 || avio_read(in->io, head, sizeof(head)) < 8)
            return false;
        if (memcmp(head + 4, "moov", 4) == 0 || memcmp(head + 4, "mdat", 4) == 0)
            return head[5] == 'o';
        size = AV_RB32(head);
        size = size == 1 ? AV_RB64(head + 8) : size;
        if (size < 8 || size > INT64_MAX - at)
            return false;
        at += size;
    }
    return false;
}

/* What is still arriving is read forward, but for the jump to an index that lies behind the media. */
static bool may_seek(struct input *in)
{
    uint8_t head[8] = { 0 };
    bool seek = in->complete;

    if (avio_read(in->io, head, sizeof(head)) == sizeof(head))
        in->iso = looks_iso(head);
    if (!seek && in->iso)
        seek = !index_comes_first(in);
    avio_seek(in->io, 0, SEEK_SET);
    return seek;
}

static int open_io(struct input *in)
{
    uint8_t *buffer = av_malloc(IO_BUFFER);

    if (!buffer)
        return AVERROR(ENOMEM);
    in->at = 0;
    in->io = avio_alloc_context(buffer, IO_BUFFER, 0, in, io_read, NULL, io_seek);
    if (!in->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    in->io->seekable = may_seek(in) ? AVIO_SEEKABLE_NORMAL : 0;
    return 0;
}

static int open_format(struct input *in)
{
    AVFormatContext *format = avformat_alloc_context();
    AVDictionary *options = NULL;
    int r;

    if (!format)
        return AVERROR(ENOMEM);
    format->pb = in->io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->io_open = deny_open;
    av_dict_set(&options, "format_whitelist", formats, 0);
    av_dict_set(&options, "codec_whitelist", codecs, 0);
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    av_dict_set_int(&options, "max_streams", INPUT_MAX_TRACKS, 0);
    av_dict_set_int(&options, "probesize", 5000000, 0);
    av_dict_set_int(&options, "formatprobesize", 1 << 20, 0);
    av_dict_set_int(&options, "analyzeduration", 5000000, 0);
    r = avformat_open_input(&format, NULL, NULL, &options);
    av_dict_free(&options);
    in->format = r < 0 ? NULL : format;
    return r;
}

/* An ISO file whose sample tables are known can be sought in, even while it arrives: runs name what they need. */
static void allow_seeking(struct input *in)
{
    for (unsigned i = 0; in->iso && i < in->format->nb_streams; i++)
        if (in->format->streams[i]->nb_frames > 0)
            in->io->seekable = AVIO_SEEKABLE_NORMAL;
}

static int find_tracks(struct input *in)
{
    unsigned n = in->format->nb_streams;
    AVDictionary **options = av_calloc(n ? n : 1, sizeof(*options));
    int r;

    if (!options)
        return AVERROR(ENOMEM);
    for (unsigned i = 0; i < n; i++) {
        av_dict_set(&options[i], "codec_whitelist", codecs, 0);
        av_dict_set_int(&options[i], "max_pixels", INPUT_MAX_PIXELS, 0);
    }
    r = avformat_find_stream_info(in->format, n ? options : NULL);
    for (unsigned i = 0; i < n; i++)
        av_dict_free(&options[i]);
    av_free(options);
    return r;
}

bool input_is_picture(const AVStream *stream)
{
    return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(stream->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS));
}

/* The earliest start of a kind of track in microseconds; AV_NOPTS_VALUE when there is none. */
static int64_t earliest(const struct input *in, bool picture, const AVStream **ret)
{
    int64_t best = AV_NOPTS_VALUE;

    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        const AVStream *s = in->format->streams[i];
        int64_t start;

        if (s->start_time == AV_NOPTS_VALUE ||
            (picture ? !input_is_picture(s) : s->codecpar->codec_type != AVMEDIA_TYPE_AUDIO))
            continue;
        start = av_rescale_q(s->start_time, s->time_base, AV_TIME_BASE_Q);
        if (best == AV_NOPTS_VALUE || start < best) {
            best = start;
            *ret = s;
        }
    }
    return best;
}

/* Sound that begins well before the picture moves the origin back by whole pictures, so that these stay on the grid. */
static void set_origin(struct input *in)
{
    const AVStream *first = NULL, *heard = NULL;
    int64_t origin = earliest(in, true, &first), sound = earliest(in, false, &heard);

    if (origin == AV_NOPTS_VALUE)
        origin = sound == AV_NOPTS_VALUE ? 0 : sound;
    else if (sound != AV_NOPTS_VALUE && sound < origin - EARLY_SOUND_US) {
        AVRational rate = first->avg_frame_rate.num > 0 && first->avg_frame_rate.den > 0 ? first->avg_frame_rate
                                                                                         : (AVRational) { 25, 1 };
        int64_t pictures = av_rescale_q(origin - sound, AV_TIME_BASE_Q, av_inv_q(rate));

        origin -= av_rescale_q(pictures, av_inv_q(rate), AV_TIME_BASE_Q);
    }
    for (unsigned i = 0; i < in->format->nb_streams && i < INPUT_MAX_TRACKS; i++) {
        const AVStream *s = in->format->streams[i];

        in->origin[i] = av_rescale_q(origin, AV_TIME_BASE_Q, s->time_base);
        if (s->start_time != AV_NOPTS_VALUE && av_rescale_q(s->start_time, s->time_base, AV_TIME_BASE_Q) == origin)
            in->origin[i] = s->start_time; /* exactly, where microseconds would round */
    }
}

static int open_all(struct input *in, char *why, size_t why_len)
{
    int r = open_io(in);

    if (r == 0)
        r = open_format(in);
    if (r < 0) {
        snprintf(why, why_len, "%s",
                 r == AVERROR(EINVAL) ? "this kind of file is not accepted"
                 : r == AVERROR(ENOMEM)
                     ? "it has more than 32 tracks, or its tables take more memory than is given"
                     : "it is not a media file, or its beginning is damaged");
        return r;
    }
    if (in->format->nb_streams > INPUT_MAX_TRACKS) {
        snprintf(why, why_len, "more than %d tracks", INPUT_MAX_TRACKS);
        return AVERROR(ERANGE);
    }
    allow_seeking(in);
    r = find_tracks(in);
    if (r < 0) {
        snprintf(why, why_len, "nothing of its tracks can be read (%s)", av_err2str(r));
        return r;
    }
    if (in->format->nb_streams > INPUT_MAX_TRACKS) {
        snprintf(why, why_len, "more than %d tracks", INPUT_MAX_TRACKS);
        return AVERROR(ERANGE);
    }
    set_origin(in);
    return 0;
}

int input_open(struct input *in, uint64_t length, bool complete, char *why, size_t why_len)
{
    int r;

    *in = (struct input) { .length = length, .complete = complete };
    r = open_all(in, why, why_len);
    if (r < 0)
        input_close(in);
    return r;
}

void input_close(struct input *in)
{
    avformat_close_input(&in->format);
    if (in->io)
        av_freep(&in->io->buffer);
    avio_context_free(&in->io);
}

int input_reopen(struct input *in, char *why, size_t why_len)
{
    input_close(in);
    return open_all(in, why, why_len);
}

int input_seek(struct input *in, unsigned track, int64_t time)
{
    const char *name = in->format->iformat->name;
    int64_t ts = time + in->origin[track];

    if (!in->io->seekable)
        return marks_jump(in, track, time);
    if (strcmp(name, "mp3") == 0 || strcmp(name, "aac") == 0)
        return -1; /* these two guess positions from bit rates */
    return avformat_seek_file(in->format, (int)track, INT64_MIN, ts, ts, 0) < 0 ? -1 : 0;
}

int64_t input_time(const struct input *in, unsigned track, int64_t ts)
{
    return ts == AV_NOPTS_VALUE ? AV_NOPTS_VALUE : ts - in->origin[track];
}

AVCodecContext *input_decoder(struct input *in, unsigned track, int threads, bool patient, char *why,
                              size_t why_len)
{
    const AVStream *s = in->format->streams[track];
    const AVCodec *codec = avcodec_find_decoder(s->codecpar->codec_id);
    AVCodecContext *dec = NULL;
    AVDictionary *options = NULL;
    int r;

    if (!codec) {
        if (s->codecpar->codec_id == AV_CODEC_ID_NONE)
            snprintf(why, why_len, "its codec '%s' is not known here", av_fourcc2str(s->codecpar->codec_tag));
        else
            snprintf(why, why_len, "there is no decoder for %s here", avcodec_get_name(s->codecpar->codec_id));
        return NULL;
    }
    if ((int64_t)s->codecpar->width * s->codecpar->height > INPUT_MAX_PIXELS) {
        snprintf(why, why_len, "its pictures are larger than 8192 x 4352");
        return NULL;
    }
    dec = avcodec_alloc_context3(codec);
    if (!dec || avcodec_parameters_to_context(dec, s->codecpar) < 0)
        goto fail;
    dec->pkt_timebase = s->time_base;
    dec->thread_count = threads;
    dec->max_pixels = INPUT_MAX_PIXELS;
    dec->sub_charenc_mode = FF_SUB_CHARENC_MODE_IGNORE; /* cue.c passes over what is no UTF-8 */
    if (patient)
        dec->err_recognition |= AV_EF_IGNORE_ERR;
    av_dict_set(&options, "codec_whitelist", codecs, 0);
    r = avcodec_open2(dec, codec, &options);
    av_dict_free(&options);
    if (r == 0)
        return dec;
    snprintf(why, why_len, "its %s cannot be decoded: %s", avcodec_get_name(s->codecpar->codec_id), av_err2str(r));
    avcodec_free_context(&dec);
    return NULL;
fail:
    snprintf(why, why_len, "a track's parameters make no sense");
    avcodec_free_context(&dec);
    return NULL;
}
