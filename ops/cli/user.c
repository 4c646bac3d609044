/* user - accounts from the operator's side: list, add, change role or password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ops/cli/request.h"
#include "ops/cli/show.h"

/* A line from standard input, not echoed on a terminal. False at its end. */
static bool user_password(char *to, size_t size)
{
    struct termios old, quiet;
    bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
    if (terminal) {
        fputs("password: ", stderr);
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    bool got = fgets(to, (int)size, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
        fputc('\n', stderr);
    }
    to[got ? strcspn(to, "\r\n") : 0] = '\0';
    return got;
}

static int user_put(const struct cli *cli, json_t *request)
{
    json_t *reply;
    char *text = json_dumps(request, JSON_COMPACT);
    int code = request_json(&user_command, cli, "auth.put_user", text, &reply);
    if (code == EXIT_DONE && cli->json)
        show_print(reply, true);
    else if (code == EXIT_DONE)
        printf("%s  %s  %s\n", json_string_value(json_object_get(reply, "id")),
               json_string_value(json_object_get(reply, "email")),
               json_string_value(json_object_get(reply, "role")));
    free(text);
    json_decref(reply);
    return code;
}

static int user_list(const struct cli *cli)
{
    json_t *reply, *user;
    size_t i;
    int code = request_json(&user_command, cli, "auth.list_users", "{\"limit\":100}", &reply);
    if (code == EXIT_DONE && cli->json) {
        show_print(reply, true);
    } else if (code == EXIT_DONE) {
        json_array_foreach(json_object_get(reply, "items"), i, user) printf(
            "%s  %-9s  %s  %s\n", json_string_value(json_object_get(user, "id")),
            json_string_value(json_object_get(user, "role")), json_string_value(json_object_get(user, "email")),
            json_is_true(json_object_get(user, "disabled")) ? "(disabled)" : "");
    }
    json_decref(reply);
    return code;
}

static int user_run(const struct cli *cli, int argc, char **argv)
{
    char password[1100];
    const char *what = argc > 1 ? argv[1] : "";
    json_t *request;
    if (strcmp(what, "list") == 0 && argc == 2)
        return user_list(cli);
    if (strcmp(what, "role") == 0 && argc == 4) {
        request = json_pack("{s:s, s:s}", "email", argv[2], "role", argv[3]);
    } else if ((strcmp(what, "add") == 0 && (argc == 3 || argc == 4)) ||
               (strcmp(what, "password") == 0 && argc == 3)) {
        if (!user_password(password, sizeof(password)))
            return cli_usage(&user_command, "give the password on standard input, as one line");
        request = json_pack("{s:s, s:s}", "email", argv[2], "password", password);
        if (argc == 4)
            json_object_set_new(request, "role", json_string(argv[3]));
    } else {
        return cli_usage(&user_command, "say list, add, role or password, and whom");
    }
    if (!request)
        return cli_usage(&user_command, "the words must be UTF-8");
    int code = user_put(cli, request);
    json_decref(request);
    return code;
}

const struct command user_command = {
    "user", "list | add EMAIL [ROLE] | role EMAIL ROLE | password EMAIL",
    "Accounts: list them, make one, change a role or a password.",
    "  Roles are viewer, creator, moderator and admin. A password is read from standard input.", user_run
};
