/* kinobus-validate - looks at a presentation as a strict player would, and says which rules of the checklist it breaks.
 *
 *     kinobus-validate [--json] DIR|FILE|URL [MPD-URL]
 *
 * DIR     a version of a video as it lies in the media store: the last edition of its master.m3u8 (else preview.m3u8, else
 *         manifest.mpd), and the MPD beside it. FILE: another playlist or MPD; what it names is looked for beneath its folder.
 * URL     of a multivariant playlist, a media playlist or an MPD, on any server; with MPD-URL both are compared.
 * Exit    0 nothing that must be is broken, 1 something is, 2 it could not look
 *
 * Two processes: the courier fetches (HTTP by libcurl, files beneath the one folder) and looks at no byte; the checker
 * parses what a stranger wrote, has no file, no network, bounded memory and CPU, and a short list of system calls
 * (jail.h). They share a socket pair. Nothing is changed, anywhere.
 *
 * Weak    nothing is decoded: a segment counts as independent by its NAL units (fragment.h). MPEG-TS, WebVTT in MP4 and
 *         AES-128 segments are fetched and weighed, not looked into. Low-latency tags are parsed, not judged. A checker
 *         that was taken over could have the courier ask any server over http. Growing playlists are read twice, at
 *         most one and a half target durations apart. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/validate/jail.h"
#include "ops/validate/limits.h"
#include "ops/validate/report.h"
#include "ops/validate/url.h"

enum { CLEAN = 0, BROKEN = 1, NOT_LOOKED = 2 };
enum { EDITIONS_MOST = 9 }; /* of the final playlists: with each further codec there is one */

struct job {
    char url[URL_MOST];
    const char *dash;
    int root; /* the folder, or -1 */
    bool json;
};

static int main_fail(const char *what, const char *why)
{
    fprintf(stderr, "kinobus-validate: %s: %s\n", what, why);
    return NOT_LOOKED;
}

/* ---- the checker */

static int checker_run(const struct job *job, int fd)
{
    const char *why;
    struct package *p;
    struct check *checks;
    unsigned broken;

    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (jail_enter(&fd, &why) < 0)
        return main_fail("the jail", why);
    p = package_load(fd, job->url, job->dash, &why);
    if (!p)
        return main_fail("nothing to judge", why);
    checks = calloc(rules_n, sizeof(*checks));
    if (!checks)
        return main_fail("checks", "no memory");
    check_all(p, checks);
    broken = report_print(p, checks, job->json);
    free(checks);
    package_free(&p);
    return fflush(stdout) != 0 ? NOT_LOOKED : broken ? BROKEN : CLEAN;
}

static int main_wait(pid_t checker)
{
    int status = 0;

    while (waitpid(checker, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr,
            "kinobus-validate: the checker was ended by signal %d (%s): it met a limit, or a fault of its own\n",
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    return NOT_LOOKED;
}

static int main_look(const struct job *job)
{
    int pair[2];
    pid_t checker;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return main_fail("socketpair", strerror(errno));
    checker = fork();
    if (checker < 0)
        return main_fail("fork", strerror(errno));
    if (checker == 0) {
        if (job->root >= 0)
            close(job->root);
        close(pair[0]);
        _exit(checker_run(job, pair[1]));
    }
    close(pair[1]);
    signal(SIGPIPE, SIG_IGN);
    (void)fetch_serve(pair[0], job->root);
    close(pair[0]);
    return main_wait(checker);
}

/* ---- words */

/* A folder's own entry, or the file that was named in its folder. */
static int job_folder(struct job *job, const char *path)
{
    static const char *const entries[] = { "master.m3u8", "preview.m3u8", "manifest.mpd" };
    const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;
    char *folder;

    job->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job->root >= 0) {
        for (unsigned n = EDITIONS_MOST; n > 1; n--) {
            char name[32];

            snprintf(name, sizeof(name), "master-%u.m3u8", n);
            snprintf(job->url, sizeof(job->url), "dir:///%s", name);
            if (faccessat(job->root, name, R_OK, 0) == 0)
                return 0;
        }
        for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
            if (faccessat(job->root, entries[i], R_OK, 0) == 0) {
                snprintf(job->url, sizeof(job->url), "dir:///%s", entries[i]);
                return 0;
            }
        return main_fail(path, "no master.m3u8, preview.m3u8 or manifest.mpd in it");
    }
    if (errno != ENOTDIR)
        return main_fail(path, strerror(errno));
    folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    job->root = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (job->root < 0)
        return main_fail(path, strerror(errno));
    snprintf(job->url, sizeof(job->url), "dir:///%s", leaf);
    return 0;
}

int main(int argc, char **argv)
{
    struct job job = { .root = -1 };
    const char *words[2] = { NULL, NULL };
    int n = 0, r = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            job.json = true;
        else if (n < 2 && argv[i][0] != '-')
            words[n++] = argv[i];
        else
            n = 3;
    }
    if (n < 1 || n > 2 || strlen(words[0]) >= URL_MOST ||
        (words[1] && (!url_is_http(words[1]) || !url_is_http(words[0])))) {
        fputs("usage: kinobus-validate [--json] DIR|FILE|URL [MPD-URL]\n", stderr);
        return NOT_LOOKED;
    }
    job.dash = words[1];
    if (strstr(words[0], "://"))
        snprintf(job.url, sizeof(job.url), "%s", words[0]);
    else
        r = job_folder(&job, words[0]);
    return r ? r : main_look(&job);
}
