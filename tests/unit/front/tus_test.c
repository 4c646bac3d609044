/* What a tus client says of an upload, and SHA-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "gen/errors.h"
#include "web/front/http/tus.h"

static struct mg_request_info request;
static struct tus_create create;
static struct arena *arena;
static const char *reason;

static void head(const char *name, const char *value)
{
    request.http_headers[request.num_headers++] = (struct mg_header) { name, value };
}

static int ask_create(void)
{
    int r;

    reason = "";
    r = tus_read_create(&request, arena, &create, &reason);
    assert_true(r == 0 || strlen(reason) > 10);
    request.num_headers = 0;
    return r;
}

static void a_length_or_a_deferred_one_is_needed(void **state)
{
    assert_int_equal(ask_create(), ERR_INVALID);
    head("Upload-Length", "12");
    assert_int_equal(ask_create(), 0);
    assert_true(create.has_length && create.length == 12 && !create.deferred);
    head("Upload-Defer-Length", "1");
    assert_int_equal(ask_create(), 0);
    assert_true(create.deferred && !create.has_length);
    head("Upload-Length", "12");
    head("Upload-Defer-Length", "1");
    assert_int_equal(ask_create(), ERR_INVALID);
    head("Upload-Defer-Length", "2");
    assert_int_equal(ask_create(), ERR_INVALID);
    head("Upload-Length", "0");
    assert_int_equal(ask_create(), 0);
}

static void lengths_are_digits_within_bounds(void **state)
{
    static const char *const bad[] = { "", "-1", "+1", "1x", " 1", "0x10", "99999999999999" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        head("Upload-Length", bad[i]);
        assert_int_equal(ask_create(), ERR_INVALID);
    }
    head("Upload-Length", "1099511627777");
    assert_int_equal(ask_create(), ERR_TOO_LARGE);
    head("Upload-Length", "1099511627776");
    assert_int_equal(ask_create(), 0);
}

static void metadata_is_text_in_base64(void **state)
{
    static const char *const bad[] = {
        "filename !", "filename YQ", "filename YQ==,", ",filename YQ==", "filename YQ== x",
        "a /w==",     " ",           "a YQ==,,b YQ=="
    };

    head("Upload-Length", "1");
    head("Upload-Metadata", "filename bWkgdsOtZGVvLm1rdg==,title,is_private ,type dmlkZW8=");
    assert_int_equal(ask_create(), 0);
    assert_string_equal(tus_metadata(create.metadata, "filename", arena), "mi v\xc3\xad"
                                                                          "deo.mkv");
    assert_string_equal(tus_metadata(create.metadata, "type", arena), "video");
    assert_string_equal(tus_metadata(create.metadata, "title", arena), "");
    assert_null(tus_metadata(create.metadata, "name", arena));
    assert_string_equal(tus_metadata("name bnVsAC5tcDQ=", "name", arena), "nul .mp4"); /* a NUL ends no text */
    assert_null(tus_metadata(NULL, "name", arena));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        head("Upload-Length", "1");
        head("Upload-Metadata", bad[i]);
        if (ask_create() != ERR_INVALID)
            fail_msg("taken: %s", bad[i]);
    }
}

static void metadata_has_a_bound(void **state)
{
    char text[TUS_METADATA_MAX + 8] = "a ";

    memset(text + 2, 'A', TUS_METADATA_MAX);
    head("Upload-Length", "1");
    head("Upload-Metadata", text);
    assert_int_equal(ask_create(), ERR_TOO_LARGE);
}

static void a_final_upload_names_its_parts(void **state)
{
    head("Upload-Concat", "partial");
    head("Upload-Length", "5");
    assert_int_equal(ask_create(), 0);
    assert_true(create.partial && !create.final);
    head("Upload-Concat", "final;/api/v1/uploads/upload_01h455vb4pex5vsknk084sn02q "
                          "http://h/api/v1/uploads/upload_01h455vb4pex5vsknk084sn02r");
    assert_int_equal(ask_create(), 0);
    assert_true(create.final && create.parts_n == 2);
    assert_int_equal(id_compare(create.parts[0], create.parts[1]), -1);
}

