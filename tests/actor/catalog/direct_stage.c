#include "tests/actor/catalog/direct_stage.h"

#include <time.h>

#include "actors/catalog/places/copies.h"
#include "data/blobs/s3_direct.h"

/* What a call came to, at once or later. */
#define LATELY(f, r)         \
    ({                       \
        (f)->replied = NULL; \
        (f)->later = (r);    \
        fake_settle(f);      \
        (f)->later;          \
    })

struct blobs *stage_store;

void stage_begin(struct fake *f)
{
    copies_over(&f->self, s3_open(s3_uri(), 0, NULL), "there");
    struct turn *t = fake_begin(f);
    fake_end(f, direct_up(&f->self, t));
}

int stage_setup(void **state)
{
    int r = fake_setup(state);
    struct fake *f = *state;

    f->now = (int64_t)time(NULL) * 1000; /* URLs are held against the store's clock */
    f->settings.direct_part_mib = 5;
    stage_store = s3_open(s3_uri(), 1000, NULL);
    stage_begin(f);
    return r;
}

int stage_teardown(void **state)
{
    int r = blob_delete_tree(stage_store, "raw/");

    blobs_close(&stage_store);
    return r == 0 ? fake_teardown(state) : r;
}

struct direct_upload stage_open(struct fake *f, uint64_t length)
{
    struct create_direct_upload ask = { .length = length, .filename = "a film.mp4" };
    struct direct_upload reply = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), 0);
    return reply;
}

struct upload stage_row(struct fake *f, struct id id, int want)
{
    struct upload row = { 0 };
    struct turn *t = fake_begin(f);

    assert_int_equal(upload_get(turn_txn(t), turn_arena(t), id, &row), want);
    fake_end(f, 0);
    return row;
}

int stage_sign(struct fake *f, struct id id, const uint64_t *numbers, size_t n, struct sign_parts_reply *ret)
{
    struct sign_parts ask = { .id = id, .numbers = (uint64_t *)(uintptr_t)numbers, .numbers_n = n };
    int r;

    *ret = (struct sign_parts_reply) { .items_n = 0 };
    r = LATELY(f, FAKE_CALL(f, catalog_sign_parts, &ask, ret));
    if (r == 0 && f->replied)
        *ret = *(const struct sign_parts_reply *)f->replied;
    return r;
}

const char *stage_url(struct fake *f, struct id id, uint64_t number)
{
    struct sign_parts_reply reply;

    assert_int_equal(stage_sign(f, id, &number, 1, &reply), 0);
    assert_int_equal(reply.items[0].number, number);
    return reply.items[0].url;
}

int stage_list(struct fake *f, struct id id, uint64_t after, struct direct_upload *ret)
{
    struct get_direct_upload ask = { .id = id, .after = after, .limit = 1000 };
    int r;

    *ret = (struct direct_upload) { .there_n = 0 };
    r = LATELY(f, FAKE_CALL(f, catalog_get_direct_upload, &ask, ret));
    if (r == 0 && f->replied)
        *ret = *(const struct direct_upload *)f->replied;
    return r;
}

int stage_complete(struct fake *f, struct id id, const struct direct_part *parts, size_t n)
{
    struct complete_direct_upload ask = { .id = id,
                                          .parts = (struct direct_part *)(uintptr_t)parts,
                                          .parts_n = n };
    struct video video = { 0 };

    return LATELY(f, FAKE_CALL(f, catalog_complete_direct_upload, &ask, &video));
}

int stage_drop(struct fake *f, struct id id)
{
    return LATELY(f, FAKE_CALL(f, catalog_drop_direct_upload, &(struct drop_direct_upload) { .id = id }));
}

void stage_put(struct fake *f, struct id id, uint64_t number, char byte, uint64_t len)
{
    assert_int_equal(s3_put_url(stage_url(f, id, number), byte, len), 200);
}

static int not_heard(void *ctx, const struct blobs_s3_part *part)
{
    return 0;
}

bool stage_has(const struct upload *upload)
{
    unsigned next;

    return blobs_s3_parts(stage_store, upload->blob, upload->store_id, 0, 1, not_heard, NULL, &next) == 0;
}
