#include "tests/actor/playback/viewer.h"

#include "actors/playback/playback.h"

int viewer_begin(void **state)
{
    return rig_open(state, &playback_actor, NULL);
}

/* Of the first person; ready, public, version 3. */
struct playable viewer_film(unsigned n)
{
    static struct playable_track track = { .kind = "video", .name = "1080p", .width = 1920, .height = 1080 };

    return (struct playable) {
        .video = { .id = { { 1, [15] = (uint8_t)n } },
                   .rev = 4,
                   .owner_id = rig_user(1),
                   .title = "Film",
                   .visibility = VISIBILITY_PUBLIC,
                   .release = RELEASE_STATE_PUBLISHED,
                   .life = LIFE_STATE_LIVE,
                   .state = VIDEO_STATE_READY,
                   .duration_ms = 100000,
                   .playable_until_ms = 100000,
                   .version = 3,
                   .has_poster = true },
        .version = 3,
        .final = true,
        .tracks = &track,
        .tracks_n = 1,
    };
}

/* Answers as the catalog. */
void viewer_catalog(struct rig *rig, int err, const struct playable *playable)
{
    rig_answer(rig, fake_next(FAKE_CALL, "catalog.get_playable"), &get_playable_call, err, playable);
    rig_run(rig);
}

struct playing viewer_started(struct rig *rig, const struct playable *film, struct rig_ask who)
{
    uint64_t cid = rig_call(rig, &start_playback_call, &(struct start_playback) { .id = film->video.id }, who);
    struct playing reply;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, NULL), 1);
    viewer_catalog(rig, 0, film);
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, &reply), 0);
    return reply;
}

int viewer_saved(struct rig *rig, struct id video, uint64_t position_ms, unsigned who)
{
    struct save_progress ask = { .id = video, .position_ms = position_ms };
    uint64_t cid = rig_call(rig, &save_progress_call, &ask, rig_person(rig, who, ROLE_VIEWER));

    rig_run(rig);
    return rig_reply(rig, cid, &save_progress_call, NULL);
}

struct continue_watching_reply viewer_begun(struct rig *rig, unsigned who, uint64_t limit, const char *cursor)
{
    struct continue_watching ask = { .limit = limit, .cursor = cursor };
    uint64_t cid = rig_call(rig, &continue_watching_call, &ask, rig_person(rig, who, ROLE_VIEWER));
    struct continue_watching_reply reply;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &continue_watching_call, &reply), 0);
    return reply;
}

uint64_t viewer_rows(struct rig *rig, const struct table_def *table)
{
    struct store_txn *txn;
    uint64_t n;

    assert_int_equal(store_begin_read(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(table_count(txn, table, &n), 0);
    store_abort(&txn);
    return n;
}
