/* Media tokens: what one key made for one version of one video, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/runtime/media_token/media_token.h"

static uint8_t key[MEDIA_TOKEN_KEY_SIZE];

static struct media_grant grant(void)
{
    struct media_grant g = { .kid = 3, .policy = "public", .expires_s = 1763708400, .version = 1 };

    for (unsigned i = 0; i < sizeof(g.video.b); i++)
        g.video.b[i] = (uint8_t)(i + 1);
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    return g;
}

static bool check(const char *token, struct id video, uint64_t version)
{
    struct media_grant g;

    if (!media_token_read(token, &g))
        return false;
    g.video = video;
    g.version = version;
    return media_token_verify(token, &g, key);
}

/* What an edge must compute as well. The text that is authenticated here:
 * "kinobus media 1\n3\npublic\n1763708400\nvideo_01081g81860w40j2gb1g6gw3rg\n1\n", the key 000102...1f. */
static void the_token_of_the_published_vector(void **state)
{
    struct media_grant g = grant();
    char token[MEDIA_TOKEN_SIZE], id[ID_TEXT_SIZE];

    assert_true(media_token_mint(&g, key, token));
    assert_string_equal(id_format("video", g.video, id), "video_01081g81860w40j2gb1g6gw3rg");
    assert_string_equal(token, "1.3.public.1763708400.j4XCsiMqDz8DJDxCo3l6N1KBq21zHllyFRy_YFIrOTo");
    assert_true(check(token, g.video, 1));
}

static void every_changed_character_is_noticed(void **state)
{
    struct media_grant g = grant();
    char token[MEDIA_TOKEN_SIZE];

    media_token_mint(&g, key, token);
    for (size_t i = 0; token[i]; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            token[i] = (char)(token[i] ^ 1 << bit);
            assert_false(check(token, g.video, 1));
            token[i] = (char)(token[i] ^ 1 << bit);
        }
    }
    assert_true(check(token, g.video, 1));
}

static void it_opens_nothing_else(void **state)
{
    struct media_grant g = grant();
    char token[MEDIA_TOKEN_SIZE];

    media_token_mint(&g, key, token);
    assert_false(check(token, g.video, 2));
    g.video.b[15] ^= 1;
    assert_false(check(token, g.video, 1));
    g.video.b[15] ^= 1;
    key[0] ^= 1;
    assert_false(check(token, g.video, 1));
}

static void what_is_no_token_is_not_read(void **state)
{
    static const char *const bad[] = {
        "",
        "1",
        "1.",
        "1.3",
        "1.3.public.1763708400",
        "1.3.public.1763708400.",
        "1.03.public.1763708400.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1.3..1763708400.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1.3.PUBLIC.1763708400.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "2.3.public.1763708400.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1.3.public.99999999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1.3.publicpublicpublic.1763708400.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    };
    struct media_grant g;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(media_token_read(bad[i], &g));
}

static void a_right_ends_at_a_full_hour(void **state)
{
    assert_int_equal(media_token_expiry(INT64_C(1763708400000), 6), 1763708400 + 6 * 3600);
    assert_int_equal(media_token_expiry(INT64_C(1763708401000), 6), 1763708400 + 7 * 3600);
}

static void a_policy_without_a_name_is_not_minted(void **state)
{
    struct media_grant g = grant();
    char token[MEDIA_TOKEN_SIZE];

    strcpy(g.policy, "");
    assert_false(media_token_mint(&g, key, token));
    strcpy(g.policy, "a.b");
    assert_false(media_token_mint(&g, key, token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_of_the_published_vector),
        cmocka_unit_test(every_changed_character_is_noticed),
        cmocka_unit_test(it_opens_nothing_else),
        cmocka_unit_test(what_is_no_token_is_not_read),
        cmocka_unit_test(a_right_ends_at_a_full_hour),
        cmocka_unit_test(a_policy_without_a_name_is_not_minted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
