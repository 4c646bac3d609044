/* why - why a video is in the state it is in: what the catalog knows, and what the broker knows of its jobs. */
#include <stdio.h>
#include <string.h>

#include "ops/cli/ask.h"
#include "ops/cli/request.h"
#include "ops/cli/show.h"
#include "schemas/wire/id.h"

static void why_table(const json_t *why)
{
    const json_t *part;
    size_t i;
    printf("%s: %s\n", ask_text(why, "state"), ask_text(why, "sentence"));
    json_array_foreach(json_object_get(why, "parts"), i, part)
    {
        printf("  %-10s %-12s", ask_text(part, "what"), ask_text(part, "state"));
        if (*ask_text(part, "who"))
            printf(" by %s", ask_text(part, "who"));
        if (json_integer_value(json_object_get(part, "attempts")))
            printf(" attempt %lld", (long long)json_integer_value(json_object_get(part, "attempts")));
        if (*ask_text(part, "next_try_at"))
            printf(" next try %s", ask_text(part, "next_try_at"));
        printf(" %s\n", ask_text(part, "detail"));
    }
}

static void why_jobs_table(const json_t *jobs)
{
    const json_t *job;
    size_t i;
    json_array_foreach(jobs, i, job)
    {
        printf("  job        %-12s %s %lld", ask_text(job, "state"), ask_text(job, "queue"),
               (long long)json_integer_value(json_object_get(job, "seq")));
        if (*ask_text(job, "worker"))
            printf(" by %s", ask_text(job, "worker"));
        printf(" attempt %lld of %lld", (long long)json_integer_value(json_object_get(job, "attempts")),
               (long long)json_integer_value(json_object_get(job, "attempts_max")));
        if (*ask_text(job, "next_try_at"))
            printf(" next try %s", ask_text(job, "next_try_at"));
        if (*ask_text(job, "error"))
            printf(" last: %s %s", ask_text(job, "error"), ask_text(job, "detail"));
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
    if (code == EXIT_DONE && cli->json) {
        show_print(why, true);
    } else if (code == EXIT_DONE) {
        why_table(why);
        why_jobs_table(json_object_get(why, "jobs"));
    }
    json_decref(why);
    return code;
}

const struct command why_command = { "why", "VIDEO",
                                     "Why a video is not ready: who has it, the last message, the next try.", NULL,
                                     why_run };
