#include "actors/transcode/worker/marks.h"

#include <string.h>

#define APART_US 1000000 /* marks closer than this to the one before are not worth a row */

enum marks_kind { MARKS_NONE, MARKS_CLUSTERS, MARKS_PACKETS };

static enum marks_kind kind_of(const struct input *in)
{
    const char *name = in->format->iformat->name;

    if (in->complete)
        return MARKS_NONE;
    return strcmp(name, "matroska,webm") == 0 ? MARKS_CLUSTERS
           : strcmp(name, "mpegts") == 0      ? MARKS_PACKETS
                                              : MARKS_NONE;
}

/* Where one has to begin to read so that the packet comes first; -1: nobody knows. */
static int64_t place_of(const struct input *in, const AVPacket *packet)
{
    AVStream *s = in->format->streams[packet->stream_index];
    const AVIndexEntry *entry;
    int at;

    if (kind_of(in) == MARKS_PACKETS)
        return packet->pos;
    at = av_index_search_timestamp(s, packet->pts, AVSEEK_FLAG_BACKWARD);
    entry = at < 0 ? NULL : avformat_index_get_entry(s, at);
    return entry && entry->timestamp == packet->pts ? entry->pos : -1;
}

void marks_note(struct input *in, const AVPacket *packet)
{
    AVRational base = in->format->streams[packet->stream_index]->time_base;
    int64_t time = input_time(in, (unsigned)packet->stream_index, packet->pts), us, offset;

    if (kind_of(in) == MARKS_NONE || !(packet->flags & AV_PKT_FLAG_KEY) || time == AV_NOPTS_VALUE || time < 0 ||
        in->noted_n == INPUT_MARKS)
        return;
    us = av_rescale_q(time, base, AV_TIME_BASE_Q);
    offset = place_of(in, packet);
    if (offset < 0 || (in->noted_n && us < in->noted[in->noted_n - 1].time_us + APART_US))
        return;
    in->noted[in->noted_n++] = (struct source_mark) { .time_us = us, .offset = (uint64_t)offset };
}

/* The demuxer is told of the cluster as if it had read it, and of one behind the time, so that it does not look for more. */
static int jump_to_cluster(struct input *in, unsigned track, int64_t time, const struct source_mark *mark)
{
    AVStream *s = in->format->streams[track];
    int64_t at = av_rescale_q(mark->time_us, AV_TIME_BASE_Q, s->time_base) + in->origin[track];
    int64_t wanted = time + in->origin[track];

    av_add_index_entry(s, (int64_t)mark->offset, at, 0, 0, AVINDEX_KEYFRAME);
    av_add_index_entry(s, (int64_t)mark->offset, wanted + 1, 0, 0, AVINDEX_KEYFRAME);
    in->format->flags |= AVFMT_FLAG_IGNIDX; /* the file's own index lies behind what has arrived */
    return av_seek_frame(in->format, (int)track, wanted, AVSEEK_FLAG_BACKWARD);
}

/* A transport stream can be entered anywhere. */
static int jump_to_packet(struct input *in, const struct source_mark *mark)
{
    int r = avformat_flush(in->format);

    return r < 0 || avio_seek(in->io, (int64_t)mark->offset, SEEK_SET) < 0 ? -1 : 0;
}

int marks_jump(struct input *in, unsigned track, int64_t time)
{
    int64_t us = av_rescale_q(time, in->format->streams[track]->time_base, AV_TIME_BASE_Q);
    enum marks_kind kind = kind_of(in);
    const struct source_mark *best = NULL;
    int r;

    for (size_t i = 0; i < in->marks_n; i++)
        if (in->marks[i].time_us <= us && (!best || in->marks[i].time_us > best->time_us))
            best = &in->marks[i];
    if (!best || kind == MARKS_NONE || best->offset > INT64_MAX)
        return -1;
    in->io->seekable = AVIO_SEEKABLE_NORMAL;
    r = kind == MARKS_CLUSTERS ? jump_to_cluster(in, track, time, best) : jump_to_packet(in, best);
    in->io->seekable = 0;
    return r < 0 ? -1 : 0;
}
