/* bus_test - the catalog in its runtime, on a fake bus: who may call, what asking twice does, and events
 * from jobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "actors/catalog/catalog.h"
#include "broker/client/mp.h"
#include "schemas/wire/arena.h"
#include "tests/harness/rig.h"

static const struct rig_ask nobody = { .token = NULL };

static int begin(void **state)
{
    static const char *const sets[] = { "catalog.reserve_bytes=0", NULL };

    *state = rig_new(&catalog_actor, sets);
    assert_non_null(rig_actor(*state));
    rig_run(*state);
    return 0;
}

static int create(struct rig *rig, const char *title, struct rig_ask ask, struct video *ret)
{
    uint64_t cid = rig_call(rig, &create_video_call, &(struct create_video) { .title = title }, ask);

    rig_run(rig);
    return rig_reply(rig, cid, &create_video_call, ret);
}

static struct upload upload_whole(struct rig *rig, uint64_t length)
{
    struct create_upload ask = { .length = length, .has_length = true, .filename = "a.mp4" };
    uint64_t cid = rig_call(rig, &create_upload_call, &ask, rig_person(rig, 1, ROLE_CREATOR));
    struct upload upload = { 0 };
    struct video video = { 0 };

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &create_upload_call, &upload), 0);
    struct upload_complete complete = { .id = upload.id, .capability = upload.capability, .length = length };
    cid = rig_call(rig, &upload_complete_call, &complete, nobody);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &upload_complete_call, &video), 0);
    assert_int_equal(video.upload, UPLOAD_STATE_COMPLETE);
    return upload;
}

static void a_call_is_for_who_its_schema_allows(void **state)
{
    struct rig *rig = *state;
    struct video video;

    assert_int_equal(create(rig, "a", nobody, &video), ERR_UNAUTHENTICATED);
    assert_int_equal(create(rig, "a", rig_person(rig, 1, ROLE_VIEWER), &video), ERR_FORBIDDEN);
    assert_int_equal(create(rig, "a", rig_person(rig, 1, ROLE_CREATOR), &video), 0);
    assert_true(id_equal(video.owner_id, rig_user(1)));
}

static void the_same_idempotency_key_makes_one_video(void **state)
{
    struct rig *rig = *state;
    struct rig_ask ask = rig_person(rig, 1, ROLE_CREATOR);
    struct video first, second;

    ask.key = "once";
    assert_int_equal(create(rig, "a", ask, &first), 0);
    assert_int_equal(create(rig, "a", ask, &second), 0);
    assert_true(id_equal(first.id, second.id));
    rig_confirm(rig);
    rig_run(rig);
    rig_restart(rig);
    rig_run(rig);
    ask = rig_person(rig, 1, ROLE_CREATOR);
    ask.key = "once";
    assert_int_equal(create(rig, "a", ask, &second), 0);
    assert_true(id_equal(first.id, second.id));
    assert_int_equal(fake_count(FAKE_APPEND, "catalog.video_created"), 1);
}

static void a_probe_that_is_done_puts_runs_on_the_bus(void **state)
{
    struct rig *rig = *state;
    struct upload upload = upload_whole(rig, 1000);
    const struct fake_sent *put = fake_next(FAKE_PUT, "transcode.probe");
    struct probed_track tracks[] = { { .kind = TRACK_KIND_AUDIO,
                                       .usable = true,
                                       .duration_ms = 5000,
                                       .language = "en",
                                       .has_audio = true,
                                       .audio = { .rate = 48000, .channels = 2 } } };
    struct probe_done done = { .video_id = upload.video_id,
                               .version = 1,
                               .outcome = PROBE_OUTCOME_OK,
                               .duration_ms = 5000,
                               .proof = DURATION_PROOF_INDEX,
                               .tracks = tracks,
                               .tracks_n = 1 };
    struct encode_run job;
    char key[ID_TEXT_SIZE];

    assert_non_null(put);
    rig_confirm(rig);
    rig_job_end(rig, &probe_done_event, &done, put->job, id_format("video", upload.video_id, key), 0, 1);
    rig_run(rig);
    const struct fake_sent *run = fake_next(FAKE_PUT, "transcode.encode_run");
    assert_non_null(run);
    rig_read(rig, run, &encode_run_type, &job);
    assert_int_equal(job.kind, RUN_KIND_AUDIO);
    assert_int_equal(run->priority, 255);
    assert_string_equal(run->ordering, key);
}

static void a_dead_probe_fails_its_video(void **state)
{
    struct rig *rig = *state;
    struct upload upload = upload_whole(rig, 1000);
    const struct fake_sent *put = fake_next(FAKE_PUT, "transcode.probe");
    char key[ID_TEXT_SIZE];
    struct video video;

    rig_confirm(rig);
    rig_job_end(rig, &probe_dead_event, NULL, put->job, id_format("video", upload.video_id, key), ERR_TIMEOUT, 1);
    rig_run(rig);
    uint64_t cid = rig_call(rig, &get_video_call, &(struct get_video) { .id = upload.video_id },
                            rig_person(rig, 1, ROLE_CREATOR));
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &get_video_call, &video), 0);
    assert_int_equal(video.state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(video.reason, "it broke"));
    assert_non_null(fake_next(FAKE_APPEND, "catalog.video_failed"));
}

#define with_rig(test) cmocka_unit_test_setup_teardown(test, begin, rig_close)

/* What the broker answers to $sys.why, of one job. */
static struct bytes one_job(struct rig *rig)
{
    struct buf out = { 0 };
    struct bytes copy;

