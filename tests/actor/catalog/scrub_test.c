/* scrub_test - what lies in the store is held against what it should be. */
#include "tests/actor/catalog/studio.h"

#include <stdio.h>
#include <string.h>

enum { A_DAY = 24 * 3600 * 1000 };

static const char *segment_name(struct id video, unsigned number, char to[200])
{
    char id[ID_TEXT_SIZE];

    snprintf(to, 200, "media/%s/1/v/%06u.m4s", id_format("video", video, id), number);
    return to;
}

static void put(struct fake *f, const char *name, const char *text)
{
    assert_int_equal(blob_put(f->self.blobs, name, bytes_of_text(text), NULL), 0);
}

static void put_segment(struct fake *f, struct id video, unsigned number, const char *text)
{
    char name[200];
    struct blob_info info;
    struct turn *t = fake_begin(f);
    struct segment_row row = {
        .video_id = video, .version = 1, .dir = "v", .number = number, .size = strlen(text)
    };

    assert_int_equal(blob_put_new(f->self.blobs, segment_name(video, number, name), bytes_of_text(text), &info),
                     0);
    row.hash = bytes_of(info.hash, sizeof(info.hash));
    assert_int_equal(fake_end(f, segment_row_put(turn_txn(t), &row)), 0);
}

/* Time for a whole pass, a second at a time: each of its steps waits for the clock. */
static void pass(struct fake *f)
{
    fake_pass(f, A_DAY);
    for (unsigned i = 0; i < 30; i++)
        fake_pass(f, 1000);
}

static size_t damaged(struct fake *f, struct damaged ret[8])
{
    struct list_damage_reply reply = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_list_damage, &(struct list_damage) { .limit = 8 }, &reply), 0);
    for (size_t i = 0; i < reply.items_n; i++)
        ret[i] = reply.items[i];
    return reply.items_n;
}

static int scrub_setup(void **state)
{
    int r = fake_setup(state);

    if (r == 0)
        ((struct fake *)*state)->settings.scrub_kib_per_s = 4096;
    return r;
}

static void what_is_damaged_is_told_once_and_forgotten_when_it_is_whole(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload),
              other = studio_film(f, "another one", &(struct upload) { 0 });
    struct why_reply why = { 0 };
    struct damaged found[8];
    char name[200];

    put_segment(f, video, 1, "segment 1");
    put_segment(f, video, 2, "segment 2");
    put_segment(f, other, 1, "other one");
    pass(f);
    assert_int_equal(f->counters[CATALOG_SCRUBBED_OBJECTS], 5);
    assert_int_equal(f->counters[CATALOG_SCRUBBED_BYTES], 3 * 9 + 2 * 11);
    assert_int_equal(damaged(f, found), 0);

    put(f, segment_name(video, 2, name), "segment Z");          /* a bit that turned */
    put(f, segment_name(other, 1, name), "other one and more"); /* what nobody wrote */
    assert_int_equal(blob_delete(f->self.blobs, upload.blob), 0);
    pass(f);
    assert_int_equal(fake_count(f, "catalog.object_damaged"), 3);
    assert_int_equal(damaged(f, found), 3);
    assert_string_equal(found[0].name, segment_name(video, 2, name));
    assert_int_equal(found[0].damage, DAMAGE_CHANGED);
    assert_string_equal(found[1].name, upload.blob);
    assert_int_equal(found[1].damage, DAMAGE_MISSING);
    assert_int_equal(found[2].damage, DAMAGE_CHANGED);
    assert_true(FAKE_CALL(f, catalog_why, &(struct why) { .id = video }, &why) >= 0);
    size_t at = 0;
    while (at < why.parts_n && strcmp(why.parts[at].what, "bytes") != 0)
        at++;
    assert_true(at < why.parts_n);
    assert_string_equal(why.parts[at].state, "damaged");
    assert_non_null(strstr(why.parts[at].detail, "000002.m4s is changed"));

    pass(f);
    assert_int_equal(fake_count(f, "catalog.object_damaged"), 3); /* it is known */
    put(f, segment_name(video, 2, name), "segment 2");
    pass(f);
    assert_int_equal(damaged(f, found), 2);
    assert_int_equal(f->counters[CATALOG_OBJECTS_DAMAGED], 3);
}

/* Of an original the sum stands beside it: each of its bits counts. */
static void every_bit_of_an_original_counts(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    char text[] = "eight bytes and more";
    struct damaged found[8];

    studio_film(f, text, &upload);
    for (size_t bit = 0; bit < 8 * strlen(text); bit += 7) {
        text[bit / 8] ^= (char)(1 << bit % 8);
        put(f, upload.blob, text);
        pass(f);
        assert_int_equal(damaged(f, found), 1);
        text[bit / 8] ^= (char)(1 << bit % 8);
        put(f, upload.blob, text);
        pass(f);
        assert_int_equal(damaged(f, found), 0);
    }
}

