/* transcode-drive - one job through a real worker and a real store, without a bus: for tests and benches.
 *
 *   transcode-drive WORKER STORE put NAME FILE [GROW]    a file into the store; GROW: only so many bytes, still growing
 *   transcode-drive WORKER STORE probe < job.json        prints {end, reason, offset, result}
 *   transcode-drive WORKER STORE run   < job.json
 *
 * Job and result are JSON as the schema has them. Settings come from the environment: DRIVE_THREADS, DRIVE_ATTEMPT,
 * DRIVE_STALL_MS, DRIVE_WAIT_MS, DRIVE_DEGRADED. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "actors/transcode/attend.h"
#include "gen/errors.h"
#include "gen/transcode.h"
#include "schemas/wire/json.h"

static const char *const ends[] = { "done", "wait", "refused", "gone", "cancelled", "failed", "no_jail" };

static unsigned setting(const char *name, unsigned fallback)
{
    const char *text = getenv(name);

    return text ? (unsigned)strtoul(text, NULL, 10) : fallback;
}

static void say(void *ctx, int level, const char *text)
{
    fprintf(stderr, "worker[%d]: %s\n", level, text);
}

static int put(struct blobs *blobs, const char *name, const char *file, uint64_t most)
{
    struct blob_writer *writer = NULL;
    struct blob_grow *grow = NULL;
    FILE *f = fopen(file, "rb");
    char buf[65536];
    size_t n;
    int r = f ? 0 : ERR_NOT_FOUND;

    if (r == 0)
        r = most ? blob_grow_open(blobs, name, &grow, &(uint64_t) { 0 }) : blob_new(blobs, name, &writer);
    while (r == 0 && (n = fread(buf, 1, most && most < sizeof(buf) ? most : sizeof(buf), f)) > 0) {
        r = most ? blob_grow_append(grow, buf, n) : blob_write(writer, buf, n);
        most -= most ? n : 0;
        if (grow && !most)
            break;
    }
    if (r == 0)
        r = grow ? blob_grow_sync(grow, &(uint64_t) { 0 }) : blob_commit(&writer, NULL);
    blob_grow_close(&grow);
    if (f)
        fclose(f);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", name, err_name(r));
    return r < 0;
}

static int answer(const struct wire_type *type, const void *result, const struct attend_outcome *o)
{
    struct rusage use;
    json_t *all;

    getrusage(RUSAGE_CHILDREN, &use);
    all = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:i}", "end", ends[o->end], "reason", o->reason, "offset",
                    (json_int_t)o->offset, "wall_ms", (json_int_t)o->wall_ms, "cpu_ms",
                    (json_int_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
                        (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000,
                    "peak_kb", (json_int_t)use.ru_maxrss, "landlock", (int)o->landlock_abi);
    if (o->end == ATTEND_DONE)
        json_object_set_new(all, "result", wire_to_json(type, result));
    json_dumpf(all, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(all);
    return o->end != ATTEND_DONE;
}

static int job(struct attend *how, bool probing)
{
    struct arena *arena = arena_new();
    struct wire_error err = { 0 };
    struct attend_outcome outcome;
    struct encode_run run;
    struct probe probe;
    struct probe_done probed;
    struct run_done done;
    json_t *in = json_loadf(stdin, 0, NULL);
    int r = in ? wire_from_json(probing ? &probe_type : &encode_run_type, in, arena,
                                probing ? (void *)&probe : (void *)&run, &err)
               : ERR_MALFORMED;

    if (r < 0) {
        fprintf(stderr, "job: %s: %s %s\n", err_name(r), err.path, err.sentence);
        r = 2;
    } else if (probing) {
        attend_probe(how, &probe, arena, &probed, &outcome);
        r = answer(&probe_done_type, &probed, &outcome);
    } else {
        attend_run(how, &run, arena, &done, &outcome);
        r = answer(&run_done_type, &done, &outcome);
    }
    json_decref(in);
    arena_free(&arena);
    return r;
}

int main(int argc, char **argv)
{
    struct blobs *blobs = NULL;
    struct attend how = { .threads = setting("DRIVE_THREADS", 2),
                          .attempt = setting("DRIVE_ATTEMPT", 1),
                          .still = setting("DRIVE_STILL", 0),
                          .stall_ms = setting("DRIVE_STALL_MS", 10000),
                          .wait_ms = setting("DRIVE_WAIT_MS", 2000),
                          .degraded = setting("DRIVE_DEGRADED", 0),
                          .keep_stderr = true,
                          .log = say };
    char uri[4096];
    int r;

    if (argc < 4) {
        fprintf(stderr, "usage: transcode-drive WORKER STORE put NAME FILE [GROW] | probe | run\n");
        return 2;
    }
    snprintf(uri, sizeof(uri), "file:%s", argv[2]);
    if (blobs_open(uri, &blobs) < 0) {
        fprintf(stderr, "no store at %s\n", argv[2]);
        return 2;
    }
    how.blobs = blobs;
    how.program = argv[1];
    if (strcmp(argv[3], "put") == 0 && argc >= 6)
        r = put(blobs, argv[4], argv[5], argc > 6 ? strtoull(argv[6], NULL, 10) : 0);
    else
        r = job(&how, strcmp(argv[3], "probe") == 0);
    blobs_close(&blobs);
    return r;
}
