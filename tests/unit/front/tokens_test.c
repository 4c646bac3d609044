/* The keyring and the sessions: what verifies, what was revoked, what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "actors/runtime/media_token/media_token.h"
#include "gen/auth.h"
#include "gen/errors.h"
#include "gen/playback.h"
#include "web/front/keyring.h"
#include "web/front/sessions.h"

#define NOW INT64_C(1763700000000)

static const uint8_t seed[32] = { 9 };
static struct keyring *ring;

static struct id some(uint8_t n)
{
    return (struct id) { { n } };
}

static void publish_keys(void)
{
    uint8_t public_key[32], private_key[64];
    struct signing_key key = { .kid = "0badcafe", .public_key = bytes_of(public_key, 32) };
    struct keys keys = { .keys = &key, .keys_n = 1 };
    struct buf body = { 0 };

    crypto_sign_seed_keypair(public_key, private_key, seed);
    assert_int_equal(keys_pack(&keys, &body), 0);
    assert_false(keyring_value(ring, "auth.keys", "", buf_bytes(&body)));
    buf_free(&body);
}

static void revoke(struct id session, struct id user, uint64_t epoch)
{
    struct revoked value = { .session_id = session, .user_id = user, .epoch = epoch };
    struct buf body = { 0 };

    assert_int_equal(revoked_pack(&value, &body), 0);
    assert_true(keyring_value(ring, "auth.revoked", "k", buf_bytes(&body)));
    buf_free(&body);
}

static const char *sign(uint8_t user, uint8_t session, uint64_t epoch)
{
    static char text[TOKEN_TEXT_SIZE];
    struct token_claims claims = { .user = some(user),
                                   .session = some(session),
                                   .role = ROLE_CREATOR,
                                   .epoch = epoch,
                                   .issued_ms = NOW,
                                   .expires_ms = NOW + 600000 };

    assert_int_equal(token_sign("0badcafe", seed, &claims, text), 0);
    return text;
}

static int verify(const char *token)
{
    struct token_claims claims;

    return keyring_verify(ring, token, NOW + 1000, &claims);
}

static int setup(void **state)
{
    ring = keyring_new();
    return 0;
}

static int teardown(void **state)
{
    keyring_free(&ring);
    return 0;
}

static void nothing_verifies_before_keys_are_known(void **state)
{
    assert_int_equal(verify(sign(1, 1, 1)), ERR_UNAVAILABLE);
    assert_false(keyring_complete(ring));
    publish_keys();
    assert_int_equal(verify(sign(1, 1, 1)), 0);
}

static void a_session_that_was_revoked_is_dead_at_once(void **state)
{
    publish_keys();
    revoke(some(7), some(1), 0);
    assert_int_equal(verify(sign(1, 7, 1)), ERR_UNAUTHENTICATED);
    assert_int_equal(verify(sign(1, 8, 1)), 0);
}

static void an_epoch_ends_all_older_tokens_of_one_person(void **state)
{
    publish_keys();
    revoke((struct id) { { 0 } }, some(1), 5);
    assert_int_equal(verify(sign(1, 7, 4)), ERR_UNAUTHENTICATED);
    assert_int_equal(verify(sign(1, 7, 5)), 0);
    assert_int_equal(verify(sign(2, 7, 4)), 0);
}

static void keys_that_cannot_be_read_change_nothing(void **state)
{
    publish_keys();
    assert_false(keyring_value(ring, "auth.keys", "", bytes_of_text("\xc1garbage")));
    assert_false(keyring_value(ring, "auth.revoked", "", bytes_of_text("\xc1garbage")));
    assert_int_equal(verify(sign(1, 1, 1)), 0);
}

static void a_media_token_needs_its_key_and_its_time(void **state)
{
    static const uint8_t secret[32] = { 3 };
    struct media_key key = { .kid = 4, .key = bytes_of(secret, 32) };
    struct media_keys keys = { .keys = &key, .keys_n = 1 };
    struct media_grant grant = {
        .kid = 4, .policy = "public", .expires_s = NOW / 1000 + 60, .video = some(1), .version = 2
    };
    char token[MEDIA_TOKEN_SIZE];
    struct buf body = { 0 };
    struct media_grant got;

    assert_true(media_token_mint(&grant, secret, token));
    assert_int_equal(keyring_media(ring, token, some(1), 2, NOW, &got), ERR_UNAVAILABLE);
    assert_int_equal(media_keys_pack(&keys, &body), 0);
    keyring_value(ring, "playback.media_keys", "", buf_bytes(&body));
    assert_int_equal(keyring_media(ring, token, some(1), 2, NOW, &got), 0);
    assert_int_equal(got.expires_s, NOW / 1000 + 60);
    assert_int_equal(keyring_media(ring, token, some(2), 2, NOW, &got), ERR_FORBIDDEN);
    assert_int_equal(keyring_media(ring, token, some(1), 1, NOW, &got), ERR_FORBIDDEN);
    assert_int_equal(keyring_media(ring, token, some(1), 2, NOW + 60000, &got), ERR_FORBIDDEN);
    assert_false(keyring_complete(ring));
    publish_keys();
    assert_true(keyring_complete(ring));
    buf_free(&body);
}

static void a_session_is_remembered_for_five_seconds(void **state)
{
    struct sessions *sessions = sessions_new();
    struct session_seen seen = { .token = "abc", .user = some(1), .role = ROLE_VIEWER }, got;
    struct id whose;

    assert_false(sessions_find(sessions, "cookie", 0, &got));
    assert_false(sessions_whose(sessions, "cookie", &whose));
    sessions_keep(sessions, "cookie", sessions_generation(sessions), 0, &seen);
    assert_true(sessions_find(sessions, "cookie", SESSIONS_MS - 1, &got));
    assert_string_equal(got.token, "abc");
    assert_false(sessions_find(sessions, "cookie2", 0, &got));
    assert_false(sessions_find(sessions, "cookie", SESSIONS_MS, &got));
    assert_false(sessions_find(sessions, "cookie", 0, &got));
    assert_true(sessions_whose(sessions, "cookie", &whose)); /* to count by, longer */
    assert_memory_equal(&whose, &seen.user, sizeof(whose));
    assert_false(sessions_whose(sessions, "cookie2", &whose));
    sessions_free(&sessions);
}

