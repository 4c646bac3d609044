/* boxes_test - the outbox and the inbox. */
#include "tests/unit/store/fixture.h"

#include "data/store/inbox.h"
#include "data/store/outbox.h"
#include "schemas/wire/arena.h"

static struct arena *arena;

static int setup(void **state)
{
    struct fixture *f;

    if (fixture_setup(state))
        return -1;
    f = *state;
    arena = arena_new();
    return outbox_open(f->store) || inbox_open(f->store);
}

static int teardown(void **state)
{
    arena_free(&arena);
    return fixture_teardown(state);
}

static struct store_txn *writing(struct fixture *f)
{
    struct store_txn *txn;

    assert_int_equal(store_begin_write(f->store, &txn), 0);
    return txn;
}

static uint64_t put_row(struct store_txn *txn, const char *target)
{
    struct outbox_row row = { .kind = OUTBOX_EVENT,
                              .target = target,
                              .at = 5,
                              .head = bytes_of_text("head"),
                              .body = bytes_of_text("body") };
    uint64_t seq = 0;

    assert_int_equal(outbox_put(txn, &row, &seq), 0);
    return seq;
}

static void rows_leave_in_the_order_they_came(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct outbox_row row;

    assert_int_equal(outbox_next(txn, arena, 0, &row), ERR_NOT_FOUND);
    assert_int_equal(put_row(txn, "a.one"), 1);
    assert_int_equal(put_row(txn, "a.two"), 2);
    assert_int_equal(outbox_next(txn, arena, 0, &row), 0);
    assert_int_equal(row.seq, 1);
    assert_string_equal(row.target, "a.one");
    assert_int_equal(row.kind, OUTBOX_EVENT);
    assert_int_equal(row.at, 5);
    assert_true(bytes_equal(row.head, bytes_of_text("head")) && bytes_equal(row.body, bytes_of_text("body")));
    assert_int_equal(outbox_next(txn, arena, 1, &row), 0);
    assert_string_equal(row.target, "a.two");
    assert_int_equal(outbox_next(txn, arena, 2, &row), ERR_NOT_FOUND);
    assert_int_equal(outbox_next(txn, arena, UINT64_MAX, &row), ERR_NOT_FOUND);
    assert_int_equal(store_commit(&txn), 0);
}

