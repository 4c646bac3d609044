/* The control protocol: what a worker says, in any order and length, against the parent that attends it. The worker's
 * end of the socketpair is held here instead of by a process; the store is a memory that keeps nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "actors/transcode/attend.h"
#include "actors/transcode/media/control.h"
#include "actors/transcode/spawn.h"
#include "gen/errors.h"
#include "tests/unit/transcode/short_run.h"

enum { LENGTH = 1 << 20 }; /* of the original */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *said;
static size_t said_len;

/* In a worker's place: all of the input at once, then the end. */
int __wrap_spawn_worker(const char *program, bool keep_stderr, struct spawned *ret);
int __wrap_spawn_worker(const char *program, bool keep_stderr, struct spawned *ret)
{
    struct timeval tick = { .tv_usec = 1000 };
    struct control_head hello = { sizeof(struct control_hello), CONTROL_HELLO, 0 };
    struct control_hello jail = { CONTROL_VERSION, 7, 15 };
    int pair[2], size = 4 << 20;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
    setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick));
    if (write(pair[1], &hello, sizeof(hello)) < 0 || write(pair[1], &jail, sizeof(jail)) < 0 ||
        send(pair[1], said, said_len, MSG_DONTWAIT) < 0)
        said_len = 0;
    shutdown(pair[1], SHUT_WR);
    *ret = (struct spawned) { .pid = pair[1], .fd = pair[0] };
    return 0;
}

void __wrap_spawn_reap(struct spawned *worker, bool kill_it);
void __wrap_spawn_reap(struct spawned *worker, bool kill_it)
{
    close(worker->fd);
    close(worker->pid);
}

int __wrap_blob_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);
int __wrap_blob_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    if (!blob_name_valid(name))
        abort(); /* no worker may choose a name */
    if (ret)
        *ret = (struct blob_info) { .size = data.len, .hashed = true };
    return 0;
}

int __wrap_blob_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got);
int __wrap_blob_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    memset(buf, 0, len);
    *ret_got = len;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attend how = { .program = "none", .stall_ms = 5, .wait_ms = 5 };
    struct short_run played;
    struct run_image image = { .name = (char *)(uintptr_t) "poster.jpg", .max_width = 160, .max_height = 90 };
    struct probe probe = { .prefix = "media/v/1", .parts = &played.source, .parts_n = 1, .length = LENGTH };
    struct attend_outcome outcome;
    struct arena *arena = arena_new();
    struct probe_done probed;
    struct run_done done;

    short_run_init(&played, "x");
    played.source.length = played.run.length = LENGTH;
    played.run.images = &image;
    played.run.images_n = 1;
    if (size > 1) {
        static const enum run_kind kinds[] = { RUN_KIND_VIDEO, RUN_KIND_AUDIO, RUN_KIND_POSTER, RUN_KIND_TEXT,
                                               RUN_KIND_BOARD };

        said = data + 1;
        said_len = size - 1;
        probe.video_id.b[0] = 1;
        played.run.kind = kinds[data[0] % 6 % 5];
        if (data[0] % 6 == 5)
            attend_probe(&how, &probe, arena, &probed, &outcome);
        else
            attend_run(&how, &played.run, arena, &done, &outcome);
    }
    arena_free(&arena);
    return 0;
}
