/* link - the worker's end of the control socketpair.
 *
 * Any thread may send; a frame leaves whole. Only the thread that demuxes reads. When the parent is gone nothing is
 * left to do: every function here then ends the process. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/transcode/media/control.h"

#define LINK_FD 0 /* the inherited end */

struct link_read_result {
    enum control_type answer; /* CONTROL_DATA, CONTROL_EOF or CONTROL_GONE; WAIT is waited out inside */
    size_t length;
};

/* Receives JOB: terms, and the packed job in memory of its own (never freed: the worker lives for one job). */
void link_receive_job(struct control_terms *terms, const void **ret_job, size_t *ret_len);

/* Up to len bytes at offset, asking again while the parent answers WAIT: the parent decides how long that may go on. */
struct link_read_result link_read(uint64_t offset, void *buf, size_t len);

void link_send(enum control_type type, unsigned slot, const void *a, size_t a_len, const void *b, size_t b_len);
void link_log(enum control_log level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds to what was done so far; tells the parent now and then. done: frames of the grid finished, or 0 to leave it. */
void link_progress(unsigned work, uint64_t done);

/* What the calling thread is called in top -H. */
void link_name_thread(const char *name);

/* The last word: sends DONE and ends the process without unwinding anything. */
_Noreturn void link_done(enum control_end end, const char *format, ...) __attribute__((format(printf, 2, 3)));
