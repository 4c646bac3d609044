/* copies_stage - see copies_stage.h */
#include "tests/actor/catalog/copies_stage.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/places/copies.h"
#include "actors/catalog/step.h"

struct blobs *far_store;

void far_begin_at(struct fake *f, const char *place)
{
    struct turn *t;

    copies_over(&f->self, s3_open(s3_uri(), 0, NULL), place);
    t = fake_begin(f);
    fake_end(f, copies_clock(&f->self, t, 0, NULL, NULL));
    fake_settle(f);
}

void far_begin(struct fake *f)
{
    far_begin_at(f, "there");
}

int far_setup(void **state)
{
    int r = fake_setup(state);
    struct fake *f = *state;

    f->settings.keep_local_h = 2;
    f->settings.scrub_kib_per_s = 0;
    far_store = s3_open(s3_uri(), 1000, NULL);
    far_begin(f);
    return r;
}

int far_teardown(void **state)
{
    int r = blob_delete_tree(far_store, "raw/");

    if (r == 0)
        r = blob_delete_tree(far_store, "media/");
    blobs_close(&far_store);
    return r == 0 ? fake_teardown(state) : r;
}

const char *far_name(struct id video, const char *leaf)
{
    static char name[4][200];
    static unsigned next;
    char id[ID_TEXT_SIZE], *to = name[next++ % 4];

    snprintf(to, 200, "media/%s/1/%s", id_format("video", video, id), leaf);
    return to;
}

void far_put(struct blobs *blobs, const char *name, const char *text)
{
    assert_int_equal(blob_put(blobs, name, bytes_of_text(text), NULL), 0);
}

void far_save(struct fake *f, struct id video)
{
    struct turn *t = fake_begin(f);
    struct doing d;
    int r = video_load(&f->self, t, video, &d);

    assert_int_equal(r, 0);
    d.row.media = MEDIA_STATE_READY;
    d.row.version = 1;
    d.written = true;
    assert_int_equal(fake_end(f, video_save(&d)), 0);
}

/* What was made of it lies there, and it is ready. */
void far_make(struct fake *f, struct id video)
{
    far_put(copies_near(&f->self), far_name(video, "v/000001.m4s"), "a segment");
    far_put(copies_near(&f->self), far_name(video, "v/init.mp4"), "an init");
    far_put(copies_near(&f->self), far_name(video, "master.m3u8"), "a list");
    far_save(f, video);
}

bool far_holds(struct blobs *blobs, const char *name, const char *text)
{
    char buf[64];
    size_t got;

    return blob_read(blobs, name, 0, buf, sizeof(buf), &got) == 0 && got == strlen(text) &&
           !memcmp(buf, text, got);
}

/* As somebody else finds it: who has read it may be told the same for a moment (remote.h). */
bool far_holds_now(const char *name, const char *text)
{
    struct blobs *blobs = s3_open(s3_uri(), 1000, NULL);
    bool is = far_holds(blobs, name, text);

    blobs_close(&blobs);
    return is;
}

bool far_lies(struct blobs *blobs, const char *name)
{
    struct blob_info info;

    return blob_stat(blobs, name, &info) == 0;
}

struct copy_row far_row(struct fake *f, struct id video)
{
    struct copy_row row = { .wants = 0 };
    struct turn *t = fake_begin(f);

    assert_int_equal(copy_row_get(turn_txn(t), turn_arena(t), video, &row), 0);
    fake_end(f, 0);
    return row;
}

void far_pass(struct fake *f, int64_t ms)
{
    fake_pass(f, ms);
    for (unsigned i = 0; i < 3; i++)
        fake_pass(f, 1000);
}