    mp_put_array(&out, 1);
    mp_put_map(&out, 8);
    mp_put_str(&out, "queue"), mp_put_str(&out, "transcode.probe");
    mp_put_str(&out, "seq"), mp_put_uint(&out, 7);
    mp_put_str(&out, "state"), mp_put_str(&out, "held");
    mp_put_str(&out, "attempts"), mp_put_uint(&out, 2);
    mp_put_str(&out, "attempts_max"), mp_put_uint(&out, 5);
    mp_put_str(&out, "at_ms"), mp_put_int(&out, RIG_EPOCH + 60000);
    mp_put_str(&out, "something new"), mp_put_array(&out, 0);
    mp_put_str(&out, "text"), mp_put_str(&out, "no such file");
    copy = arena_bytes(rig_arena(rig), buf_bytes(&out));
    buf_free(&out);
    return copy;
}

static void why_tells_what_the_broker_has_of_its_jobs(void **state)
{
    static const struct call_def sys_why = { .name = "$sys.why" };
    struct rig *rig = *state;
    struct upload upload = upload_whole(rig, 9);
    struct bytes job = one_job(rig);
    struct why_reply reply;
    char id[ID_TEXT_SIZE];

    for (int broken = 0; broken < 2; broken++) {
        uint64_t cid = rig_call(rig, &why_call, &(struct why) { .id = upload.video_id },
                                rig_person(rig, 1, ROLE_CREATOR));
        const struct fake_sent *asked;

        rig_run(rig);
        asked = fake_next(FAKE_CALL, "$sys.why");
        assert_non_null(asked);
        assert_non_null(memmem(asked->body, asked->body_len, id_format("video", upload.video_id, id), 32));
        rig_answer(rig, asked, &sys_why, broken ? ERR_TIMEOUT : 0, &job);
        rig_run(rig);
        assert_int_equal(rig_reply(rig, cid, &why_call, &reply), 0);
        assert_true(reply.parts_n >= 4); /* what the catalog knows is told in any case */
        assert_int_equal(reply.jobs_n, broken ? 0 : 1);
        if (broken)
            continue;
        assert_string_equal(reply.jobs[0].queue, "transcode.probe");
        assert_int_equal(reply.jobs[0].attempts, 2);
        assert_int_equal(reply.jobs[0].next_try_at, RIG_EPOCH + 60000);
        assert_string_equal(reply.jobs[0].detail, "no such file");
    }
}

static void jobs_of_a_deleted_video_are_withdrawn_until_none_is_held_back(void **state)
{
    static const struct call_def sys_withdraw = { .name = "$sys.withdraw" };
    struct rig *rig = *state;
    struct upload upload = upload_whole(rig, 9);
    struct delete_video ask = { .id = upload.video_id };
    struct buf out = { 0 };
    struct bytes held;
    uint64_t cid = rig_call(rig, &delete_video_call, &ask, rig_person(rig, 1, ROLE_CREATOR));

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &delete_video_call, NULL), 0);
    assert_null(fake_next(FAKE_CALL, "$sys.withdraw")); /* the trash gives back */
    ask.now = true;
    cid = rig_call(rig, &delete_video_call, &ask, rig_person(rig, 1, ROLE_CREATOR));
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &delete_video_call, NULL), 0); /* without the broker's answer */
    mp_put_map(&out, 3);
    mp_put_str(&out, "withdrawn"), mp_put_uint(&out, 1);
    mp_put_str(&out, "held"), mp_put_uint(&out, 1);
    mp_put_str(&out, "due_ms"), mp_put_int(&out, rig_now(rig) + 5000);
    held = buf_bytes(&out);
    rig_answer(rig, fake_next(FAKE_CALL, "$sys.withdraw"), &sys_withdraw, 0, &held);
    buf_free(&out);
    rig_run(rig);
    assert_null(fake_next(FAKE_CALL, "$sys.withdraw"));
    rig_advance(rig, 6000);
    rig_answer(rig, fake_next(FAKE_CALL, "$sys.withdraw"), &sys_withdraw, ERR_TIMEOUT, NULL);
    rig_advance(rig, 60000);
    assert_null(fake_next(FAKE_CALL, "$sys.withdraw"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_rig(a_call_is_for_who_its_schema_allows),
        with_rig(the_same_idempotency_key_makes_one_video),
        with_rig(a_probe_that_is_done_puts_runs_on_the_bus),
        with_rig(a_dead_probe_fails_its_video),
        with_rig(why_tells_what_the_broker_has_of_its_jobs),
        with_rig(jobs_of_a_deleted_video_are_withdrawn_until_none_is_held_back),
    };

    return cmocka_run_group_tests_name("catalog_bus", tests, NULL, NULL);
}
