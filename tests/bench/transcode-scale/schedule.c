/* transcode_schedule - how long so many workers take for the runs of a video, when each lasts as long as it is said to.
 *
 *   transcode_schedule WORKERS < COSTS      prints the seconds of all runs added up, and those until the last has ended
 *
 * COSTS: the probe's answer as JSON in one line; then lines `kind NAME MS MORE`, a run of that kind takes MS for each frame and
 * MORE beside, and `run NUMBER MS`, that run takes so much. The catalog is the real one, in a store of its own: it plans,
 * releases its window and goes on as runs end. A worker that is free takes the job of the highest priority, as the
 * broker would give it; nothing else takes time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/wire/json.h"
#include "tests/actor/catalog/studio.h"

enum { WORKERS_MOST = 64, COSTS_MOST = 4096, LINE_MOST = 256 * 1024 };

struct kind_cost {
    char name[80];
    double per_frame, more; /* ms */
};

struct run_cost {
    uint64_t run;
    double ms;
};

static struct costs {
    struct kind_cost kinds[64];
    struct run_cost runs[COSTS_MOST];
    size_t kinds_n, runs_n;
} costs;

struct worker {
    bool busy;
    double until; /* ms from the beginning */
    struct encode_run job;
    struct id job_id;
};

static int wrong(const char *what)
{
    fprintf(stderr, "transcode_schedule: %s\n", what);
    return 1;
}

static void read_costs(char *line)
{
    while (fgets(line, LINE_MOST, stdin)) {
        struct kind_cost *kind = &costs.kinds[costs.kinds_n];
        struct run_cost *run = &costs.runs[costs.runs_n];
        unsigned long long number;

        if (costs.kinds_n < 63 &&
            sscanf(line, "kind %79s %lf %lf", kind->name, &kind->per_frame, &kind->more) == 3)
            costs.kinds_n++;
        else if (costs.runs_n < COSTS_MOST - 1 && sscanf(line, "run %llu %lf", &number, &run->ms) == 2) {
            run->run = number;
            costs.runs_n++;
        }
    }
}

/* Negative: nobody said. */
static double cost_of(const struct encode_run *job)
{
    static const char *const names[] = {
        [RUN_KIND_POSTER] = "poster0", [RUN_KIND_TEXT] = "text0", [RUN_KIND_BOARD] = "board0"
    };
    bool media = job->kind == RUN_KIND_VIDEO || job->kind == RUN_KIND_AUDIO;
    uint64_t frames = 0;
    char name[80];

    for (size_t i = 0; i < costs.runs_n; i++)
        if (costs.runs[i].run == job->run)
            return costs.runs[i].ms;
    for (size_t i = 0; i < job->segments_n; i++)
        frames += job->segments[i].frames;
    if (media)
        snprintf(name, sizeof(name), "%s%zu", job->renditions[0].dir, job->renditions_n);
    else
        snprintf(name, sizeof(name), "%s", names[job->kind]);
    for (size_t i = 0; i < costs.kinds_n; i++)
        if (strcmp(costs.kinds[i].name, name) == 0)
            return costs.kinds[i].per_frame * (double)frames /
                       (double)(media && job->renditions[0].fps_div ? job->renditions[0].fps_div : 1) +
                   costs.kinds[i].more;
    fprintf(stderr, "transcode_schedule: nobody said what a run of %s costs\n", name);
    return -1;
}

/* Those that are free take what there is; false: a run of unknown cost. */
static bool give_out(struct fake *f, struct worker *workers, unsigned n, double now, double *work)
{
    for (unsigned i = 0; i < n; i++) {
        struct worker *w = &workers[i];
        struct fake_sent *sent = w->busy ? NULL : fake_take(f, "transcode.encode_run");
        double ms;

        if (!sent)
            continue;
        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &w->job, NULL), 0);
        ms = cost_of(&w->job);
        if (ms < 0)
            return false;
        w->busy = true;
        w->until = now + ms;
        w->job_id = sent->job;
        *work += ms;
    }
    return true;
}

static struct worker *first_to_end(struct worker *workers, unsigned n)
{
    struct worker *first = NULL;

    for (unsigned i = 0; i < n; i++)
        if (workers[i].busy && (!first || workers[i].until < first->until))
            first = &workers[i];
    return first;
}

static int play(struct fake *f, unsigned n)
{
    const struct studio studio = { .proven = true };
    struct worker workers[WORKERS_MOST] = { 0 }, *first;
    double now = 0, work = 0;

    for (fake_settle(f); give_out(f, workers, n, now, &work) && (first = first_to_end(workers, n));
         fake_settle(f)) {
        fake_pass(f, (int64_t)first->until - (int64_t)now);
        now = first->until;
        first->busy = false;
        assert_int_equal(studio_answer(f, &first->job, first->job_id, &studio), 0);
    }
    if (!fake_count(f, "catalog.video_ready"))
        return wrong("the video did not become ready");
    printf("%.3f %.3f\n", work / 1000, now / 1000);
    return 0;
}

/* The probe's answer becomes that of the video that was just uploaded. */
static int plan(struct fake *f, const char *line)
{
    struct wire_error error = { 0 };
    struct fake_sent *asked;
    struct probe_done done;
    struct probe job;
    json_t *json = NULL;
    int r;

    studio_upload(f, 1 << 20);
    asked = fake_take(f, "transcode.probe");
    if (!asked || wire_unpack(&probe_type, asked->body, f->arena, &job, NULL) < 0)
        return wrong("the catalog does not ask for a probe");
    r = wire_json_parse(bytes_of_text(line), LINE_MOST, &json, &error);
    if (r == 0)
        r = wire_from_json(&probe_done_type, json, f->arena, &done, &error);
    json_decref(json);
    if (r < 0)
        return wrong(error.sentence);
    done.job_id = asked->job;
    done.video_id = job.video_id;
    done.version = job.version;
    return FAKE_CALL(f, catalog_on_probe_done, &done) == 0 ? 0 : wrong("the catalog takes no such probe");
}

int main(int argc, char **argv)
{
    static char line[LINE_MOST];
    unsigned n = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    void *state = NULL;
    char *probe;
    int r;

    if (!n || n > WORKERS_MOST || !fgets(line, sizeof(line), stdin))
        return wrong("usage: transcode_schedule WORKERS < COSTS, with 1 to 64 workers");
    probe = strdup(line);
    read_costs(line);
    if (!probe || fake_setup(&state) < 0)
        return wrong("no memory, or no folder for a store");
    ((struct fake *)state)->settings.sample_from_s = 0; /* what moments cost was not measured */
    r = plan(state, probe);
    if (r == 0)
        r = play(state, n);
    fake_teardown(&state);
    free(probe);
    return r;
}
