#include <libavutil/error.h>
#include <sys/resource.h>
#include <time.h>

#include "actors/transcode/worker/link.h"
#include "actors/transcode/worker/runs.h"

static uint64_t cpu_ms(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
}

void run_finish(const struct encode_run *run, struct run_done *done)
{
    struct buf packed = { 0 };
    struct wire_error err;

    done->video_id = run->video_id;
    done->version = run->version;
    done->run = run->run;
    done->kind = run->kind;
    done->first = run->first;
    done->cpu_ms = cpu_ms();
    if (wire_pack_err(&run_done_type, done, &packed, &err) < 0)
        link_done(CONTROL_FAILED, "the report's %s %s", err.path, err.sentence);
    link_send(CONTROL_REPORT, 0, packed.data, packed.len, NULL, 0);
    link_done(CONTROL_OK, "done");
}

void run_refuse(bool gone, int error, const char *why)
{
    if (gone)
        link_done(CONTROL_IS_GONE, "the original was deleted");
    link_done(error == AVERROR(ENOMEM) ? CONTROL_FAILED : CONTROL_REFUSED, "%s",
              *why ? why : "it cannot be decoded");
}
