/* Access tokens: what is signed is read back; nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "actors/runtime/token/token.h"
#include "gen/errors.h"

static const int64_t now = 1800000000000;
static uint8_t seed[32], other_seed[32];
static struct token_key keys[2];

static struct token_claims claims(void)
{
    struct token_claims made = { .role = 2, .epoch = 7, .issued_ms = now, .expires_ms = now + 600000 };
    memset(made.user.b, 0x11, sizeof(made.user.b));
    memset(made.session.b, 0x22, sizeof(made.session.b));
    return made;
}

static int make_keys(void **state)
{
    uint8_t secret[64];
    memset(seed, 1, sizeof(seed));
    memset(other_seed, 2, sizeof(other_seed));
    strcpy(keys[0].kid, "0a1b2c3d");
    strcpy(keys[1].kid, "ffffffff");
    crypto_sign_seed_keypair(keys[0].public_key, secret, seed);
    crypto_sign_seed_keypair(keys[1].public_key, secret, other_seed);
    return sodium_init() < 0;
}

static void what_is_signed_is_read_back(void **state)
{
    char token[TOKEN_TEXT_SIZE];
    struct token_claims in = claims(), out;
    assert_int_equal(token_sign("0a1b2c3d", seed, &in, token), 0);
    assert_int_equal(token_verify(keys, 2, token, now + 1000, &out), 0);
    assert_memory_equal(&in.user, &out.user, sizeof(in.user));
    assert_memory_equal(&in.session, &out.session, sizeof(in.session));
    assert_int_equal(out.role, 2);
    assert_int_equal(out.epoch, 7);
    assert_int_equal(out.expires_ms, now + 600000);
}

static void a_change_of_any_character_is_refused(void **state)
{
    char token[TOKEN_TEXT_SIZE];
    struct token_claims in = claims(), out;
    token_sign("0a1b2c3d", seed, &in, token);
    for (size_t i = 0; i < strlen(token); i++) {
        char changed[TOKEN_TEXT_SIZE];
        strcpy(changed, token);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_equal(token_verify(keys, 2, changed, now, &out), ERR_UNAUTHENTICATED);
        changed[i] = '\0';
        assert_int_equal(token_verify(keys, 2, changed, now, &out), ERR_UNAUTHENTICATED);
    }
    strcat(token, "A");
    assert_int_equal(token_verify(keys, 2, token, now, &out), ERR_UNAUTHENTICATED);
}

static void a_token_of_another_key_or_of_none_is_refused(void **state)
{
    char token[TOKEN_TEXT_SIZE];
    struct token_claims in = claims(), out;
    token_sign("0a1b2c3d", other_seed, &in, token); /* names one key, signed with another */
    assert_int_equal(token_verify(keys, 2, token, now, &out), ERR_UNAUTHENTICATED);
    token_sign("12345678", seed, &in, token);
    assert_int_equal(token_verify(keys, 2, token, now, &out), ERR_UNAUTHENTICATED);
    token_sign("0a1b2c3d", seed, &in, token);
    assert_int_equal(token_verify(keys, 0, token, now, &out), ERR_UNAUTHENTICATED);
    assert_int_equal(token_verify(keys, 2, "", now, &out), ERR_UNAUTHENTICATED);
    assert_int_equal(token_verify(keys, 2, "..", now, &out), ERR_UNAUTHENTICATED);
}

static void time_is_kept_within_the_skew(void **state)
{
    char token[TOKEN_TEXT_SIZE];
    struct token_claims in = claims(), out;
    token_sign("0a1b2c3d", seed, &in, token);
    assert_int_equal(token_verify(keys, 2, token, now - TOKEN_SKEW_MS, &out), 0);
    assert_int_equal(token_verify(keys, 2, token, now - TOKEN_SKEW_MS - 1, &out), ERR_UNAUTHENTICATED);
    assert_int_equal(token_verify(keys, 2, token, now + 600000 + TOKEN_SKEW_MS - 1, &out), 0);
    assert_int_equal(token_verify(keys, 2, token, now + 600000 + TOKEN_SKEW_MS, &out), ERR_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_read_back),
        cmocka_unit_test(a_change_of_any_character_is_refused),
        cmocka_unit_test(a_token_of_another_key_or_of_none_is_refused),
        cmocka_unit_test(time_is_kept_within_the_skew),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
