/* Shares: each client's own, and what is given back can be taken again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "web/front/share.h"

static void each_client_has_its_own_share(void **state)
{
    struct share *share = share_new(8);

    assert_true(share_take(share, "10.0.0.1", 2));
    assert_true(share_take(share, "10.0.0.1", 2));
    assert_false(share_take(share, "10.0.0.1", 2));
    assert_true(share_take(share, "10.0.0.2", 2));
    share_give_back(share, "10.0.0.1");
    assert_true(share_take(share, "10.0.0.1", 2));
    assert_false(share_take(share, "10.0.0.1", 2));
    assert_false(share_take(share, "10.0.0.1", 1)); /* a bound that was lowered meanwhile */
    share_free(&share);
    assert_null(share);
}

static void who_is_sent_nothing_is_forgotten(void **state)
{
    struct share *share = share_new(2);

    assert_true(share_take(share, "a", 1));
    assert_true(share_take(share, "b", 1));
    assert_false(share_take(share, "c", 1));
    share_give_back(share, "x"); /* it has none */
    share_give_back(share, "a");
    assert_true(share_take(share, "c", 1));
    share_give_back(share, "b");
    share_give_back(share, "c");
    assert_true(share_take(share, "a", 1));
    assert_true(share_take(share, "b", 1));
    share_free(&share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_client_has_its_own_share),
        cmocka_unit_test(who_is_sent_nothing_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
