/* smtp - one try to hand a mail to a mail server, by libcurl. It blocks, and belongs on a thread of the pool.
 *
 * What it needs and what came of it is one flat block of bytes, that can be copied and thrown away by
 * whoever has it. */
#pragma once

#include <stdbool.h>

#include "gen/fetcher.h"
#include "schemas/wire/buf.h"

enum { SMTP_SAID = 300 };

struct smtp_try {
    enum smtp_tls tls;
    long timeout_s;
    size_t url, user, password_file, from, to, message; /* where each text begins, from the start of the block */
    size_t message_len;

    long code;            /* the server's last answer; 0: none */
    char said[SMTP_SAID]; /* its last line, or what went wrong */
};

/* Appends a block to an empty buf. */
void smtp_try_make(struct buf *block, const struct fetcher_settings *settings, const char *from, const char *to,
                   struct bytes message);

/* 0: the server took it. ERR_INVALID: it refused it for good. ERR_UNAVAILABLE: not now. Thread-safe. */
int smtp_try(struct smtp_try *block);
