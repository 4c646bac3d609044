/* s3_sign_test - URLs that carry their signature: the figures that AWS publishes, and what a store checks them by. */
#include "data/blobs/s3_internal.h"
#include "gen/errors.h"
#include "tests/unit/blobs/s3_stage.h"

/* Of the example in "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference,
 * docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. */
static const struct s3_keys example = { .id = "AKIAIOSFODNN7EXAMPLE",
                                        .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

enum { EXAMPLE_AT = 1369353600 }; /* 20130524T000000Z */

static const char *signed_query(struct s3_presign p)
{
    static struct buf query;

    buf_reset(&query);
    p.host = "examplebucket.s3.amazonaws.com";
    p.path = "/test.txt";
    p.region = "us-east-1";
    p.now = EXAMPLE_AT;
    p.lasts_s = 86400;
    s3_presign(&p, &query);
    return buf_text(&query);
}

static void the_example_of_aws_comes_out_as_it_is_published(void **state)
{
    assert_string_equal(signed_query((struct s3_presign) { .method = "GET", .keys = &example }),
                        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

static void a_length_and_a_token_and_more_words_are_signed_in_their_order(void **state)
{
    struct s3_keys keys = example;
    const char *query, *bare;
    char one[80];

    strcpy(keys.token, "a/token");
    query = signed_query((struct s3_presign) {
        .method = "PUT", .keys = &keys, .query = "partNumber=2&uploadId=x", .sized = true, .size = 5 });
    assert_non_null(strstr(
        query, "&X-Amz-Expires=86400&X-Amz-Security-Token=a%2Ftoken&X-Amz-SignedHeaders=content-length%3Bhost"
               "&partNumber=2&uploadId=x&X-Amz-Signature="));
    snprintf(one, sizeof(one), "%s", strstr(query, "Signature="));
    bare = signed_query((struct s3_presign) {
        .method = "PUT", .keys = &keys, .query = "partNumber=2&uploadId=x", .sized = true, .size = 6 });
    assert_string_not_equal(strstr(bare, "Signature="), one);
}

/* ---- by a store that checks them */

static const char *uri;

struct heard {
    unsigned n;
    struct blobs_s3_part parts[8];
};

static int hear(void *ctx, const struct blobs_s3_part *part)
{
    struct heard *h = ctx;

    h->parts[h->n++] = *part;
    return 0;
}

static const char *url_of(struct blobs *blobs, const char *upload, unsigned part, uint64_t size, int64_t ago)
{
    static struct buf url;
    const struct blobs_s3_grant grant = { .name = "raw/v/direct",
                                          .upload = upload,
                                          .part = part,
                                          .size = size,
                                          .lasts_s = 60,
                                          .now = (int64_t)time(NULL) - ago };

    buf_reset(&url);
    blobs_s3_sign(blobs, &grant, &url);
    return buf_text(&url);
}

static void parts_that_others_put_are_listed_and_joined(void **state)
{
    struct blobs *blobs = s3_open(uri, 1000, NULL);
    struct heard heard = { .n = 0 };
    struct blob_info info;
    struct buf parts = { 0 };
    char *upload = NULL;
    unsigned next = 0;

    assert_int_equal(blobs_s3_begin(blobs, "raw/v/direct", &upload), 0);
    assert_int_equal(s3_put_url(url_of(blobs, upload, 1, 5 << 20, 0), 'a', 5 << 20), 200);
    assert_int_equal(s3_put_url(url_of(blobs, upload, 2, 3, 0), 'b', 3), 200);
    do
        assert_int_equal(blobs_s3_parts(blobs, "raw/v/direct", upload, next, 1, hear, &heard, &next), 0);
    while (next);
    assert_int_equal(heard.n, 2);
    assert_int_equal(heard.parts[0].size, 5 << 20);
    assert_int_equal(heard.parts[1].number, 2);
    for (unsigned i = 0; i < heard.n; i++)
        blobs_s3_name_part(&parts, heard.parts[i].number, heard.parts[i].tag);
    assert_int_equal(blobs_s3_end(blobs, "raw/v/direct", upload, buf_bytes(&parts)), 0);
    assert_int_equal(blob_stat(blobs, "raw/v/direct", &info), 0);
    assert_int_equal(info.size, (5 << 20) + 3);
    assert_int_equal(blobs_s3_parts(blobs, "raw/v/direct", upload, 0, 1, hear, &heard, &next), ERR_GONE);
    assert_int_equal(blob_delete(blobs, "raw/v/direct"), 0);
    buf_free(&parts);
    free(upload);
    blobs_close(&blobs);
}

static void a_url_is_for_its_part_its_length_and_its_time_alone(void **state)
{
    struct blobs *blobs = s3_open(uri, 1000, NULL);
    char *upload = NULL, wrong[2048];
    const char *url;

    assert_int_equal(blobs_s3_begin(blobs, "raw/v/direct", &upload), 0);
    url = url_of(blobs, upload, 1, 4, 0);
    assert_int_equal(s3_put_url(url, 'a', 5), 403);
    assert_int_equal(s3_put_url(url_of(blobs, upload, 1, 4, 120), 'a', 4), 403);
    snprintf(wrong, sizeof(wrong), "%s", url_of(blobs, upload, 1, 4, 0));
    memcpy(strstr(wrong, "partNumber=1"), "partNumber=2", 12);
    assert_int_equal(s3_put_url(wrong, 'a', 4), 403);
    assert_int_equal(s3_put_url(url_of(blobs, upload, 1, 4, 0), 'a', 4), 200);
    assert_int_equal(blobs_s3_abort(blobs, "raw/v/direct", upload), 0);
    assert_int_equal(s3_put_url(url_of(blobs, upload, 1, 4, 0), 'a', 4), 404);
    free(upload);
    blobs_close(&blobs);
}

static void a_sweep_ends_what_nobody_knows_of(void **state)
{
    struct blobs *blobs = s3_open(uri, 1000, NULL), *other = s3_open(uri, 1000, NULL);
    char *upload = NULL;
    struct heard heard = { .n = 0 };
    unsigned removed = 0, next;

    assert_int_equal(blobs_s3_begin(blobs, "raw/v/direct", &upload), 0);
    assert_int_equal(blobs_sweep(blobs, 0, &removed), 0);
    assert_int_equal(removed, 0);
    blobs_s3_know(other, upload);
    assert_int_equal(blobs_sweep(other, 0, &removed), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(blobs_s3_parts(blobs, "raw/v/direct", upload, 0, 8, hear, &heard, &next), 0);
    blobs_s3_unknow(other, upload);
    assert_int_equal(blobs_sweep(other, 0, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(blobs_s3_parts(blobs, "raw/v/direct", upload, 0, 8, hear, &heard, &next), ERR_GONE);
    free(upload);
    blobs_close(&other);
    blobs_close(&blobs);
}

static void an_address_of_clients_stands_in_the_url_as_they_write_it(void **state)
{
    struct blobs *blobs = s3_open(uri, 0, NULL);
    struct buf url = { 0 };
    const struct blobs_s3_grant grant = { .name = "raw/v/a",
                                          .upload = "an id&more",
                                          .endpoint = "https://Films.Example.org:443",
                                          .part = 7,
                                          .size = 1,
                                          .lasts_s = 60,
                                          .now = EXAMPLE_AT };

    blobs_s3_sign(blobs, &grant, &url);
    assert_memory_equal(url.data, "https://films.example.org/videos/films/raw/v/a?X-Amz-", 53);
    assert_non_null(strstr(buf_text(&url), "&partNumber=7&uploadId=an%20id%26more&X-Amz-Signature="));
    assert_null(strstr(buf_text(&url), "secret"));
    assert_true(blobs_s3_endpoint_valid("https://a.example:9000") &&
                !blobs_s3_endpoint_valid("https://a.example/b") && !blobs_s3_endpoint_valid("a.example"));
    buf_free(&url);
    blobs_close(&blobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_aws_comes_out_as_it_is_published),
        cmocka_unit_test(a_length_and_a_token_and_more_words_are_signed_in_their_order),
        cmocka_unit_test(parts_that_others_put_are_listed_and_joined),
        cmocka_unit_test(a_url_is_for_its_part_its_length_and_its_time_alone),
        cmocka_unit_test(a_sweep_ends_what_nobody_knows_of),
        cmocka_unit_test(an_address_of_clients_stands_in_the_url_as_they_write_it),
    };
    static const char *const words[] = { "--page", "1", NULL };
    int failed;

    uri = s3_start(words);
    failed = cmocka_run_group_tests_name("blobs_s3_sign", tests, NULL, NULL);
    s3_stop();
    return failed;
}
