/* s3_stage - an S3 store for tests: tests/harness/s3_store.py as a child, or the one whose URI KINOBUS_TEST_S3 tells. */
#pragma once

#include "data/blobs/s3.h"
#include "tests/harness/patience.h"
#include "tests/unit/blobs/conform.h"

/* words: for s3_store.py; NULL ends the list. What is told is answered once it holds. */
const char *s3_start(const char *const words[]); /* its URI */
void s3_stop(void);
/* The same for a group of cmocka's tests that all use one store, begun without words; between them s3_uri() is its URI. */
int s3_group_setup(void **state);
int s3_group_teardown(void **state);
const char *s3_uri(void);
void s3_tell(const char *json);

/* PUT of so many equal bytes to a URL, as a client does it that has no credentials: the status of the answer. */
int s3_put_url(const char *url, char byte, size_t len);

struct blobs *s3_open(const char *uri, unsigned patience_ms, const atomic_bool *cancel);