static void a_seq_is_never_used_twice(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    unsigned deleted;
    uint64_t n;

    for (int i = 0; i < 5; i++)
        put_row(txn, "a.b");
    assert_int_equal(outbox_del_upto(txn, 4, 2, &deleted), 0);
    assert_int_equal(deleted, 2);
    assert_int_equal(outbox_del_upto(txn, 5, 100, &deleted), 0);
    assert_int_equal(deleted, 3);
    assert_int_equal(outbox_del(txn, 5), 0);
    assert_int_equal(outbox_count(txn, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_commit(&txn), 0);
    fixture_reopen(f);
    assert_int_equal(outbox_open(f->store), 0);
    txn = writing(f);
    assert_int_equal(put_row(txn, "a.b"), 6);
    assert_int_equal(store_commit(&txn), 0);
}

static void a_refused_row_is_kept_aside_with_the_reason(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct outbox_refusal refusal;
    struct outbox_row row;
    uint64_t n;

    put_row(txn, "a.one");
    put_row(txn, "a.two");
    assert_int_equal(outbox_refuse(txn, 1, 99, ERR_FORBIDDEN, "no such right"), 0);
    assert_int_equal(outbox_refuse(txn, 1, 99, ERR_FORBIDDEN, "again"), ERR_NOT_FOUND);
    assert_int_equal(outbox_next(txn, arena, 0, &row), 0);
    assert_int_equal(row.seq, 2);
    assert_int_equal(outbox_refused_count(txn, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(outbox_refused_next(txn, arena, 0, &refusal), 0);
    assert_int_equal(refusal.row.seq, 1);
    assert_int_equal(refusal.err, ERR_FORBIDDEN);
    assert_int_equal(refusal.refused_at, 99);
    assert_string_equal(refusal.why, "no such right");
    assert_string_equal(refusal.row.target, "a.one");
    assert_int_equal(outbox_refused_del(txn, 1), 0);
    assert_int_equal(outbox_refused_next(txn, arena, 0, &refusal), ERR_NOT_FOUND);
    assert_int_equal(store_commit(&txn), 0);
}

static void a_cursor_belongs_to_one_broker_store(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct id first = { .b = { 1 } }, second = { .b = { 2 } };
    uint64_t seq = 0;

    assert_int_equal(inbox_cursor_get(txn, "catalog", first, &seq), ERR_NOT_FOUND);
    assert_int_equal(inbox_cursor_set(txn, "catalog", first, 41), 0);
    assert_int_equal(inbox_cursor_set(txn, "catalog", first, 42), 0);
    assert_int_equal(inbox_cursor_get(txn, "catalog", first, &seq), 0);
    assert_int_equal(seq, 42);
    assert_int_equal(inbox_cursor_get(txn, "catalog", second, &seq), ERR_NOT_FOUND);
    assert_int_equal(inbox_cursor_get(txn, "catalo", first, &seq), ERR_NOT_FOUND);
    assert_int_equal(store_commit(&txn), 0);
}

static const struct inbox_key key_a = { .subject = { .b = { 7 } },
                                        .method = "catalog.create_video",
                                        .key = "k-1" };

static void a_reply_is_found_until_it_expires(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct inbox_reply in = { .result = ERR_CONFLICT,
                              .expires = 1000,
                              .request = "0123456789abcde",
                              .body = bytes_of_text("reply") },
                       out;
    struct inbox_key other = key_a;

    assert_int_equal(inbox_reply_put(txn, &key_a, &in), 0);
    assert_int_equal(inbox_reply_get(txn, arena, &key_a, 999, &out), 0);
    assert_int_equal(out.result, ERR_CONFLICT);
    assert_memory_equal(out.request, in.request, 16);
    assert_true(bytes_equal(out.body, bytes_of_text("reply")));
    assert_int_equal(inbox_reply_get(txn, arena, &key_a, 1000, &out), ERR_NOT_FOUND);
    other.subject.b[0] = 8; /* another account's key is another key */
    assert_int_equal(inbox_reply_get(txn, arena, &other, 999, &out), ERR_NOT_FOUND);
    other = key_a;
    other.method = "catalog.create_upload";
    assert_int_equal(inbox_reply_get(txn, arena, &other, 999, &out), ERR_NOT_FOUND);
    assert_int_equal(store_commit(&txn), 0);
}

static void the_sweep_takes_what_is_due_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct inbox_reply reply = { .expires = 1000 };
    struct inbox_key key = key_a;
    char text[16];
    unsigned n;

    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof(text), "k-%d", i);
        key.key = text;
        reply.expires = 1000 + i;
        assert_int_equal(inbox_reply_put(txn, &key, &reply), 0);
    }
    key.key = "k-0"; /* put again, it lives longer: the sweep must not take it at its old time */
    reply.expires = 5000;
    assert_int_equal(inbox_reply_put(txn, &key, &reply), 0);
    assert_int_equal(inbox_sweep(txn, 1004, 3, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(inbox_sweep(txn, 1004, 100, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(inbox_reply_get(txn, arena, &key, 1004, &reply), 0);
    assert_int_equal(inbox_sweep(txn, 9999, 100, &n), 0);
    assert_int_equal(n, 6);
    assert_int_equal(store_commit(&txn), 0);
}

static void a_parked_event_holds_back_its_key_alone(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct inbox_parked event = { .stream = "transcode",
                                  .key = "v1",
                                  .seq = 5,
                                  .at = 9,
                                  .err = ERR_CORRUPT,
                                  .why = "bad",
                                  .head = bytes_of_text("h"),
                                  .body = bytes_of_text("b") },
                        out, next;
    uint64_t n;

    assert_int_equal(inbox_park(txn, &event), 0);
    event.seq = 9;
    assert_int_equal(inbox_park(txn, &event), 0);
    event.key = "v2";
    event.seq = 7;
    assert_int_equal(inbox_park(txn, &event), 0);
    assert_int_equal(inbox_parked_count(txn, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(inbox_parked_next(txn, arena, "transcode", "v", NULL, &out), ERR_NOT_FOUND);
    assert_int_equal(inbox_parked_next(txn, arena, "transcode", "v1", NULL, &out), 0);
    assert_int_equal(out.seq, 5);
    assert_string_equal(out.why, "bad");
    assert_true(bytes_equal(out.head, bytes_of_text("h")) && bytes_equal(out.body, bytes_of_text("b")));
    assert_int_equal(inbox_parked_next(txn, arena, "transcode", "v1", &out, &next), 0);
    assert_int_equal(next.seq, 9);
    assert_int_equal(inbox_parked_next(txn, arena, "transcode", "v1", &next, &out), ERR_NOT_FOUND);
    assert_int_equal(inbox_parked_next(txn, arena, NULL, NULL, &next, &out), 0);
    assert_string_equal(out.key, "v2");
    assert_int_equal(inbox_parked_del(txn, "transcode", "v1", 5), 0);
    assert_int_equal(inbox_parked_del(txn, "transcode", "v1", 5), 0);
    assert_int_equal(inbox_parked_next(txn, arena, "transcode", "v1", NULL, &out), 0);
    assert_int_equal(out.seq, 9);
    assert_int_equal(store_commit(&txn), 0);
}

static void every_box_is_scrubbed(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);
    struct store_report report;
    struct store_db *db;
    uint8_t key[8] = { [7] = 1 };

    put_row(txn, "a.b");
    assert_int_equal(store_commit(&txn), 0);
    assert_int_equal(store_verify(f->store, &report), 0);
    assert_int_equal(report.bad_rows, 0);
    assert_int_equal(store_db(f->store, "$outbox", &db), 0);
    txn = writing(f);
    assert_int_equal(store_put(txn, db, bytes_of(key, 8), bytes_of_text("nothing sealed")), 0);
    assert_int_equal(store_commit(&txn), 0);
    assert_int_equal(store_verify(f->store, &report), 0);
    assert_int_equal(report.bad_rows, 1);
}

/* State, outbox row and cursor of one turn: all of it or none of it. */
static int one_turn(struct fixture *f, uint64_t n)
{
    struct outbox_row row = { .kind = OUTBOX_JOB, .target = "q.j", .body = bytes_of(&n, sizeof(n)) };
    struct store_txn *txn = NULL;
    int r = store_begin_write(f->store, &txn);

    if (r == 0)
        r = store_put(txn, f->t, bytes_of_text("state"), bytes_of(&n, sizeof(n)));
    if (r == 0)
        r = outbox_put(txn, &row, NULL);
    if (r == 0)
        r = inbox_cursor_set(txn, "s", (struct id) { .b = { 1 } }, n);
    if (r == 0)
        return store_commit(&txn);
    store_abort(&txn);
    return r;
}

static void check_turn(struct fixture *f)
{
    struct store_txn *txn = writing(f);
    struct outbox_row row = { .seq = 0 };
    uint64_t state = 0, cursor = 0, told = 0;
    struct bytes view;

    if (store_get(txn, f->t, bytes_of_text("state"), &view) == 0)
        memcpy(&state, view.data, sizeof(state));
    if (inbox_cursor_get(txn, "s", (struct id) { .b = { 1 } }, &cursor))
        cursor = 0;
    while (outbox_next(txn, arena, row.seq, &row) == 0)
        memcpy(&told, row.body.data, sizeof(told));
    assert_int_equal(state, cursor);
    assert_int_equal(state, told);
    store_abort(&txn);
}

static void whichever_call_fails_a_turn_is_whole_or_nothing(void **state)
{
    struct fixture *f = *state;
    unsigned n;

    for (n = 1; store_fault_arm(n, n % 2 ? STORE_FAULT_LOST : STORE_FAULT_COMMITTED); n++) {
        int r = one_turn(f, n);

        if (r == 0)
            break;
        if (r == ERR_OUTCOME_UNKNOWN) {
            fixture_reopen(f);
            assert_int_equal(outbox_open(f->store) || inbox_open(f->store), 0);
        }
        check_turn(f);
    }
    store_fault_disarm();
    assert_true(n > 6);
    check_turn(f);
}

#define with_boxes(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_boxes(rows_leave_in_the_order_they_came),
        with_boxes(a_seq_is_never_used_twice),
        with_boxes(a_refused_row_is_kept_aside_with_the_reason),
        with_boxes(a_cursor_belongs_to_one_broker_store),
        with_boxes(a_reply_is_found_until_it_expires),
        with_boxes(the_sweep_takes_what_is_due_and_no_more),
        with_boxes(a_parked_event_holds_back_its_key_alone),
        with_boxes(every_box_is_scrubbed),
        with_boxes(whichever_call_fails_a_turn_is_whole_or_nothing),
    };

    return cmocka_run_group_tests_name("store_boxes", tests, NULL, NULL);
}
