/* status - the processes of a platform and the memory they take, from pid files and /proc: it needs no bus.
 *
 * rss leaves out the pages of mapped stores: they are the page cache's, given back whenever the kernel wants them, and
 * have a column of their own. pss counts a page that n processes share as 1/n in each. */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/cli/command.h"
#include "ops/cli/show.h"
#include "ops/process/pidfile.h"

enum { ROWS_MOST = 160 };

struct status_row {
    char name[64];
    struct pidfile process;
    bool lives;
    double up_s;
    unsigned long rss_kb, store_kb, pss_kb;
};

/* Adds up what /proc/PID/smaps says; a mapping of data.mdb is a store. */
static void status_memory(struct status_row *row)
{
    char path[64], line[PATH_MAX + 128];
    snprintf(path, sizeof(path), "/proc/%d/smaps", (int)row->process.pid);
    FILE *f = fopen(path, "re");
    bool store = false;
    while (f && fgets(line, sizeof(line), f)) {
        unsigned long kb;
        if (sscanf(line, "Rss: %lu kB", &kb) == 1) {
            if (store)
                row->store_kb += kb;
            else
                row->rss_kb += kb;
        } else if (sscanf(line, "Pss: %lu kB", &kb) == 1) {
            row->pss_kb += store ? 0 : kb;
        } else if (!isupper((unsigned char)line[0])) { /* a mapping's first line begins with its address */
            store = strstr(line, "/data.mdb") != NULL;
        }
    }
    if (f)
        fclose(f);
}

static double status_uptime(const struct pidfile *process)
{
    double since_boot = 0;
    FILE *f = fopen("/proc/uptime", "re");
    if (f) {
        if (fscanf(f, "%lf", &since_boot) != 1)
            since_boot = 0;
        fclose(f);
    }
    return since_boot - (double)process->starttime / (double)sysconf(_SC_CLK_TCK);
}

static int status_compare(const void *a, const void *b)
{
    return strcmp(((const struct status_row *)a)->name, ((const struct status_row *)b)->name);
}

static size_t status_read(int run, struct status_row *rows)
{
    size_t n = 0;
    int copy = dup(run);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    for (struct dirent *entry; dir && n < ROWS_MOST && (entry = readdir(dir));) {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".pid") != 0)
            continue;
        struct status_row *row = &rows[n++];
        *row = (struct status_row) { 0 };
        snprintf(row->name, sizeof(row->name), "%.*s", (int)(dot - entry->d_name), entry->d_name);
        row->lives = pidfile_read(run, row->name, &row->process);
        if (row->lives) {
            row->up_s = status_uptime(&row->process);
            status_memory(row);
        }
    }
    if (dir)
        closedir(dir);
    qsort(rows, n, sizeof(*rows), status_compare);
    return n;
}

static void status_json(const struct status_row *rows, size_t n, const struct status_row *sum)
{
    json_t *processes = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct status_row *row = &rows[i];
        json_array_append_new(processes,
                              json_pack("{s:s,s:i,s:b,s:f,s:i,s:I,s:I,s:I}", "name", row->name, "pid",
                                        (int)row->process.pid, "alive", row->lives, "uptime_s",
                                        (double)(int64_t)(row->up_s * 10) / 10, "restarts",
                                        (int)row->process.restarts, "rss_kb", (json_int_t)row->rss_kb, "store_kb",
                                        (json_int_t)row->store_kb, "pss_kb", (json_int_t)row->pss_kb));
    }
    show_pack("{s:o,s:I,s:I,s:I}", "processes", processes, "rss_kb", (json_int_t)sum->rss_kb, "store_kb",
              (json_int_t)sum->store_kb, "pss_kb", (json_int_t)sum->pss_kb);
}

static void status_table(const struct cli *cli, const struct status_row *rows, size_t n,
                         const struct status_row *sum)
{
    printf("%-16s %8s %9s %8s %9s %9s %9s\n", "PROCESS", "PID", "UP", "RESTARTS", "RSS MB", "STORE MB", "PSS MB");
    for (size_t i = 0; i < n; i++) {
        const struct status_row *row = &rows[i];
        const char *on = cli->colour && !row->lives ? "\033[31m" : "", *off = *on ? "\033[0m" : "";
        if (row->lives)
            printf("%-16s %8d %8.0fs %8u %9.1f %9.1f %9.1f\n", row->name, (int)row->process.pid, row->up_s,
                   row->process.restarts, (double)row->rss_kb / 1024, (double)row->store_kb / 1024,
                   (double)row->pss_kb / 1024);
        else
            printf("%s%-16s %8s %9s %8u%s\n", on, row->name, "-", "down", row->process.restarts, off);
    }
    printf("%-16s %8s %9s %8s %9.1f %9.1f %9.1f\n", "in all", "", "", "", (double)sum->rss_kb / 1024,
           (double)sum->store_kb / 1024, (double)sum->pss_kb / 1024);
}

static int status_run(const struct cli *cli, int argc, char **argv)
{
    static struct status_row rows[ROWS_MOST];
    struct status_row sum = { 0 };
    bool all = true, any = false;
    if (argc > 1)
        return cli_usage(&status_command, "unknown word '%s'", argv[1]);
    int run, code = cli_open_run(cli, &run);
    if (code != EXIT_DONE)
        return code;
    size_t n = status_read(run, rows);
    close(run);
    for (size_t i = 0; i < n; i++) {
        all = all && rows[i].lives;
        any = any || rows[i].lives;
        sum.rss_kb += rows[i].rss_kb;
        sum.store_kb += rows[i].store_kb;
        sum.pss_kb += rows[i].pss_kb;
    }
    if (cli->json)
        status_json(rows, n, &sum);
    else
        status_table(cli, rows, n, &sum);
    return !any ? EXIT_NOT_RUNNING : all ? EXIT_DONE : EXIT_FAILED;
}

const struct command status_command = {
    "status", "", "The processes, how long they are up, and the memory they take.",
    "  RSS leaves out the pages of mapped stores, which have a column of their own.\n"
    "  PSS shares a page among the processes that map it.",
    status_run
};