static void a_concatenation_of_nonsense_is_refused(void **state)
{
    static const char *const bad[] = { "",         "final",
                                       "final;",   "final; ",
                                       "final;/x", "finally;a",
                                       "Partial",  "final;/api/v1/uploads/video_01h455vb4pex5vsknk084sn02q" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        head("Upload-Concat", bad[i]);
        assert_int_equal(ask_create(), ERR_INVALID);
    }
    head("Upload-Concat", "final;/u/upload_01h455vb4pex5vsknk084sn02q");
    head("Upload-Length", "5");
    assert_int_equal(ask_create(), ERR_INVALID);
}

static void bytes_may_say_where_they_belong(void **state)
{
    head("Upload-Length", "5");
    head("Upload-Video", "video_01h455vb4pex5vsknk084sn02q");
    head("Upload-At", "1048576");
    head("Upload-Total", "5242880");
    assert_int_equal(ask_create(), 0);
    assert_false(id_is_zero(create.video));
    assert_int_equal(create.at, 1048576);
    assert_int_equal(create.total, 5242880);
    head("Upload-Length", "5");
    head("Upload-Video", "upload_01h455vb4pex5vsknk084sn02q");
    assert_int_equal(ask_create(), ERR_INVALID);
    head("Upload-Length", "5");
    head("Upload-At", "-1");
    assert_int_equal(ask_create(), ERR_INVALID);
    head("Upload-Length", "5");
    head("Upload-Total", "5 MB");
    assert_int_equal(ask_create(), ERR_INVALID);
}

static void another_version_is_refused(void **state)
{
    assert_int_equal(tus_version(&request, &reason), ERR_PRECONDITION);
    head("Tus-Resumable", "0.2.2");
    assert_int_equal(tus_version(&request, &reason), ERR_PRECONDITION);
    request.num_headers = 0;
    head("Tus-Resumable", "1.0.0");
    assert_int_equal(tus_version(&request, &reason), 0);
    request.num_headers = 0;
}

static void a_checksum_is_of_a_known_kind_and_size(void **state)
{
    static const char *const bad[] = { "",
                                       "sha1",
                                       "sha1 ",
                                       "md5 kAFQmDzST7DWlj99KOF/cg==",
                                       "sha1 kAFQmDzST7DWlj99KOF/cg==",
                                       "sha256 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
                                       "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk" };
    struct tus_sum sum;

    assert_int_equal(tus_read_sum(&request, &sum, &reason), 0);
    assert_int_equal(sum.kind, TUS_SUM_NONE);
    head("Upload-Checksum", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
    assert_int_equal(tus_read_sum(&request, &sum, &reason), 0);
    assert_int_equal(sum.kind, TUS_SUM_SHA1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        request.num_headers = 0;
        head("Upload-Checksum", bad[i]);
        assert_int_equal(tus_read_sum(&request, &sum, &reason), ERR_INVALID);
    }
    request.num_headers = 0;
}

static void sha1_is_that_of_the_standard(void **state)
{
    static const struct {
        const char *text;
        unsigned times;
        const char *hex;
    } vectors[] = {
        { "", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { "a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f" },
        { "0123456701234567012345670123456701234567012345670123456701234567", 10,
          "dea356a2cddd90c7a7ecedc5ebb563934f460452" },
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        uint8_t hash[SHA1_SIZE];
        char hex[2 * SHA1_SIZE + 1];
        struct sha1 sha;

        sha1_init(&sha);
        for (unsigned n = 0; n < vectors[i].times; n++)
            sha1_update(&sha, vectors[i].text, strlen(vectors[i].text));
        sha1_final(&sha, hash);
        assert_string_equal(sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)), vectors[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_or_a_deferred_one_is_needed),
        cmocka_unit_test(lengths_are_digits_within_bounds),
        cmocka_unit_test(metadata_is_text_in_base64),
        cmocka_unit_test(metadata_has_a_bound),
        cmocka_unit_test(a_final_upload_names_its_parts),
        cmocka_unit_test(a_concatenation_of_nonsense_is_refused),
        cmocka_unit_test(bytes_may_say_where_they_belong),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_checksum_is_of_a_known_kind_and_size),
        cmocka_unit_test(sha1_is_that_of_the_standard),
    };
    int r;

    arena = arena_new();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return r;
}