static void a_revocation_forgets_sessions_and_answers_on_their_way(void **state)
{
    struct sessions *sessions = sessions_new();
    struct session_seen seen = { .token = "abc" }, got;
    uint64_t before = sessions_generation(sessions);

    sessions_keep(sessions, "a", before, 0, &seen);
    sessions_drop_all(sessions);
    assert_false(sessions_find(sessions, "a", 1, &got));
    sessions_keep(sessions, "b", before, 0, &seen);
    assert_false(sessions_find(sessions, "b", 1, &got));
    sessions_free(&sessions);
}

static void deny(uint8_t video, enum media_refused refused)
{
    struct media_denied value = { .video_id = some(video), .refused = refused };
    struct buf body = { 0 };

    assert_int_equal(media_denied_pack(&value, &body), 0);
    assert_false(keyring_value(ring, "playback.media_denied", "k", buf_bytes(&body)));
    buf_free(&body);
}

static int media(uint8_t video, const char *policy)
{
    static const uint8_t secret[32] = { 7 };
    struct media_key key = { .kid = 4, .key = bytes_of(secret, 32) };
    struct media_keys keys = { .keys = &key, .keys_n = 1 };
    struct media_grant grant = { .kid = 4, .expires_s = NOW / 1000 + 60, .video = some(video), .version = 1 };
    char token[MEDIA_TOKEN_SIZE];
    struct buf body = { 0 };
    struct media_grant got;

    strcpy(grant.policy, policy);
    assert_true(media_token_mint(&grant, secret, token));
    assert_int_equal(media_keys_pack(&keys, &body), 0);
    keyring_value(ring, "playback.media_keys", "", buf_bytes(&body));
    buf_free(&body);
    return keyring_media(ring, token, some(video), 1, NOW, &got);
}

