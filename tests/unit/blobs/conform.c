/* conform - see conform.h */
#include "tests/unit/blobs/conform.h"

#include <pthread.h>
#include <unistd.h>

#define OBJECT_SIZE  ((size_t)3 * 1024 * 1024 + 17)
#define WRITTEN_SIZE ((size_t)11 * 1024 * 1024 + 3) /* more than one part of a store that takes parts */
#define THREADS      8

static conform_open_fn *open_another;

static bool offers(const struct conform *c, enum conform_offer what)
{
    return (c->offers & what) != 0;
}

static int put_text(struct blobs *blobs, const char *name, const char *text, struct blob_info *ret)
{
    return blob_put_new(blobs, name, bytes_of_text(text), ret);
}

static bool holds(struct blobs *blobs, const char *name, const char *text)
{
    char buf[256];
    size_t got = 0;

    return blob_read(blobs, name, 0, buf, sizeof(buf), &got) == 0 && got == strlen(text) &&
           memcmp(buf, text, got) == 0;
}

static unsigned count_there(struct conform *c, const char *prefix)
{
    unsigned n = 0;

    assert_int_equal(blob_list(c->there, prefix, count_one, &n), 0);
    return n;
}

/* Nothing but objects lies there. */
static void no_debris(struct conform *c)
{
    debris = 0;
    if (*c->folder.dir)
        nftw(c->folder.dir, count_debris, 8, FTW_PHYS);
    else
        assert_int_equal(blobs_sweep(c->there, 0, &debris), 0);
    assert_int_equal(debris, 0);
}

static void put_new_never_replaces_and_answers_what_lies_there(void **state)
{
    struct conform *c = *state;
    struct blob_info first = { 0 }, second = { 0 };

    assert_int_equal(put_text(c->blobs, "media/v/1/a.m4s", "first", &first), 0);
    assert_true(first.hashed && first.size == 5 && !first.growing);
    assert_int_equal(put_text(c->blobs, "media/v/1/a.m4s", "second!", &second), ERR_EXISTS);
    assert_true(second.hashed && second.size == 5 && !second.growing);
    assert_memory_equal(first.hash, second.hash, BLOB_HASH_SIZE);
    assert_int_equal(put_text(c->blobs, "media/v/1/a.m4s", "third", NULL), ERR_EXISTS);
    assert_true(holds(c->blobs, "media/v/1/a.m4s", "first"));
    assert_true(holds(c->there, "media/v/1/a.m4s", "first"));
    assert_int_equal(count_there(c, ""), 1);
    no_debris(c);
}

static void the_hash_is_blake2b_of_the_bytes(void **state)
{
    static const uint8_t abc[BLOB_HASH_SIZE] = { /* BLAKE2b-256("abc") */
                                                 0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72, 0x31, 0x71, 0xef,
                                                 0x3f, 0xee, 0x98, 0x57, 0x9b, 0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb,
                                                 0x3e, 0x42, 0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19
    };
    struct conform *c = *state;
    uint8_t hash[BLOB_HASH_SIZE];
    struct blob_info info;

    assert_int_equal(put_text(c->blobs, "media/v/1/a", "abc", &info), 0);
    assert_memory_equal(info.hash, abc, sizeof(abc));
    if (!offers(c, CONFORM_HASH)) {
        assert_int_equal(blob_hash(c->blobs, "media/v/1/a", hash), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(blob_hash(c->blobs, "media/v/1/a", hash), 0);
    assert_memory_equal(hash, abc, sizeof(abc));
}

static void put_replaces_in_one_step(void **state)
{
    struct conform *c = *state;

    if (!offers(c, CONFORM_PUT)) {
        assert_int_equal(blob_put(c->blobs, "media/v/m.m3u8", bytes_of_text("one"), NULL), ERR_UNSUPPORTED);
        assert_int_equal(count_there(c, ""), 0);
        return;
    }
    assert_int_equal(blob_put(c->blobs, "media/v/m.m3u8", bytes_of_text("one"), NULL), 0);
    assert_int_equal(blob_put(c->blobs, "media/v/m.m3u8", bytes_of_text("other"), NULL), 0);
    assert_true(holds(c->blobs, "media/v/m.m3u8", "other"));
    assert_int_equal(count_there(c, ""), 1);
}

static void names_that_could_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "/media/v/a",
                                       "media/v/",
                                       "media//v/a",
                                       "../media/v/a",
                                       "media/v/../../raw/w/a",
                                       "media/v/.",
                                       "media/v/.hidden",
                                       "media/v/.t.1",
                                       "media/v/A",
                                       "media/v/%2e%2e/a",
                                       "media/v/a b",
                                       "media/v/a?b",
                                       "media/v/a#b",
                                       "media\\v\\a",
                                       "media/v/b\n",
                                       "media/v/\xc3\xa4",
                                       "media/v/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17" };
    struct conform *c = *state;
    struct blob_info info;
    size_t got;
    char byte;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(put_text(c->blobs, bad[i], "x", NULL), ERR_INVALID);
        assert_int_equal(blob_read(c->blobs, bad[i], 0, &byte, 1, &got), ERR_INVALID);
        assert_int_equal(blob_stat(c->blobs, bad[i], &info), ERR_INVALID);
        assert_int_equal(blob_delete(c->blobs, bad[i]), offers(c, CONFORM_DELETE) ? ERR_INVALID : ERR_UNSUPPORTED);
    }
    assert_int_equal(count_there(c, ""), 0);
}

