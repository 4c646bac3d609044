/* command - what every command of the `kinobus` program gets, and the table that they stand in.
 *
 * Exit codes: 0 done; 1 it failed, and stderr says why; 2 the words were wrong; 3 the platform is not running. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3 };

struct cli {
    const char *state; /* --state DIR; else KINOBUS_STATE; else ./var when it is there, else /var/lib/kinobus */
    const char *join;  /* --join FILE; else KINOBUS_JOIN; else NULL: the platform is on this host */
    bool json;         /* --json: for scripts */
    bool colour;       /* stdout is a terminal, and NO_COLOR is not set */
};

struct command {
    const char *name;
    const char *words;   /* behind the name in its usage line */
    const char *summary; /* one line, for the list */
    const char *help;    /* further lines, may be NULL */
    int (*run)(const struct cli *cli, int argc,
               char **argv); /* argv[0] is the command's name; answers an exit code */
};

/* Prints "kinobus: ..." on stderr and answers code. */
int cli_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A usage error of this command: the message, then its usage line. Answers EXIT_USAGE. */
int cli_usage(const struct command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* STATE/rest into path; false, with a message, when it does not fit. */
bool cli_path(const struct cli *cli, char *path, size_t size, const char *rest);
/* The folder of the pid files of a platform that was started, to be closed. Else an exit code, with a message. */
int cli_open_run(const struct cli *cli, int *ret_fd);

extern const struct command up_command, down_command, status_command, top_command, tail_command, trace_command,
    why_command, damaged_command, queue_command, dead_command, stream_command, group_command, service_command,
    peer_command, acl_command, call_command, user_command, config_command, chaos_command, backup_command,
    restore_command, version_command, key_command, validate_command, bench_command;
