/* input - the original as libavformat sees it: bytes over the control socket, and nothing else.
 *
 * Limits     the formats and codecs listed in input.c, no protocol, no nested open, 5 MB and 5 s of probing, 32 tracks,
 *            8192 x 4352 pixels
 * Timeline   every track is rebased by one origin: the picture's first frame; where sound begins more than 50 ms before
 *            it, as many whole pictures earlier. Times below are in a track's own time base, from that origin
 * Growing    while bytes are still arriving the file is read forward only, and its size is not told, so that no demuxer
 *            looks for an index at the end; ISO files may be sought in once their sample tables are known, and jumped
 *            in to reach them where they lie behind the media */
#pragma once

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

#include "gen/transcode.h"

#define INPUT_MAX_PIXELS (8192LL * 4352)
#define INPUT_MAX_TRACKS 32
#define INPUT_MARKS      64

struct input {
    AVFormatContext *format;
    AVIOContext *io;
    uint64_t length; /* of the whole original, 0 while unknown */
    bool complete;
    bool iso;                         /* boxes: MP4, MOV, 3GP */
    int64_t at;                       /* where the next read begins */
    bool gone;                        /* the parent answered GONE */
    bool short_read;                  /* the end came before length: bytes are missing */
    int64_t origin[INPUT_MAX_TRACKS]; /* in each track's time base */
    const struct source_mark *marks;  /* set by who opened it: where it may jump to (marks.h) */
    size_t marks_n;
    struct source_mark noted[INPUT_MARKS];
    size_t noted_n;
};

/* Opens and probes. 0, or a negative AVERROR with a sentence for a person in why. */
int input_open(struct input *in, uint64_t length, bool complete, char *why, size_t why_len);
void input_close(struct input *in);

/* Reads on from the first byte: for files that cannot be sought. */
int input_reopen(struct input *in, char *why, size_t why_len);

/* Puts the reading position at or before the time (in the track's time base, from the origin). 0, or -1 when the file
 * can only be read forward from its start. */
int input_seek(struct input *in, unsigned track, int64_t time);

/* The packet's time of presentation from the origin, AV_NOPTS_VALUE when the file says nothing. */
int64_t input_time(const struct input *in, unsigned track, int64_t ts);

/* A decoder for the track, opened within the limits; NULL with a sentence in why. */
AVCodecContext *input_decoder(struct input *in, unsigned track, int threads, bool patient, char *why,
                              size_t why_len);

/* The track can hold pictures to encode: not a cover, not a thumbnail. */
bool input_is_picture(const AVStream *stream);
