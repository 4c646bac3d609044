/* Generated from schemas/errors.toml by schemas/compile. Change the schema, not this file. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum err {
    ERR_BUSY   = -1,   /* HTTP 503, retryable: Later. */
    ERR_EXISTS = -2,   /* HTTP 409: It is there. */
};

const char *err_name(int err);         /* "ERR_BUSY"; "OK" for 0 and above; "ERR_?" for what is none */
const char *err_slug(int err);         /* "busy": the last part of a problem document's type */
const char *err_title(int err);        /* one sentence for a person */
int err_http(int err);                 /* 503 */
bool err_retryable(int err);           /* the same request may succeed later, and was not carried out */
uint16_t err_to_bus(int err);          /* the code on the wire; 200 for 0 */
int err_from_bus(uint16_t code);       /* 0 for 200 and 202; ERR_INTERNAL for what is unknown */
int err_from_slug(const char *slug);   /* 0: no such error */
int err_from_code(uint64_t code);      /* a code as stored (1..999); ERR_INTERNAL for what is unknown */
