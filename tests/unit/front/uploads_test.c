/* The places of uploads: one writer each, so many at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "web/front/upload.h"

static struct id upload(uint8_t n)
{
    return (struct id) { { n } };
}

static void one_request_writes_to_an_upload(void **state)
{
    struct uploads *uploads = uploads_new(4);

    assert_int_equal(uploads_begin(uploads, upload(1)), 0);
    assert_int_equal(uploads_begin(uploads, upload(1)), ERR_LOCKED);
    assert_int_equal(uploads_begin(uploads, upload(2)), 0);
    uploads_end(uploads, upload(1));
    assert_int_equal(uploads_begin(uploads, upload(1)), 0);
    assert_int_equal(uploads_begin(uploads, upload(2)), ERR_LOCKED);
    uploads_free(&uploads);
    assert_null(uploads);
}

static void places_are_bounded_and_come_back(void **state)
{
    struct uploads *uploads = uploads_new(4);

    for (uint8_t i = 0; i < 2; i++)
        assert_int_equal(uploads_begin(uploads, upload(i)), 0);
    assert_false(uploads_crowded(uploads));
    assert_int_equal(uploads_begin(uploads, upload(2)), 0);
    assert_true(uploads_crowded(uploads));
    assert_int_equal(uploads_begin(uploads, upload(3)), 0);
    assert_int_equal(uploads_begin(uploads, upload(4)), ERR_BUSY);
    assert_int_equal(uploads_begin(uploads, upload(3)), ERR_LOCKED); /* before all places: it is the truer word */
    uploads_end(uploads, upload(9));
    assert_int_equal(uploads_begin(uploads, upload(4)), ERR_BUSY);
    uploads_end(uploads, upload(0));
    assert_int_equal(uploads_begin(uploads, upload(4)), 0);
    uploads_free(&uploads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_writes_to_an_upload),
        cmocka_unit_test(places_are_bounded_and_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