static void ranges_are_read_exactly(void **state)
{
    struct conform *c = *state;
    struct blob_info info;
    char buf[8];
    size_t got;

    assert_int_equal(put_text(c->there, "raw/v/a", "0123456789", NULL), 0);
    assert_int_equal(blob_read(c->blobs, "raw/v/a", 4, buf, 3, &got), 0);
    assert_int_equal(got, 3);
    assert_memory_equal(buf, "456", 3);
    assert_int_equal(blob_read(c->blobs, "raw/v/a", 8, buf, sizeof(buf), &got), 0);
    assert_int_equal(got, 2);
    assert_memory_equal(buf, "89", 2);
    assert_int_equal(blob_read(c->blobs, "raw/v/a", 0, buf, 1, &got), 0); /* and back again */
    assert_int_equal(buf[0], '0');
    assert_int_equal(blob_read(c->blobs, "raw/v/a", 10, buf, 1, &got), ERR_EOF);
    assert_int_equal(blob_read(c->blobs, "raw/v/a", (uint64_t)1 << 62, buf, 1, &got), ERR_EOF);
    assert_int_equal(blob_read(c->blobs, "raw/v/b", 0, buf, 1, &got), ERR_NOT_FOUND);
    assert_int_equal(blob_stat(c->blobs, "raw/v/a", &info), 0);
    assert_true(info.size == 10 && !info.growing && info.modified > 0);
    assert_int_equal(blob_stat(c->blobs, "raw/v/b", &info), ERR_NOT_FOUND);
}

static void large_objects_come_back_as_they_were(void **state)
{
    struct conform *c = *state;
    uint8_t *data = malloc(OBJECT_SIZE), *back = malloc(OBJECT_SIZE);
    uint32_t word = 1;
    size_t got;

    for (size_t i = 0; i < OBJECT_SIZE; i++)
        data[i] = (uint8_t)((word = word * 1664525 + 1013904223) >> 24);
    assert_int_equal(blob_put_new(c->blobs, "media/v/1/large", bytes_of(data, OBJECT_SIZE), NULL), 0);
    for (size_t at = 0; at < OBJECT_SIZE; at += got) { /* in uneven pieces, one after the other */
        size_t most = OBJECT_SIZE - at < 200000 ? OBJECT_SIZE - at : 200000;

        assert_int_equal(blob_read(c->blobs, "media/v/1/large", at, back + at, most, &got), 0);
        assert_true(got > 0 && got <= most);
    }
    assert_memory_equal(data, back, OBJECT_SIZE);
    for (size_t at = OBJECT_SIZE; at > 100000; at -= 100000) { /* and backwards */
        uint8_t piece[64];

        assert_int_equal(blob_read(c->blobs, "media/v/1/large", at - 100000, piece, sizeof(piece), &got), 0);
        assert_int_equal(got, sizeof(piece));
        assert_memory_equal(piece, data + at - 100000, sizeof(piece));
    }
    free(data);
    free(back);
}

static void an_empty_object_is_one(void **state)
{
    struct conform *c = *state;
    struct blob_info info = { 0 };
    size_t got;
    char byte;

    assert_int_equal(put_text(c->blobs, "media/v/1/empty", "", &info), 0);
    assert_int_equal(info.size, 0);
    assert_int_equal(blob_stat(c->blobs, "media/v/1/empty", &info), 0);
    assert_int_equal(blob_read(c->blobs, "media/v/1/empty", 0, &byte, 1, &got), ERR_EOF);
    assert_int_equal(put_text(c->blobs, "media/v/1/empty", "x", NULL), ERR_EXISTS);
}

