/* why - why a video is in the state it is in: what the catalog knows, and what the broker knows of its jobs. */
#include <stdio.h>
#include <string.h>

#include "broker/client/mp.h"
#include "ops/cli/link.h"
#include "ops/cli/request.h"
#include "ops/cli/show.h"
#include "schemas/wire/id.h"

enum { DEADLINE_MS = 10000 };

static const char *why_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void why_table(const json_t *why)
{
    const json_t *part;
    size_t i;
    printf("%s: %s\n", why_text(why, "state"), why_text(why, "sentence"));
    json_array_foreach(json_object_get(why, "parts"), i, part)
    {
        printf("  %-10s %-12s", why_text(part, "what"), why_text(part, "state"));
        if (*why_text(part, "who"))
            printf(" by %s", why_text(part, "who"));
        if (json_integer_value(json_object_get(part, "attempts")))
            printf(" attempt %lld", (long long)json_integer_value(json_object_get(part, "attempts")));
        if (*why_text(part, "next_try_at"))
            printf(" next try %s", why_text(part, "next_try_at"));
        printf(" %s\n", why_text(part, "detail"));
    }
}

/* The jobs of this video, as the broker has them: who holds one, what went wrong last, when it is tried next. */
static json_t *why_jobs(const struct cli *cli, const char *video)
{
    struct buf request = { 0 }, reply = { 0 };
    json_t *jobs = NULL;
    struct link *link = link_open(cli);
    if (!link)
        return NULL;
    mp_put_map(&request, 1);
    mp_put_str(&request, "key");
    mp_put_str(&request, video);
    if (link_call(link, "$sys.why", buf_bytes(&request), DEADLINE_MS, &reply) == 0)
        jobs = show_body(NULL, buf_bytes(&reply));
    link_close(&link);
    buf_free(&request);
    buf_free(&reply);
    return jobs;
}

static void why_jobs_table(const json_t *jobs)
{
    const json_t *job;
    size_t i;
    json_array_foreach(jobs, i, job)
    {
        int leased = strcmp(why_text(job, "state"), "leased") == 0; /* the one under way counts */
        printf("  job        %-12s %s %lld", why_text(job, "state"), why_text(job, "queue"),
               (long long)json_integer_value(json_object_get(job, "seq")));
        if (*why_text(job, "worker"))
            printf(" by %s", why_text(job, "worker"));
        printf(" attempt %lld of %lld", (long long)json_integer_value(json_object_get(job, "attempts")) + leased,
               (long long)json_integer_value(json_object_get(job, "attempts_max")));
        if (*why_text(job, "error"))
            printf(" last: %s %s", why_text(job, "error"), why_text(job, "text"));
        putchar('\n');
    }
}

static int why_run(const struct cli *cli, int argc, char **argv)
{
    char request[128];
    struct id id;
    json_t *why;
    if (argc != 2)
        return cli_usage(&why_command, "name one video");
    if (id_parse("video", argv[1], &id) < 0)
        return cli_usage(&why_command, "'%s' is not the id of a video (video_ and 26 characters)", argv[1]);
    snprintf(request, sizeof(request), "{\"id\":\"%s\"}", argv[1]);
    int code = request_json(&why_command, cli, "catalog.why", request, &why);
    json_t *jobs = code == EXIT_DONE ? why_jobs(cli, argv[1]) : NULL;
    if (code == EXIT_DONE && cli->json) {
        if (jobs)
            json_object_set(why, "jobs", jobs);
        show_print(why, true);
    } else if (code == EXIT_DONE) {
        why_table(why);
        why_jobs_table(jobs);
    }
    json_decref(jobs);
    json_decref(why);
    return code;
}

const struct command why_command = { "why", "VIDEO",
                                     "Why a video is not ready: who has it, the last message, the next try.", NULL,
                                     why_run };
