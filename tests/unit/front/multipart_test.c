/* Forms, read as they come in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "schemas/wire/buf.h"
#include "web/front/http/multipart.h"

#define TYPE "multipart/form-data; boundary=\"--x y\""

static struct buf out;
static int answer; /* of the data event */

static int begin(void *ctx, const struct multipart_part *part)
{
    buf_printf(&out, "<%s%s%s>", part->name, part->is_file ? " file " : "", part->filename);
    return 0;
}

static int data_in(void *ctx, const void *data, size_t len)
{
    buf_put(&out, data, len);
    return answer;
}

static int end(void *ctx)
{
    buf_put_text(&out, "</>");
    return 0;
}

static const struct multipart_events events = { begin, data_in, end };

/* What comes out when the body goes in by steps; NULL: refused. */
static const char *ask(const char *type, const char *body, size_t len, size_t step)
{
    struct multipart *m = multipart_new(type, &events, NULL);
    int r = 0;

    buf_reset(&out);
    if (!m)
        return "no form";
    for (size_t at = 0; r == 0 && at < len; at += step)
        r = multipart_feed(m, body + at, len - at < step ? len - at : step);
    r = r == 0 ? multipart_finish(m) : r;
    if (r < 0)
        assert_true(r == answer || strlen(multipart_reason(m)) > 10);
    multipart_free(&m);
    return r < 0 ? NULL : buf_text(&out);
}

static const char form[] =
    "preamble\r\n----x y\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA \"title\"\r\n----x y\r\n"
    "content-disposition: form-data; filename=\"a;\\\"b.mkv\"; name=file\r\nContent-Type: video/x\r\n\r\n"
    "\r\n--\r\n----x \r\n\r\n----x y  \r\nContent-Disposition: form-data; name=e\r\n\r\n\r\n----x y--\r\nepilogue";

static void parts_come_out_whatever_the_pieces(void **state)
{
    for (size_t step = 1; step <= sizeof(form); step++) {
        const char *got = ask(TYPE, form, sizeof(form) - 1, step);

        assert_non_null(got);
        assert_string_equal(got, "<title>A \"title\"</><file file a;\"b.mkv>\r\n--\r\n----x \r\n</><e></>");
    }
}

static void a_large_file_passes_without_being_kept(void **state)
{
    static char body[300000];
    size_t n = (size_t)(stpcpy(body, "----x y\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n") -
                        body);

    for (; n < sizeof(body) - 100; n++)
        body[n] = (char)(n * 31 >> 3);
    n += (size_t)(stpcpy(body + n, "\r\n----x y--") - (body + n));
    assert_non_null(ask(TYPE, body, n, 65536));
    assert_int_equal(out.len, n - strlen("----x y\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n") -
                                  strlen("\r\n----x y--") + strlen("<f file f></>"));
}

static void a_body_that_ends_early_is_refused(void **state)
{
    for (size_t len = 0; len + strlen("--\r\nepilogue") < sizeof(form) - 1; len++)
        assert_null(ask(TYPE, form, len, 7));
}

static void a_type_without_a_boundary_is_no_form(void **state)
{
    static const char *const types[] = {
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=a",
        "multipart/form-dataX; boundary=a",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a\x01",
        "multipart/form-data; xboundary=a",
        "multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x"
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_string_equal(ask(types[i], form, 1, 1), "no form");
    assert_string_equal(ask(NULL, form, 1, 1), "no form");
}

static void parts_that_make_no_sense_are_refused(void **state)
{
    static const char *const bodies[] = {
        "----x y\r\nContent-Type: a\r\n\r\nb\r\n----x y--",
        "----x y\r\n\r\nb\r\n----x y--",
        "----x y\r\nContent-Disposition: attachment; name=a\r\n\r\nb\r\n----x y--",
        "----x y\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nb\r\n----x y--",
        "----x yz\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n----x y--",
        "----x y\r\nContent-Disposition: form-data; "
        "name=0123456789012345678901234567890123456789012345678901234567890123x\r\n\r\n\r\n----x y--",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
        assert_null(ask(TYPE, bodies[i], strlen(bodies[i]), 5));
}

static void headers_and_parts_have_bounds(void **state)
{
    static char body[65536];
    char *p = stpcpy(body, "----x y\r\nX: ");

    memset(p, 'a', 3000);
    strcpy(p + 3000, "\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n----x y--");
    assert_null(ask(TYPE, body, strlen(body), 100));
    *body = '\0';
    p = body;
    for (int i = 0; i <= MULTIPART_PARTS; i++)
        p = stpcpy(p, "----x y\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n");
    strcpy(p, "----x y--");
    assert_null(ask(TYPE, body, strlen(body), 100));
}

/* Where the pieces are cut decides nothing, at the last byte that is allowed neither. */
static void the_bound_of_headers_is_the_same_whatever_the_pieces(void **state)
{
    static const char head[] = "----x y\r\nContent-Disposition: form-data; name=f\r\nX: ";
    static const char tail[] = "\r\n\r\nA\r\n----x y--\r\n";
    size_t before = strlen("----x y\r\n");
    char body[MULTIPART_HEAD + 100];

    for (size_t longer = 0; longer <= 3; longer++) {
        size_t fill = MULTIPART_HEAD + longer - (sizeof(head) - 1 - before);

        memcpy(body, head, sizeof(head) - 1);
        memset(body + sizeof(head) - 1, 'x', fill);
        memcpy(body + sizeof(head) - 1 + fill, tail, sizeof(tail) - 1);
        for (size_t step = 1; step <= 2 * MULTIPART_HEAD; step = step < 20 ? step + 1 : step * 2) {
            const char *got = ask(TYPE, body, sizeof(head) - 1 + fill + sizeof(tail) - 1, step);

            assert_true(longer ? !got : got && strcmp(got, "<f>A</>") == 0);
        }
    }
}

static void a_nul_is_data_in_a_file_and_a_fault_in_a_header(void **state)
{
    static const char file[] =
        "----x y\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\na\0b\r\n----x y--";
    static const char head[] =
        "----x y\r\nContent-Disposition: form-data; name=f\0; filename=f\r\n\r\na\r\n----x y--";

    assert_non_null(ask(TYPE, file, sizeof(file) - 1, 3));
    assert_int_equal(out.len, strlen("<f file f></>") + 3);
    assert_null(ask(TYPE, head, sizeof(head) - 1, 3));
}

static void an_event_that_fails_ends_the_reading(void **state)
{
    answer = ERR_STORE_FULL;
    assert_null(ask(TYPE, form, sizeof(form) - 1, 50));
    answer = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_out_whatever_the_pieces),
        cmocka_unit_test(a_large_file_passes_without_being_kept),
        cmocka_unit_test(a_body_that_ends_early_is_refused),
        cmocka_unit_test(a_type_without_a_boundary_is_no_form),
        cmocka_unit_test(parts_that_make_no_sense_are_refused),
        cmocka_unit_test(headers_and_parts_have_bounds),
        cmocka_unit_test(the_bound_of_headers_is_the_same_whatever_the_pieces),
        cmocka_unit_test(a_nul_is_data_in_a_file_and_a_fault_in_a_header),
        cmocka_unit_test(an_event_that_fails_ends_the_reading),
    };
    int r = cmocka_run_group_tests(tests, NULL, NULL);

    buf_free(&out);
    return r;
}
