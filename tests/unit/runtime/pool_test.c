/* The pool's threads, for real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "actors/runtime/internal.h"
#include "tests/harness/patience.h"

#define WORKS 200

struct work {
    unsigned number, answer;
};

static int work_run(void *ctx)
{
    struct work *work = ctx;

    work->answer = work->number * 2;
    return work->number % 3 ? 0 : -1;
}

static struct message *work_new(unsigned number)
{
    struct message *message = message_new(MESSAGE_THEN, (struct bytes) { 0 });
    struct work *work = calloc(1, sizeof(*work));

    assert_non_null(work);
    work->number = number;
    message->ctx = work;
    message->ctx_len = sizeof(*work);
    return message;
}

static void all_work_comes_back_once_with_its_own_answer(void **state)
{
    struct pool *pool;
    unsigned done = 0, sum = 0;

    assert_int_equal(pool_new(3, false, &pool), 0);
    for (unsigned i = 0; i < WORKS; i++)
        pool_submit(pool, work_run, work_new(i));
    while (done < WORKS) {
        struct message *message;

        patience_await(pool_fd(pool));
        while ((message = pool_done(pool))) {
            const struct work *work = message->ctx;

            assert_int_equal(work->answer, work->number * 2);
            assert_int_equal(message->err, work->number % 3 ? 0 : -1);
            sum += work->number;
            done++;
            message_free(&message);
        }
    }
    assert_int_equal(sum, WORKS * (WORKS - 1) / 2);
    pool_free(&pool);
}

static void a_pool_that_ends_drops_what_waits(void **state)
{
    struct pool *pool;

    assert_int_equal(pool_new(1, false, &pool), 0);
    for (unsigned i = 0; i < WORKS; i++)
        pool_submit(pool, work_run, work_new(i));
    pool_free(&pool); /* the sanitizer counts what is left */
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_work_comes_back_once_with_its_own_answer),
        cmocka_unit_test(a_pool_that_ends_drops_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
