/* patience - see patience.h */
#include "tests/harness/patience.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void patience_await(int fd)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
}
