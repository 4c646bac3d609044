/* Mails as bytes: nothing that came in a message begins a header of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/fetcher/mime.h"
#include "gen/errors.h"

static struct mime_mail mail(void)
{
    return (struct mime_mail) { .from = "kinobus@example.org",
                                .to = "ann@example.org",
                                .subject = "Hello",
                                .body = "One\nTwo\n",
                                .message_id = "note_01@example.org",
                                .date_ms = INT64_C(1795237800000) };
}

static const char *written(const struct mime_mail *m)
{
    static struct buf out;
    const char *wrong;

    buf_reset(&out);
    assert_int_equal(mime_write(m, &out, &wrong), 0);
    return buf_text(&out);
}

static const char *refused(struct mime_mail m)
{
    struct buf out = { 0 };
    const char *wrong;

    assert_int_equal(mime_write(&m, &out, &wrong), ERR_INVALID);
    assert_int_equal(out.len, 0);
    return wrong;
}

static void a_mail_is_what_the_standard_says(void **state)
{
    struct mime_mail m = mail();

    assert_string_equal(written(&m), "Date: Sat, 21 Nov 2026 05:10:00 +0000\r\n"
                                     "From: <kinobus@example.org>\r\n"
                                     "To: <ann@example.org>\r\n"
                                     "Message-ID: <note_01@example.org>\r\n"
                                     "Subject: Hello\r\n"
                                     "MIME-Version: 1.0\r\n"
                                     "Content-Type: text/plain; charset=utf-8\r\n"
                                     "Content-Transfer-Encoding: quoted-printable\r\n"
                                     "Auto-Submitted: auto-generated\r\n"
                                     "\r\n"
                                     "One\r\nTwo\r\n\r\n");
}

static void a_subject_of_other_letters_is_encoded(void **state)
{
    struct mime_mail m = mail();
    const char *text;

    m.subject = "Häuser";
    assert_non_null(strstr(written(&m), "\r\nSubject: =?utf-8?B?SMOkdXNlcg==?=\r\n"));
    m.subject = "=?utf-8?B?SGk=?="; /* what looks encoded is encoded, and read as it stands */
    assert_non_null(strstr(written(&m), "\r\nSubject: =?utf-8?B?PT91dGYtOD9CP1NHaz0/PQ==?=\r\n"));
    m.subject = "東京都東京都東京都東京都東京都東京都"; /* 54 bytes: two words, cut between characters */
    text = strstr(written(&m), "Subject: ");
    assert_non_null(strstr(text, "?=\r\n =?utf-8?B?"));
}

static void no_line_is_longer_than_it_may_be(void **state)
{
    struct mime_mail m = mail();
    char body[4000], subject[200];
    const char *line, *end;

    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = 0;
    memset(subject, 'y', sizeof(subject) - 1);
    subject[sizeof(subject) - 1] = 0;
    m.body = body;
    m.subject = subject;
    for (line = written(&m); (end = strstr(line, "\r\n")); line = end + 2)
        assert_true(end - line <= 76 + 12); /* 12: the name of a header before its first word */
}

static void a_body_is_quoted_where_it_must_be(void **state)
{
    struct mime_mail m = mail();

    m.body = "a=b \ntab\t\n\xc3\xa4 end ";
    assert_non_null(strstr(written(&m), "\r\n\r\na=3Db=20\r\ntab=09\r\n=C3=A4 end=20\r\n"));
    m.body = "dos\r\nunix\nmac\rend";
    assert_non_null(strstr(written(&m), "\r\n\r\ndos\r\nunix\r\nmac=0Dend\r\n"));
}

static void nothing_begins_a_header_of_its_own(void **state)
{
    struct mime_mail m = mail();

    m.subject = "a\r\nBcc: x@example.org";
    assert_string_equal(refused(m), "subject");
    m.subject = "a\nb";
    assert_string_equal(refused(m), "subject");
    m = mail();
    m.to = "ann@example.org\r\nBcc: x@example.org";
    assert_string_equal(refused(m), "to");
    m = mail();
    m.message_id = "a>\r\nX: y@z";
    assert_string_equal(refused(m), "message_id");
    m = mail();
    m.from = "a@b\n";
    assert_string_equal(refused(m), "from");
}

static void only_plain_addresses_are_taken(void **state)
{
    static const char *const good[] = { "a@b", "first.last+tag@mail.example.org", "o'neil@example.org" };
    static const char *const bad[] = { "",      "a",      "@b",      "a@",    "a@b@c",  "a b@c",   "<a@b>",
                                       "a@b,c", ".a@b",   "a.@b",    "a@.b",  "a@b.",   "\"a\"@b", "a@[127.0.0.1]",
                                       "a@b c", "\xc3@b", "a@b\x7f", "a\\@b", "a(c)@b", "a@b_c" };

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(mime_address_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(mime_address_ok(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_what_the_standard_says),
        cmocka_unit_test(a_subject_of_other_letters_is_encoded),
        cmocka_unit_test(no_line_is_longer_than_it_may_be),
        cmocka_unit_test(a_body_is_quoted_where_it_must_be),
        cmocka_unit_test(nothing_begins_a_header_of_its_own),
        cmocka_unit_test(only_plain_addresses_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