static void a_growing_object_is_read_up_to_its_frontier(void **state)
{
    struct conform *c = *state;
    struct blob_info info;
    struct blob_grow *g;
    uint64_t frontier;
    char buf[16];
    size_t got;

    if (!offers(c, CONFORM_SEES_GROWING)) {
        assert_int_equal(blob_grow_open(c->there, "raw/v/1", &g, &frontier), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(blob_grow_open(c->there, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "hello ", 6), 0);
    assert_int_equal(blob_read(c->blobs, "raw/v/1", 0, buf, sizeof(buf), &got), ERR_WAIT); /* not durable yet */
    assert_int_equal(blob_grow_sync(g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "world", 5), 0);
    assert_int_equal(blob_read(c->blobs, "raw/v/1", 0, buf, sizeof(buf), &got), 0);
    assert_int_equal(got, 6);
    assert_memory_equal(buf, "hello ", 6);
    assert_int_equal(blob_read(c->blobs, "raw/v/1", 6, buf, 1, &got), ERR_WAIT);
    assert_int_equal(blob_read(c->blobs, "raw/v/1", 600, buf, 1, &got), ERR_WAIT);
    assert_int_equal(blob_stat(c->blobs, "raw/v/1", &info), 0);
    assert_true(info.growing && info.size == 6);
    assert_int_equal(blob_grow_sync(g, &frontier), 0);
    assert_int_equal(blob_read(c->blobs, "raw/v/1", 6, buf, sizeof(buf), &got), 0);
    assert_int_equal(got, 5);
    assert_int_equal(blob_grow_seal(&g, NULL), 0);
    assert_true(holds(c->blobs, "raw/v/1", "hello world"));
    assert_int_equal(blob_read(c->blobs, "raw/v/1", 11, buf, 1, &got), ERR_EOF);
    assert_int_equal(blob_stat(c->blobs, "raw/v/1", &info), 0);
    assert_true(!info.growing && info.size == 11);
}

static void only_who_offers_it_writes_growing_objects(void **state)
{
    struct conform *c = *state;
    struct blob_told told;
    struct blob_grow *g;
    uint64_t frontier;

    if (!offers(c, CONFORM_GROW)) {
        assert_int_equal(blob_grow_open(c->blobs, "raw/v/1", &g, &frontier), ERR_UNSUPPORTED);
        assert_int_equal(blob_told(c->blobs, "raw/v/1", &told), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(blob_grow_open(c->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(blob_told(c->blobs, "raw/v/1", &told), ERR_WAIT);
    assert_int_equal(blob_grow_seal(&g, NULL), 0);
    assert_int_equal(blob_told(c->blobs, "raw/v/1", &told), 0);
    assert_int_equal(blob_grow_open(c->blobs, "raw/v/1", &g, &frontier), ERR_EXISTS);
}

static void lists_name_everything_below_a_folder(void **state)
{
    struct conform *c = *state;
    struct blob_grow *g = NULL;
    uint64_t frontier;
    unsigned n = 0;

    assert_int_equal(put_text(c->blobs, "media/v/1/a", "x", NULL), 0);
    if (!offers(c, CONFORM_LIST)) {
        assert_int_equal(blob_list(c->blobs, "", count_one, &n), ERR_UNSUPPORTED);
        assert_int_equal(blobs_sweep(c->blobs, 0, &n), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(put_text(c->blobs, "media/v/1/b/c", "x", NULL), 0);
    assert_int_equal(put_text(c->blobs, "media/v/10/a", "x", NULL), 0);
    if (offers(c, CONFORM_SEES_GROWING))
        assert_int_equal(blob_grow_open(c->there, "raw/v/1", &g, &frontier), 0);
    else
        assert_int_equal(put_text(c->blobs, "raw/v/1", "x", NULL), 0);
    assert_int_equal(blob_list(c->blobs, "", count_one, &n), 0);
    assert_int_equal(n, 4);
    n = 0;
    assert_int_equal(blob_list(c->blobs, "media/v/1/", count_one, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(blob_list(c->blobs, "none/", count_one, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(blob_list(c->blobs, "media/v", count_one, &n), ERR_INVALID);
    if (g)
        blob_grow_close(&g);
}

static void what_is_deleted_is_gone_and_may_be_deleted_again(void **state)
{
    struct conform *c = *state;

    assert_int_equal(put_text(c->blobs, "media/v/1/a", "x", NULL), 0);
    if (!offers(c, CONFORM_DELETE)) {
        assert_int_equal(blob_delete(c->blobs, "media/v/1/a"), ERR_UNSUPPORTED);
        assert_int_equal(blob_delete_tree(c->blobs, "media/v/1/"), ERR_UNSUPPORTED);
        assert_true(holds(c->blobs, "media/v/1/a", "x"));
        return;
    }
    assert_int_equal(put_text(c->blobs, "media/v/2/a", "x", NULL), 0);
    assert_int_equal(blob_delete(c->blobs, "media/v/1/a"), 0);
    assert_int_equal(blob_delete(c->blobs, "media/v/1/a"), 0);
    assert_int_equal(put_text(c->blobs, "media/v/1/a", "y", NULL), 0);
    assert_int_equal(blob_delete_tree(c->blobs, ""), ERR_INVALID);
    assert_int_equal(blob_delete_tree(c->blobs, "media/v/1/"), 0);
    assert_int_equal(blob_delete_tree(c->blobs, "media/v/1/"), 0);
    assert_int_equal(count_there(c, ""), 1);
}

static void a_writer_that_is_aborted_leaves_nothing(void **state)
{
    struct conform *c = *state;
    struct blob_writer *w = NULL;

    if (!offers(c, CONFORM_STREAM)) {
        assert_int_equal(blob_new(c->blobs, "media/v/1/a", &w), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(blob_new(c->blobs, "media/v/1/a", &w), 0);
    assert_int_equal(blob_write(w, "x", 1), 0);
    assert_int_equal(count_there(c, ""), 0); /* not there before it is whole */
    blob_abort(&w);
    assert_null(w);
    assert_int_equal(count_there(c, ""), 0);
    no_debris(c);
}

static void what_is_written_piece_by_piece_is_one_object(void **state)
{
    struct conform *c = *state;
    struct blob_writer *w = NULL;
    struct blob_info made, info = { 0 };
    uint8_t *data = malloc(WRITTEN_SIZE), *back = malloc(WRITTEN_SIZE), hash[BLOB_HASH_SIZE];
    uint32_t word = 7;
    size_t got;

    if (!offers(c, CONFORM_STREAM)) {
        free(data);
        free(back);
        return;
    }
    for (size_t i = 0; i < WRITTEN_SIZE; i++)
        data[i] = (uint8_t)((word = word * 1664525 + 1013904223) >> 24);
    assert_int_equal(blob_new(c->blobs, "media/v/1/a", &w), 0);
    for (size_t at = 0, n; at < WRITTEN_SIZE; at += n) {
        n = WRITTEN_SIZE - at < 777777 ? WRITTEN_SIZE - at : 777777;
        assert_int_equal(blob_write(w, data + at, n), 0);
    }
    assert_int_equal(blob_commit(&w, &made), 0);
    assert_true(made.hashed && made.size == WRITTEN_SIZE);
    assert_int_equal(blob_stat(c->blobs, "media/v/1/a", &info), 0);
    assert_int_equal(info.size, WRITTEN_SIZE);
    for (size_t at = 0; at < WRITTEN_SIZE; at += got)
        assert_int_equal(blob_read(c->blobs, "media/v/1/a", at, back + at, WRITTEN_SIZE - at, &got), 0);
    assert_memory_equal(data, back, WRITTEN_SIZE);
    assert_int_equal(blob_hash(c->blobs, "media/v/1/a", hash), 0);
    assert_memory_equal(hash, made.hash, sizeof(hash));
    assert_int_equal(blob_new(c->blobs, "media/v/1/a", &w), 0); /* and it is the first that stays */
    assert_int_equal(blob_write(w, data, WRITTEN_SIZE - 1), 0);
    assert_int_equal(blob_commit(&w, &info), ERR_EXISTS);
    assert_true(info.hashed && info.size == WRITTEN_SIZE);
    assert_memory_equal(info.hash, made.hash, sizeof(hash));
    assert_int_equal(count_there(c, ""), 1);
    no_debris(c);
    free(data);
    free(back);
}

static void bytes_that_are_not_those_expected_leave_nothing(void **state)
{
    struct conform *c = *state;
    struct blob_writer *w = NULL;
    struct blob_info info;
    uint8_t other[BLOB_HASH_SIZE] = { 1 };

    if (!offers(c, CONFORM_STREAM))
        return; /* who has no writer expects nothing of one */
    assert_int_equal(put_text(c->blobs, "media/v/1/a", "abc", &info), 0);
    assert_int_equal(blob_new(c->blobs, "media/v/1/b", &w), 0);
    blob_expect(w, other);
    assert_int_equal(blob_write(w, "abc", 3), 0);
    assert_int_equal(blob_commit(&w, NULL), ERR_CHECKSUM);
    assert_null(w);
    no_debris(c);
    assert_int_equal(blob_new(c->blobs, "media/v/1/b", &w), 0);
    blob_expect(w, info.hash);
    assert_int_equal(blob_write(w, "abc", 3), 0);
    assert_int_equal(blob_commit(&w, NULL), 0);
    assert_int_equal(count_there(c, ""), 2);
}

struct racer {
    struct blobs *blobs;
    pthread_barrier_t *start;
    pthread_t thread;
    char text[16];
    int r;
    struct blob_info info;
};

static void *race(void *arg)
{
    struct racer *me = arg;

    pthread_barrier_wait(me->start);
    me->r = put_text(me->blobs, "media/v/1/raced", me->text, &me->info);
    return NULL;
}

static void of_many_who_put_the_same_name_one_wins_and_all_are_told_of_it(void **state)
{
    struct conform *c = *state;
    struct racer racers[THREADS];
    const struct racer *winner = NULL;
    pthread_barrier_t start;

    if (!offers(c, CONFORM_ONE_WINS))
        return;
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (struct racer) { .blobs = open_another(c), .start = &start };
        snprintf(racers[i].text, sizeof(racers[i].text), "by thread %u", i);
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(racers[i].thread, NULL);
        if (racers[i].r == 0) {
            assert_null(winner);
            winner = &racers[i];
        }
    }
    assert_non_null(winner);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_true(&racers[i] == winner || racers[i].r == ERR_EXISTS);
        assert_true(racers[i].info.hashed);
        assert_memory_equal(racers[i].info.hash, winner->info.hash, BLOB_HASH_SIZE);
        blobs_close(&racers[i].blobs);
    }
    assert_true(holds(c->blobs, "media/v/1/raced", winner->text));
    assert_int_equal(count_there(c, ""), 1);
    no_debris(c);
    pthread_barrier_destroy(&start);
}

static void only_a_folder_of_our_own_has_descriptors_and_room(void **state)
{
    struct conform *c = *state;
    uint64_t room, total;
    struct blob_info info;
    int fd;

    assert_int_equal(put_text(c->blobs, "media/v/1/a", "abc", NULL), 0);
    if (!offers(c, CONFORM_LOCAL)) {
        assert_int_equal(blob_fd(c->blobs, "media/v/1/a", &fd, &info), ERR_UNSUPPORTED);
        assert_int_equal(blobs_space(c->blobs, &room, &total), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(blob_fd(c->blobs, "media/v/1/a", &fd, &info), 0);
    assert_int_equal(info.size, 3);
    close(fd);
    assert_int_equal(blobs_space(c->blobs, &room, &total), 0);
    assert_true(total > 0 && room <= total);
}

int conform_folder_setup(void **state, conform_open_fn *another)
{
    struct conform *c = calloc(1, sizeof(*c));

    c->offers = CONFORM_ALL;
    if (make_folder(&c->folder) < 0)
        return -1;
    c->there = c->folder.blobs;
    c->blobs = another(c);
    *state = c;
    return 0;
}

int conform_folder_teardown(void **state)
{
    struct conform *c = *state;

    blobs_close(&c->blobs);
    remove_folder(&c->folder);
    free(c);
    return 0;
}

int conform_run(const char *name, CMFixtureFunction setup_one, CMFixtureFunction teardown_one,
                conform_open_fn *another)
{
#define stated(test) cmocka_unit_test_setup_teardown(test, setup_one, teardown_one)
    const struct CMUnitTest tests[] = {
        stated(put_new_never_replaces_and_answers_what_lies_there),
        stated(the_hash_is_blake2b_of_the_bytes),
        stated(put_replaces_in_one_step),
        stated(names_that_could_lead_elsewhere_are_refused),
        stated(ranges_are_read_exactly),
        stated(large_objects_come_back_as_they_were),
        stated(an_empty_object_is_one),
        stated(a_growing_object_is_read_up_to_its_frontier),
        stated(only_who_offers_it_writes_growing_objects),
        stated(lists_name_everything_below_a_folder),
        stated(what_is_deleted_is_gone_and_may_be_deleted_again),
        stated(a_writer_that_is_aborted_leaves_nothing),
        stated(what_is_written_piece_by_piece_is_one_object),
        stated(bytes_that_are_not_those_expected_leave_nothing),
        stated(of_many_who_put_the_same_name_one_wins_and_all_are_told_of_it),
        stated(only_a_folder_of_our_own_has_descriptors_and_room),
    };

    open_another = another;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
