/* Where clamd listens, and what it answers: as it does, as no clamd does, and as somebody would who wants to be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/fetcher/clamd.h"
#include "gen/errors.h"

static void places_are_sockets_of_this_host_or_another(void **state)
{
    struct clamd_place at;

    assert_int_equal(clamd_place_read("unix:/run/clamav/clamd.ctl", &at), 0);
    assert_false(at.is_tcp);
    assert_string_equal(at.path, "/run/clamav/clamd.ctl");
    assert_int_equal(clamd_place_read("tcp:scanner.example:3310", &at), 0);
    assert_true(at.is_tcp);
    assert_string_equal(at.host, "scanner.example");
    assert_string_equal(at.port, "3310");
    assert_int_equal(clamd_place_read("tcp:[fd00::7]:3310", &at), 0);
    assert_string_equal(at.host, "fd00::7");
}

static void what_is_no_place_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",         "/run/clamd.ctl", "unix:",        "unix:clamd.ctl", "tcp:",
        "tcp:host", "tcp:host:",      "tcp::3310",    "tcp:host:http",  "tcp:host:3310/",
        "tcp:[]:1", "tcp:fd00::7:1",  "tcp:h:123456", "http://host:80"
    };
    char path[200] = "unix:/";
    struct clamd_place at;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (clamd_place_read(wrong[i], &at) != ERR_INVALID)
            fail_msg("\"%s\" is a place", wrong[i]);
    memset(path + 6, 'x', sizeof(path) - 7); /* longer than the address of a socket */
    assert_int_equal(clamd_place_read(path, &at), ERR_INVALID);
}

/* ---- answers */

static enum clamd_verdict verdict(const char *text, const char *words)
{
    struct clamd_answer answer;

    assert_int_equal(clamd_answer_read(text, strlen(text) + 1, &answer), 0);
    if (words)
        assert_string_equal(answer.words, words);
    return answer.verdict;
}

static void its_answers_are_told_apart(void **state)
{
    assert_int_equal(verdict("stream: OK", ""), CLAMD_OK);
    assert_int_equal(verdict("stream: OK\n", ""), CLAMD_OK);
    assert_int_equal(verdict("stream: Eicar-Signature FOUND", "Eicar-Signature"), CLAMD_FOUND);
    assert_int_equal(verdict("stream: Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68) FOUND",
                             "Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68)"),
                     CLAMD_FOUND);
    assert_int_equal(
        verdict("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", "Heuristics.Limits.Exceeded.MaxFileSize"),
        CLAMD_LIMITED);
    assert_int_equal(verdict("INSTREAM size limit exceeded. ERROR", NULL), CLAMD_TOO_LONG);
    assert_int_equal(verdict("stream: Can't allocate memory ERROR", "Can't allocate memory"), CLAMD_ERROR);
    assert_int_equal(verdict("COMMAND READ TIMED OUT ERROR", "COMMAND READ TIMED OUT"), CLAMD_ERROR);
}

static void what_stands_behind_the_first_zero_byte_counts_for_nothing(void **state)
{
    static const char two[] = "stream: Bad FOUND\0stream: OK";
    struct clamd_answer answer;

    assert_int_equal(clamd_answer_read(two, sizeof(two), &answer), 0);
    assert_int_equal(answer.verdict, CLAMD_FOUND);
    assert_string_equal(answer.words, "Bad");
}

static void what_no_clamd_says_is_no_answer(void **state)
{
    static const char *const wrong[] = { "",
                                         "OK",
                                         "stream: ",
                                         "stream: OK FOUND?",
                                         "stream: OKAY",
                                         "stream: ok",
                                         " stream: OK",
                                         "stream:  FOUND",
                                         "FOUND",
                                         "ERROR",
                                         "220 mail.example ESMTP",
                                         "HTTP/1.1 400 Bad Request\r\n" };
    struct clamd_answer answer;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (clamd_answer_read(wrong[i], strlen(wrong[i]), &answer) != ERR_MALFORMED)
            fail_msg("\"%s\" is an answer", wrong[i]);
    assert_string_equal(answer.words, "HTTP/1.1 400 Bad Request");
    assert_int_equal(clamd_answer_read(NULL, 0, &answer), ERR_MALFORMED);
}

static void words_are_cut_and_can_be_shown(void **state)
{
    struct clamd_answer answer;
    char text[1000];

    assert_int_equal(clamd_answer_read("stream: a\033[2Jb\xc3\xa4\n FOUND", 23, &answer), 0);
    assert_string_equal(answer.words, "a?[2Jb???");
    memset(text, 'x', sizeof(text));
    memcpy(text, "stream: ", 8);
    memcpy(text + sizeof(text) - 6, " FOUND", 6);
    assert_int_equal(clamd_answer_read(text, sizeof(text), &answer), 0);
    assert_int_equal(answer.verdict, CLAMD_FOUND);
    assert_int_equal(strlen(answer.words), CLAMD_WORDS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_sockets_of_this_host_or_another),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(its_answers_are_told_apart),
        cmocka_unit_test(what_stands_behind_the_first_zero_byte_counts_for_nothing),
        cmocka_unit_test(what_no_clamd_says_is_no_answer),
        cmocka_unit_test(words_are_cut_and_can_be_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