static void a_media_token_may_be_taken_back(void **state)
{
    char key[ID_TEXT_SIZE];

    for (unsigned i = 1; i <= 200; i++) /* in an order that is none */
        deny((uint8_t)(i * 37), i % 2 ? MEDIA_REFUSED_OPEN : MEDIA_REFUSED_ALL);
    assert_int_equal(media(37, "open"), ERR_FORBIDDEN);
    assert_int_equal(media(37, "owner"), 0);
    assert_int_equal(media(37, "openfile"), ERR_FORBIDDEN);
    assert_int_equal(media(37, "ownerfile"), 0);
    assert_int_equal(media(74, "open"), ERR_FORBIDDEN);
    assert_int_equal(media(74, "owner"), ERR_FORBIDDEN);
    assert_int_equal(media((uint8_t)(201 * 37), "open"), 0);
    deny(37, MEDIA_REFUSED_NONE);
    deny(37, MEDIA_REFUSED_NONE);
    assert_int_equal(media(37, "open"), 0);
    keyring_value(ring, "playback.media_denied", id_format("video", some(74), key),
                  bytes_of(NULL, 0)); /* it has ended */
    assert_int_equal(media(74, "owner"), 0);
    assert_int_equal(media(111, "open"), ERR_FORBIDDEN);
}

static void of_a_video_whose_window_is_closed_pictures_are_still_shown(void **state)
{
    deny(1, MEDIA_REFUSED_CLOSED);
    assert_int_equal(media(1, "open"), ERR_FORBIDDEN);
    assert_int_equal(media(1, "openfile"), ERR_FORBIDDEN);
    assert_int_equal(media(1, "openimg"), 0);
    assert_int_equal(media(1, "owner"), 0);
    assert_int_equal(media(1, "some"), ERR_FORBIDDEN);
    deny(1, MEDIA_REFUSED_LIMITED);
    assert_int_equal(media(1, "open"), ERR_FORBIDDEN);
    assert_int_equal(media(1, "openfile"), ERR_FORBIDDEN);
    assert_int_equal(media(1, "openimg"), 0);
    assert_int_equal(media(1, "some"), 0);
    assert_int_equal(media(1, "somefile"), 0);
    deny(1, MEDIA_REFUSED_OPEN);
    assert_int_equal(media(1, "some"), ERR_FORBIDDEN);
    assert_int_equal(media(1, "openimg"), ERR_FORBIDDEN);
    assert_int_equal(media(1, "ownerimg"), 0);
    deny(1, MEDIA_REFUSED_ALL);
    assert_int_equal(media(1, "ownerimg"), ERR_FORBIDDEN);
}

static void an_edge_is_told_what_media_tokens_are_checked_with(void **state)
{
    char first[ID_TEXT_SIZE], second[ID_TEXT_SIZE], want[400];
    struct buf text = { 0 };

    assert_int_equal(keyring_rights(ring, &text), ERR_UNAVAILABLE);
    assert_int_equal(text.len, 0);
    media(1, "open");
    deny(1, MEDIA_REFUSED_OPEN);
    deny(2, MEDIA_REFUSED_ALL);
    assert_int_equal(keyring_rights(ring, &text), 0);
    snprintf(want, sizeof(want),
             "\"keys\":[{\"kid\":4,\"key\":\"07%062d\"}],\"open\":[\"%s\"],\"all\":[\"%s\"],\"closed\":[],"
             "\"limited\":[]",
             0, id_format("video", some(1), first), id_format("video", some(2), second));
    assert_string_equal(buf_text(&text), want);
    buf_reset(&text);
    deny(1, MEDIA_REFUSED_ALL);
    deny(2, MEDIA_REFUSED_NONE);
    assert_int_equal(keyring_rights(ring, &text), 0);
    assert_non_null(strstr(buf_text(&text), "\"open\":[],\"all\":[\"video_"));
    assert_null(strstr(buf_text(&text), second));
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_verifies_before_keys_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_that_was_revoked_is_dead_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_epoch_ends_all_older_tokens_of_one_person, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_that_cannot_be_read_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_media_token_needs_its_key_and_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_media_token_may_be_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_video_whose_window_is_closed_pictures_are_still_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_edge_is_told_what_media_tokens_are_checked_with, setup, teardown),
        cmocka_unit_test(a_session_is_remembered_for_five_seconds),
        cmocka_unit_test(a_revocation_forgets_sessions_and_answers_on_their_way),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
