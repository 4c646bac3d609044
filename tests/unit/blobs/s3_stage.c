/* s3_stage - see s3_stage.h */
#include "tests/unit/blobs/s3_stage.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct {
    pid_t pid;
    FILE *to, *from;
    char uri[1024];
    const char *at; /* that, or somebody else's store */
} store;

static void hear(char *line, size_t size)
{
    if (!fgets(line, (int)size, store.from)) {
        fprintf(stderr, "tests/harness/s3_store.py said nothing: is there a python3?\n");
        abort();
    }
    line[strcspn(line, "\n")] = 0;
}

const char *s3_start(const char *const words[])
{
    const char *argv[8] = { "python3", "tests/harness/s3_store.py" };
    posix_spawn_file_actions_t io;
    int in[2], out[2];

    store.at = getenv("KINOBUS_TEST_S3");
    if (store.at)
        return store.at;
    for (unsigned i = 0; words[i]; i++)
        argv[2 + i] = words[i];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        abort();
    posix_spawn_file_actions_init(&io);
    posix_spawn_file_actions_adddup2(&io, in[0], 0);
    posix_spawn_file_actions_adddup2(&io, out[1], 1);
    if (posix_spawnp(&store.pid, argv[0], &io, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        abort();
    posix_spawn_file_actions_destroy(&io);
    close(in[0]);
    close(out[1]);
    store.to = fdopen(in[1], "w");
    store.from = fdopen(out[0], "r");
    hear(store.uri, sizeof(store.uri));
    store.at = store.uri;
    return store.at;
}

void s3_stop(void)
{
    if (!store.pid)
        return;
    fclose(store.to);
    fclose(store.from);
    waitpid(store.pid, NULL, 0);
    store.pid = 0;
}

int s3_group_setup(void **state)
{
    static const char *const words[] = { NULL };

    s3_start(words);
    return 0;
}

int s3_group_teardown(void **state)
{
    s3_stop();
    return 0;
}

const char *s3_uri(void)
{
    return store.at;
}

void s3_tell(const char *json)
{
    char ok[64];

    fprintf(store.to, "%s\n", json);
    fflush(store.to);
    hear(ok, sizeof(ok));
    assert_string_equal(ok, "ok");
}

int s3_put_url(const char *url, char byte, size_t len)
{
    char command[4096], answer[16] = "";
    FILE *curl;

    snprintf(command, sizeof(command),
             "head -c %zu /dev/zero | tr '\\0' '%c' | "
             "curl -s -o /dev/null -w '%%{http_code}' -X PUT -H Content-Type: --data-binary @- '%s'",
             len, byte, url);
    curl = popen(command, "r"); /* NOLINT(cert-env33-c): words of tests alone */
    if (!curl || !fgets(answer, sizeof(answer), curl))
        abort();
    pclose(curl);
    return (int)strtol(answer, NULL, 10);
}

struct blobs *s3_open(const char *uri, unsigned patience_ms, const atomic_bool *cancel)
{
    const struct blobs_s3_options how = { .connect_ms = PATIENCE_MS,
                                          .quiet_s = PATIENCE_S,
                                          .patience_ms = patience_ms,
                                          .ahead = 1 << 20,
                                          .lines = 4,
                                          .part_mib = 5,
                                          .cancel = cancel };
    struct blobs *blobs = NULL;
    char error[S3_SAID_MAX] = "";

    if (blobs_s3_open(uri, &how, &blobs, error) < 0)
        fprintf(stderr, "%s\n", error);
    assert_non_null(blobs);
    return blobs;
}
