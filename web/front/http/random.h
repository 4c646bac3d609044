/* random - bytes for ids of requests and traces: unlikely to come twice, and no secret. The kernel is asked for many at a
 * time, as each request wants some. Any thread. */
#pragma once

#include <stddef.h>

void random_bytes(void *to, size_t len); /* at most 64 */