/* Nobody made a sum while it came: the catalog did when it was complete. */
static void an_original_without_a_sum_beside_it_is_known_by_its_video(void **state)
{
    static const char zeros[4096];
    struct fake *f = *state;
    struct create_upload make = { .length = sizeof(zeros), .has_length = true };
    struct damaged found[8];
    struct upload upload;
    struct blob_grow *grow;
    char changed[sizeof(zeros)] = "";
    uint64_t frontier;

    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &make, &upload), 0);
    assert_int_equal(blob_grow_open(f->self.blobs, upload.blob, &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, zeros, sizeof(zeros)), 0);
    assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    blob_grow_close(&grow);
    fake_pass(f, 6000);
    fake_settle(f);
    pass(f);
    assert_int_equal(damaged(f, found), 0);
    changed[sizeof(changed) - 1] = 1;
    assert_int_equal(blob_put(f->self.blobs, upload.blob, bytes_of(changed, sizeof(changed)), NULL), 0);
    pass(f);
    assert_int_equal(damaged(f, found), 1);
    assert_int_equal(found[0].damage, DAMAGE_CHANGED);
}

static void it_reads_no_more_than_it_may(void **state)
{
    static char text[300001];
    struct fake *f = *state;
    struct upload upload;
    uint64_t before;

    memset(text, 'x', sizeof(text) - 1);
    f->settings.scrub_kib_per_s = 64;
    studio_film(f, text, &upload);
    pass(f);
    before = f->counters[CATALOG_SCRUBBED_BYTES];
    assert_int_equal(before, 300000);
    fake_pass(f, A_DAY);
    for (unsigned second = 1; second <= 3; second++) {
        fake_pass(f, 1000);
        assert_true(f->counters[CATALOG_SCRUBBED_BYTES] - before <= 64 * 1024 * (second + 11));
    }
    assert_true(f->counters[CATALOG_SCRUBBED_BYTES] < 2 * 300000 + 1);
    f->settings.scrub_kib_per_s = 0;
    pass(f);
    before = f->counters[CATALOG_SCRUBBED_BYTES];
    pass(f);
    assert_int_equal(f->counters[CATALOG_SCRUBBED_BYTES], before);
}

static void what_was_deleted_meanwhile_is_no_damage(void **state)
{
    struct fake *f = *state;
    struct damaged found[8];
    struct upload upload;
    struct id video = studio_film(f, "soon gone", &upload);

    assert_int_equal(blob_delete(f->self.blobs, upload.blob), 0);
    pass(f);
    assert_int_equal(damaged(f, found), 1);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video, .now = true }), 0);
    fake_settle(f);
    pass(f);
    assert_int_equal(damaged(f, found), 0);
}

static void a_disk_that_was_full_loses_nothing_that_was_found(void **state)
{
    struct fake *f = *state;

    for (unsigned n = 1, left = 0; left == 0; n++) {
        struct damaged found[8];
        struct upload upload;
        struct id video = studio_film(f, "an original", &upload);

        put_segment(f, video, 1, "segment 1");
        assert_int_equal(blob_delete(f->self.blobs, upload.blob), 0);
        f->full_at = n;
        pass(f);
        left = f->full_at;
        f->full_at = 0;
        if (damaged(f, found) != 1 || strcmp(found[0].name, upload.blob) != 0)
            fail_msg("what was found is not told: the disk was full in turn %u", n);
        assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video, .now = true }),
                         0);
        fake_settle(f);
        assert_true(n < 1000);
    }
}

static void a_pass_goes_on_where_a_restart_met_it(void **state)
{
    struct fake *f = *state;
    struct upload upload;

    for (unsigned i = 0; i < 4; i++)
        studio_film(f, "of four", &upload);
    fake_pass(f, A_DAY);
    fake_pass(f, 500);
    fake_restart(f);
    f->settings.scrub_kib_per_s = 4096;
    for (unsigned i = 0; i < 30; i++)
        fake_pass(f, 1000);
    assert_in_range(f->counters[CATALOG_SCRUBBED_OBJECTS], 4, 5); /* the one it was at once more */
}

#define with_scrub(test) cmocka_unit_test_setup_teardown(test, scrub_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_scrub(what_is_damaged_is_told_once_and_forgotten_when_it_is_whole),
        with_scrub(every_bit_of_an_original_counts),
        with_scrub(an_original_without_a_sum_beside_it_is_known_by_its_video),
        with_scrub(it_reads_no_more_than_it_may),
        with_scrub(what_was_deleted_meanwhile_is_no_damage),
        with_scrub(a_disk_that_was_full_loses_nothing_that_was_found),
        with_scrub(a_pass_goes_on_where_a_restart_met_it),
    };

    return cmocka_run_group_tests_name("catalog_scrub", tests, NULL, NULL);
}
