/* mime - a mail as the bytes that a mail server is given (RFC 5322, 2045, 2047). Pure.
 *
 * Refuses    addresses with anything but one @ and plain characters, and control characters in a header:
 * nothing that
 *            came in a message begins a header of its own
 * Writes     the subject as encoded words where it is not plain ASCII, the text as quoted-printable; lines
 * of at most
 *            76 characters. The same mail gives the same bytes on every try */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/buf.h"

struct mime_mail {
    const char *from, *to, *subject, *body, *message_id;
    int64_t date_ms;
};

/* Appends to out. ERR_INVALID, and the name of the field that is wrong. */
int mime_write(const struct mime_mail *mail, struct buf *out, const char **ret_field);

bool mime_address_ok(const char *address);
