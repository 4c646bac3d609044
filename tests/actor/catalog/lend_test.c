/* lend_test - rights to the blobs: what a job is lent, to whom nothing is, and the keys they are made with. */
#include "tests/actor/catalog/studio.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/places/lend.h"
#include "actors/runtime/blob_right/blob_right.h"

#define DAY_MS    (24 * 3600 * INT64_C(1000))
#define KEYS_MOST 8

static const struct studio clip = { .seconds = 30, .width = 640, .height = 360, .sounds = 1, .proven = true };

static size_t keys(struct fake *f, struct blob_key_row ret[static KEYS_MOST])
{
    struct turn *t = fake_begin(f);
    struct table_walk walk;
    size_t n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &blob_key_row_table, TABLE_PRIMARY, NULL, 0, TABLE_DOWN,
                             (struct bytes) { 0 });

    assert_int_equal(r, 0);
    while (n < KEYS_MOST && table_walk_next(&walk, f->arena, &ret[n]) > 0)
        n++;
    table_walk_end(&walk);
    fake_end(f, 0);
    return n;
}

static int lend_for(struct fake *f, struct id job, struct lend_reply *reply)
{
    return FAKE_CALL(f, catalog_lend, &(struct lend) { .job_id = job }, reply);
}

/* Whether one of them, so meant, is good for that name. */
static bool opens(struct fake *f, const struct lend_reply *reply, enum lent_may may, const char *name)
{
    struct blob_key_row key[KEYS_MOST];
    bool good = false;

    assert_true(keys(f, key) > 0);
    for (size_t i = 0; i < reply->lent_n; i++) {
        struct blob_right right;

        assert_true(blob_right_read(reply->lent[i].right, &right));
        assert_int_equal(right.kid, key[0].kid);
        assert_int_equal(right.may == BLOB_RIGHT_READ, reply->lent[i].may == LENT_MAY_READ);
        assert_int_equal(right.expires_s, f->now / 1000 + (int64_t)f->settings.lend_s);
        good |= reply->lent[i].may == may && blob_right_verify(reply->lent[i].right, name, key[0].key.data);
    }
    return good;
}

static void lent_as_needed(struct fake *f, struct id video, struct id job)
{
    struct lend_reply reply = { 0 };
    char id[ID_TEXT_SIZE], name[200];

    id_format("video", video, id);
    assert_int_equal(lend_for(f, job, &reply), 0);
    snprintf(name, sizeof(name), "raw/%s/upload", id);
    assert_true(opens(f, &reply, LENT_MAY_READ, name));
    assert_false(opens(f, &reply, LENT_MAY_PUT_NEW, name));
    snprintf(name, sizeof(name), "media/%s/1/v/h264-360/000001.m4s", id);
    assert_true(opens(f, &reply, LENT_MAY_READ, name));
    assert_true(opens(f, &reply, LENT_MAY_PUT_NEW, name));
    snprintf(name, sizeof(name), "media/%s/2/v/h264-360/000001.m4s", id);
    assert_false(opens(f, &reply, LENT_MAY_READ, name));
    assert_false(opens(f, &reply, LENT_MAY_PUT_NEW, name));
    assert_false(opens(f, &reply, LENT_MAY_READ, "raw/video_01h455vb4pex5vsknk084sn02q/upload"));
}

static void a_probe_and_a_run_are_lent_what_they_need_and_no_more(void **state)
{
    struct fake *f = *state;
    struct id video = studio_upload(f, 1 << 20);
    struct fake_sent *sent;

    fake_settle(f);
    sent = fake_take(f, "transcode.probe");
    assert_non_null(sent);
    lent_as_needed(f, video, sent->job);
    sent->taken = false; /* the studio's */
    assert_true(studio_probe(f, &clip));
    fake_settle(f);
    sent = fake_take(f, "transcode.encode_run");
    assert_non_null(sent);
    lent_as_needed(f, video, sent->job);
}

static void nothing_is_lent_for_a_job_that_nobody_waits_for(void **state)
{
    struct fake *f = *state;
    struct id video = studio_upload(f, 1 << 20), probe;
    struct lend_reply reply = { 0 };
    struct fake_sent *sent;
    struct encode_run job;

    assert_int_equal(lend_for(f, fake_user(7), &reply), ERR_GONE);
    assert_int_equal(lend_for(f, ID_NONE, &reply), ERR_GONE);
    fake_settle(f);
    sent = fake_take(f, "transcode.probe");
    probe = sent->job;
    sent->taken = false;
    assert_true(studio_probe(f, &clip));
    assert_int_equal(lend_for(f, probe, &reply), ERR_GONE);
    fake_settle(f);
    sent = fake_take(f, "transcode.encode_run");
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(studio_answer(f, &job, sent->job, &clip), 0);
    assert_int_equal(lend_for(f, sent->job, &reply), ERR_GONE);
    sent = fake_take(f, "transcode.encode_run");
    assert_int_equal(lend_for(f, sent->job, &reply), 0);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video }), 0);
    assert_int_equal(lend_for(f, sent->job, &reply),
                     0); /* in the trash: it may be restored, and must not have failed */
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video, .now = true }), 0);
    assert_int_equal(lend_for(f, sent->job, &reply), ERR_GONE);
}

/* The clock's look at the keys, so much later. */
static void tend_after(struct fake *f, int64_t ms)
{
    struct turn *t;

    f->now += ms;
    t = fake_begin(f);
    assert_int_equal(fake_end(f, lend_tend(t)), 0);
}

static void keys_follow_each_other_and_old_ones_go(void **state)
{
    struct fake *f = *state;
    struct blob_key_row key[KEYS_MOST], first;

    fake_settle(f);
    assert_int_equal(keys(f, key), 1);
    first = key[0];
    fake_restart(f);
    fake_settle(f);
    assert_int_equal(keys(f, key), 1);
    assert_int_equal(key[0].kid, first.kid);
    tend_after(f, (int64_t)f->settings.blob_key_days * DAY_MS);
    assert_int_equal(keys(f, key), 2); /* the old one opens what was lent before */
    assert_int_equal(key[0].kid, first.kid + 1);
    assert_memory_equal(key[1].key.data, first.key.data, BLOB_RIGHT_KEY_SIZE);
    assert_memory_not_equal(key[0].key.data, first.key.data, BLOB_RIGHT_KEY_SIZE);
    tend_after(f, 32 * DAY_MS); /* what was lent by the first has ended since the second was made */
    assert_int_equal(keys(f, key), 2);
    assert_int_equal(key[1].kid, first.kid + 1);
    f->settings.blob_key_days = 1;
    for (unsigned day = 0; day < KEYS_MOST; day++)
        tend_after(f, DAY_MS);
    assert_in_range(keys(f, key), 2, 5); /* and never too many, however often they change */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_probe_and_a_run_are_lent_what_they_need_and_no_more, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lent_for_a_job_that_nobody_waits_for, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(keys_follow_each_other_and_old_ones_go, fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests_name("catalog_lend", tests, NULL, NULL);
}
