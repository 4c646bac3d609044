/* call - one call by hand: JSON in, JSON out, by the schema of its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/request.h"
#include "ops/cli/show.h"
#include "schemas/wire/json.h"

enum { DEADLINE_MS = 30000 };

/* JSON text into the packed request; the field that is wrong is named. */
static int call_pack(const struct command *command, const struct registry_row *row, const char *text,
                     struct buf *out)
{
    struct arena *arena = arena_new();
    struct wire_error err = { 0 };
    json_t *json = NULL;
    void *object = row ? arena_alloc(arena, row->body->size) : NULL;
    int r = wire_json_parse(bytes_of_text(text), JSON_BODY_MAX, &json, &err);
    if (r == 0 && row)
        r = wire_from_json(row->body, json, arena, object, &err);
    if (r == 0 && row)
        r = wire_pack_err(row->body, object, out, &err);
    else if (r == 0) /* the broker's own: it describes itself */
        ask_pack(json, out);
    json_decref(json);
    arena_free(&arena);
    return r < 0 ? cli_usage(command, "%s%s%s", err.path, *err.path ? " " : "", err.sentence) : EXIT_DONE;
}

int request_json(const struct command *command, const struct cli *cli, const char *name, const char *text,
                 json_t **ret)
{
    const struct registry_row *row = show_find(name);
    struct buf body = { 0 }, reply = { 0 };
    *ret = NULL;
    if (row && row->kind != REGISTRY_CALL)
        return cli_usage(command, "'%s' is %s: only its owner says it, who keeps what belongs to it", name,
                         row->kind == REGISTRY_JOB     ? "a job"
                         : row->kind == REGISTRY_EVENT ? "an event"
                                                       : "a value");
    if (strncmp(name, "$sys.", 5) != 0 && !row)
        return cli_usage(command, "there is no call '%s'; `kinobus help --json` and /api/openapi.json list them",
                         name);
    int code = call_pack(command, row, text, &body);
    struct link *link = NULL;
    if (code == EXIT_DONE)
        code = link_open(cli, &link);
    if (link) {
        int r = link_call(link, name, buf_bytes(&body), DEADLINE_MS, &reply);
        if (r < 0)
            code = show_problem(name, r, buf_bytes(&reply));
        else
            *ret = show_body(row ? row->reply : NULL, buf_bytes(&reply));
    }
    link_close(&link);
    buf_free(&body);
    buf_free(&reply);
    return code;
}

static int call_run(const struct cli *cli, int argc, char **argv)
{
    json_t *reply;
    if (argc < 2 || argc > 3)
        return cli_usage(&call_command, "name a call, and its request as JSON");
    int code = request_json(&call_command, cli, argv[1], argc > 2 ? argv[2] : "{}", &reply);
    if (code == EXIT_DONE)
        show_print(reply, cli->json);
    json_decref(reply);
    return code;
}

const struct command call_command = { "call", "NAME [JSON]", "Call an actor by hand, as the operator.",
                                      "  kinobus call catalog.get_video '{\"id\":\"video_...\"}'\n"
                                      "  kinobus call '$sys.queues'",
                                      call_run };
