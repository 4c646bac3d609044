/* blob_stage - a front in this process that serves a folder of blobs, handles of the http backend that come to it, and requests
 * made by hand. Its keys of rights are known here: 1 and 2. */
#pragma once

#include "tests/unit/blobs/conform.h"

#include "actors/runtime/blob_right/blob_right.h"
#include "data/blobs/http.h"
#include "tests/harness/patience.h"
#include "web/front/front.h"

extern struct front_settings settings;
extern struct front front;

int start_front(void **state);
int stop_front(void **state);

/* A struct conform for each test, over a folder that the front serves meanwhile. */
int http_setup(void **state);
int http_teardown(void **state);
struct blobs *http_another(struct conform *c);
struct blobs *open_http(unsigned patience_ms); /* without a right */

const char *right_of(char to[static BLOB_RIGHT_SIZE], unsigned kid, enum blob_right_may may, const char *folder,
                     int64_t expires_s);
int64_t soon(void); /* seconds since 1970, a while from now */

struct answer {
    int status;
    char text[4096];
};

int dial(void); /* a connection to the front */
struct answer ask(const char *method, const char *right, const char *name, const char *headers, const char *body);
struct answer hear(int fd); /* until it is closed, which closes it here */
int get(const char *right, const char *name);
int put(const char *right, const char *name, const char *body); /* with its length and hash */

#define with_http(test) cmocka_unit_test_setup_teardown(test, http_setup, http_teardown)
