/* kinobus-worker - decodes and encodes in a jail; started by kinobus-transcode, never by hand. */
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/log.h>

#include "actors/transcode/worker/jail.h"
#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/probe.h"
#include "actors/transcode/worker/runs.h"
#include "gen/transcode.h"
#include "schemas/wire/arena.h"

#define LOG_LINES 20 /* of libav, each run: a damaged file has one for every packet */

/* What the libraries say goes to the parent, the first lines of it. */
static void log_library(void *context, int level, const char *format, va_list args)
{
    static _Atomic int lines;
    char text[400];

    if (level > AV_LOG_ERROR || lines++ >= LOG_LINES)
        return;
    vsnprintf(text, sizeof(text), format, args);
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = 0;
    link_log(CONTROL_LOG_WARNING, "%s: %s", context ? (*(AVClass **)context)->class_name : "libav", text);
}

static void run(const struct control_terms *terms, struct arena *arena, struct bytes packed)
{
    struct encode_run job;
    struct wire_error err;

    if (encode_run_unpack(packed, arena, &job, &err) < 0)
        link_done(CONTROL_FAILED, "the run's %s %s", err.path, err.sentence);
    switch (job.kind) {
    case RUN_KIND_VIDEO:
        if (job.renditions_n && job.renditions[0].copy_gop)
            copy_run(&job);
        video_run(&job, terms);
    case RUN_KIND_AUDIO: audio_run(&job, terms);
    case RUN_KIND_POSTER: poster_run(&job, terms);
    case RUN_KIND_TEXT: text_run(&job);
    case RUN_KIND_BOARD: board_run(&job);
    default: link_done(CONTROL_FAILED, "a run of kind %d is not known here", (int)job.kind);
    }
}

int main(void)
{
    struct control_terms terms;
    struct control_hello hello;
    struct arena *arena = arena_new();
    struct probe job;
    struct wire_error err;
    const void *packed;
    size_t len;

    av_log_set_callback(log_library);
    link_receive_job(&terms, &packed, &len);
    jail_enter(&terms, &hello);
    link_send(CONTROL_HELLO, 0, &hello, sizeof(hello), NULL, 0);
    if (terms.kind == CONTROL_RUN)
        run(&terms, arena, bytes_of(packed, len));
    if (terms.kind != CONTROL_PROBE)
        link_done(CONTROL_FAILED, "a job of kind %u is not known here", terms.kind);
    if (probe_unpack(bytes_of(packed, len), arena, &job, &err) < 0)
        link_done(CONTROL_FAILED, "the probe's %s %s", err.path, err.sentence);
    probe_run(&job, &terms);
}
