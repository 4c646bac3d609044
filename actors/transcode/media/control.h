/* control - the messages on the one socketpair between the transcode parent and its jailed worker.
 *
 * Frame      u32 body length, u16 type, u16 slot, then the body; little-endian, both ends being one build on one host.
 *            The slot numbers the rendition, text or image that an output belongs to, and is 0 elsewhere.
 * Order      the parent sends JOB once and from then on only answers READs, each exactly once and in order. The worker
 *            shuts its jail by the terms of the job, says HELLO, and sends what it likes until DONE, its last word.
 * Trusts     the worker trusts the parent. The parent trusts nothing: lengths meet control_body_limit before any
 *            allocation, a type out of place ends the worker.
 * Weak spot  SEGMENT bodies are held whole on both sides: a segment is a few megabytes */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_VERSION    3u
#define CONTROL_READ_MAX   (1 << 20)   /* bytes that one READ may ask for */
#define CONTROL_OBJECT_MAX (256 << 20) /* a segment; the plan's own bound is far below */
#define CONTROL_REPORT_MAX (64 << 10)

enum control_type {
    /* parent to worker */
    CONTROL_JOB = 1, /* struct control_terms, then the packed job */
    CONTROL_DATA,    /* bytes at the offset of the READ it answers; may be fewer than asked, never none */
    CONTROL_WAIT,    /* nothing there yet: ask again */
    CONTROL_EOF,     /* at or past the end */
    CONTROL_GONE,    /* the original was deleted: give up */
    /* worker to parent */
    CONTROL_HELLO = 16, /* struct control_hello: the jail is shut */
    CONTROL_READ,       /* struct control_read */
    CONTROL_INIT,       /* initialisation of the slot's rendition */
    CONTROL_SEGMENT,    /* u32 number, then the bytes */
    CONTROL_TEXT,       /* u32 cues, then a WebVTT file */
    CONTROL_IMAGE,      /* u32 width, u32 height, then the bytes */
    CONTROL_INDEX,      /* rows of 24 bytes */
    CONTROL_PROGRESS,   /* struct control_progress */
    CONTROL_LOG,        /* u32 level, then text */
    CONTROL_REPORT,     /* packed probe_done or run_done; the parent fills in what it saw itself */
    CONTROL_DONE,       /* u32 enum control_end, then a sentence when it is not CONTROL_OK */
};

enum control_end {
    CONTROL_OK,      /* REPORT and all outputs were sent */
    CONTROL_REFUSED, /* the input can never be decoded as asked */
    CONTROL_FAILED,  /* something else went wrong; another try may help */
    CONTROL_IS_GONE, /* answered GONE */
    CONTROL_NO_JAIL, /* the jail could not be shut, or leaked: nothing was read */
    CONTROL_END_COUNT,
};

enum control_kind { CONTROL_PROBE = 1, CONTROL_RUN = 2 };
enum control_log { CONTROL_LOG_ERROR, CONTROL_LOG_WARNING, CONTROL_LOG_INFO, CONTROL_LOG_COUNT };

struct control_terms {
    uint32_t version;
    uint32_t kind;     /* enum control_kind */
    uint32_t threads;  /* cores to plan for */
    uint32_t attempt;  /* 1 for the first; later ones decode more patiently */
    uint32_t degraded; /* start without Landlock where the kernel has none */
    uint32_t nice;     /* how much lower than its parent's the worker's priority is */
    uint32_t cpu_s;    /* RLIMIT_CPU */
    uint32_t zero;
    uint64_t memory;       /* RLIMIT_AS */
    uint64_t output_bytes; /* all outputs together */
    uint64_t
        still; /* pictures: GOPs of the run that are not decoded, a bit each; the picture before them stays up */
};

struct control_hello {
    uint32_t version;
    uint32_t landlock_abi; /* 0: none */
    uint32_t jail;         /* bits of enum control_jail that hold */
};

enum control_jail {
    CONTROL_JAIL_LIMITS = 1,
    CONTROL_JAIL_LANDLOCK = 2,
    CONTROL_JAIL_SECCOMP = 4,
    CONTROL_JAIL_PROVED = 8, /* open, connect, fork and exec were tried from inside, and failed */
};

struct control_read {
    uint64_t offset;
    uint32_t length;
    uint32_t zero;
};

struct control_progress {
    uint64_t work; /* grows whenever anything was decoded or encoded */
    uint64_t done; /* frames of the grid that every rendition has */
};

struct control_head {
    uint32_t length;
    uint16_t type;
    uint16_t slot;
};

/* Sends one frame, its body in two pieces (either may be NULL with length 0). 0, or -errno; never SIGPIPE. */
int control_send(int fd, enum control_type type, unsigned slot, const void *a, size_t a_len, const void *b,
                 size_t b_len);

/* Receives exactly len bytes, waiting as long as it takes: 0, -ECONNRESET at the other end's close, or -errno. */
int control_recv(int fd, void *buf, size_t len);

/* The most bytes a body of this type may have, coming from that side; -1 when the type does not come from there. */
int64_t control_body_limit(bool from_worker, unsigned type);

/* Less than this a body of the type never has. */
size_t control_body_least(unsigned type);
