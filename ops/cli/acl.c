/* acl - whether a role may say something on the bus, and by which row of the policy. */
#include <stdio.h>
#include <string.h>

#include "broker/client/frame.h"
#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"

static int acl_show(const struct cli *cli, char **argv, const json_t *answer)
{
    bool allowed = json_is_true(json_object_get(answer, "allowed"));
    const char *rule = ask_text(answer, "rule"), *on = !cli->colour ? "" : allowed ? TABLE_CYAN : TABLE_RED;
    if (cli->json)
        show_print((json_t *)answer, true);
    else
        printf("%s%s%s: %s may %s%s %s (%s%s)\n", on, allowed ? "yes" : "no", *on ? TABLE_OFF : "", argv[2],
               allowed ? "" : "not ", argv[3], argv[4], *rule ? "row: " : "no row allows it", rule);
    return allowed ? EXIT_DONE : EXIT_FAILED;
}

static int acl_run(const struct cli *cli, int argc, char **argv)
{
    struct buf body = { 0 }, reply = { 0 };
    struct link *link;
    if (argc != 5 || strcmp(argv[1], "check") != 0)
        return cli_usage(&acl_command, "say check, a role, a verb and a name");
    if (!frame_verb_of(bytes_of_text(argv[3])))
        return cli_usage(&acl_command, "'%s' is no verb", argv[3]);
    if (!frame_name_ok(bytes_of_text(argv[4])))
        return cli_usage(&acl_command, "'%s' is no name: words of a-z 0-9 _ - with dots between", argv[4]);
    int code = link_open(cli, &link);
    if (code != EXIT_DONE)
        return code;
    json_t *request = json_pack("{s:s, s:s, s:s}", "role", argv[2], "verb", argv[3], "name", argv[4]),
           *answer = NULL;
    ask_pack(request, &body);
    json_decref(request);
    int r = link_call(link, "$sys.acl", buf_bytes(&body), 10000, &reply);
    if (r == 0)
        answer = show_body(NULL, buf_bytes(&reply));
    code = r == 0               ? acl_show(cli, argv, answer)
           : r == ERR_NOT_FOUND ? cli_fail(EXIT_USAGE, "no row of the policy names the role '%s'", argv[2])
                                : show_problem("$sys.acl", r, buf_bytes(&reply));
    json_decref(answer);
    link_close(&link);
    buf_free(&body);
    buf_free(&reply);
    return code;
}

const struct command acl_command = { "acl", "check ROLE VERB NAME",
                                     "Whether a role may say something, and which row of the policy says so.",
                                     "  VERB   call offer put take append follow set watch tap\n"
                                     "  Exit code 0: it may; 1: it may not.\n"
                                     "  kinobus acl check front call catalog.create_video",
                                     acl_run };
