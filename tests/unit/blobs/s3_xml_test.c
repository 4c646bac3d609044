/* s3_xml_test - answers of an S3 store, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "data/blobs/s3_xml.h"
#include "gen/errors.h"

struct heard {
    char text[4096];
    int stop;
};

static int hear(void *ctx, const char *path, const char *text)
{
    struct heard *h = ctx;
    size_t n = strlen(h->text);

    snprintf(h->text + n, sizeof(h->text) - n, "%s=%s;", path, text);
    return h->stop;
}

static void elements_are_told_where_they_end(void **state)
{
    struct heard h = { .stop = 0 };

    assert_int_equal(
        s3_xml_walk(bytes_of_text("<?xml version=\"1.0\"?>\n<!-- x --><a xmlns='u' b=\"<\">\n <b>1 &lt; 2</b>\n"
                                  " <c/><d  x = ></d></a>"),
                    hear, &h),
        ERR_MALFORMED);
    h.text[0] = 0;
    assert_int_equal(
        s3_xml_walk(bytes_of_text("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<a xmlns='u' b=\"x\"><b>1 &lt; "
                                  "&#x26;&#228;&quot;&apos;&gt;</b>\n <c/><d><e>x</e></d ></a>\n"),
                    hear, &h),
        0);
    assert_string_equal(h.text, "a/b=1 < &\xc3\xa4\"'>;a/c=;a/d/e=x;a/d=;a=;");
}

static void who_listens_can_end_it(void **state)
{
    struct heard h = { .stop = 7 };

    assert_int_equal(s3_xml_walk(bytes_of_text("<a><b/><c/></a>"), hear, &h), 7);
    assert_string_equal(h.text, "a/b=;");
}

static void what_is_no_such_document_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a>&nbsp;</a>",
        "<a>&amp</a>",
        "<a>&#0;</a>",
        "<a>&#xd800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#;</a>",
        "<a>&#99999999999;</a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a><![CDATA[x]]></a>",
        "<a><?pi x?></a>",
        "<a b></a>",
        "<a b=c></a>",
        "<a b=\"c></a>",
        "<a>text<b/></a>",
        "<a/>text",
        "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
        "<?xml version=\"1.0\"",
        "<a><!-- x </a>",
        "< a/>",
    };
    struct heard h = { .stop = 0 };
    char *large = calloc(1, 5000);

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (s3_xml_walk(bytes_of_text(bad[i]), hear, &h) != ERR_MALFORMED)
            fail_msg("%s", bad[i]);
    memset(large, 'x', 4000);
    memcpy(large, "<a>", 3);
    memcpy(large + 4000, "</a>", 4);
    assert_int_equal(s3_xml_walk(bytes_of_text(large), hear, &h), ERR_MALFORMED);
    memset(large + 1, 'x', 100);
    assert_int_equal(s3_xml_walk(bytes_of_text(large), hear, &h), ERR_MALFORMED);
    assert_int_equal(s3_xml_walk(bytes_of("<a>\0</a>", 8), hear, &h), ERR_MALFORMED);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_told_where_they_end),
        cmocka_unit_test(who_listens_can_end_it),
        cmocka_unit_test(what_is_no_such_document_is_refused),
    };

    return cmocka_run_group_tests_name("s3_xml", tests, NULL, NULL);
}
