/* sha256_test - the standard's own examples, any pieces, and states that were written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "data/blobs/sha256.h"

enum { LONGEST = 1000 };

static uint8_t data[LONGEST];

static void fill(void)
{
    for (size_t i = 0; i < LONGEST; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
}

static void hash(const void *from, size_t len, uint8_t ret[SHA256_SIZE])
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, from, len);
    sha256_final(&s, ret);
}

static void the_examples_of_the_standard_hold(void **state)
{
    static const struct {
        const char *text, *want;
    } examples[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };

    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        uint8_t got[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];

        hash(examples[i].text, strlen(examples[i].text), got);
        assert_string_equal(sodium_bin2hex(hex, sizeof(hex), got, sizeof(got)), examples[i].want);
    }
}

static void pieces_and_states_written_down_change_nothing(void **state)
{
    uint8_t want[SHA256_SIZE], got[SHA256_SIZE], saved[SHA256_STATE];

    fill();
    hash(data, LONGEST, want);
    for (size_t piece = 1; piece < 200; piece++) {
        struct sha256 s;

        sha256_init(&s);
        for (size_t at = 0; at < LONGEST; at += piece) {
            sha256_update(&s, data + at, piece < LONGEST - at ? piece : LONGEST - at);
            sha256_final(&s, got); /* looking disturbs nothing */
            sha256_save(&s, saved);
            memset(&s, 0xff, sizeof(s));
            sha256_load(&s, saved);
        }
        sha256_final(&s, got);
        assert_memory_equal(got, want, sizeof(want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_standard_hold),
        cmocka_unit_test(pieces_and_states_written_down_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
