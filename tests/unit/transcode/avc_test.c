/* Parameter sets as x264 writes them, and what becomes of them when they are cut or changed. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/media/avc.h"

struct known {
    const char *what, *sps;
    unsigned profile, level, width, height;
    bool plain; /* 0 in width: not read at all */
};

static const struct known sets[] = {
    { "720p", "6764001facd9405005bb011000000300100000030320f1831960", 100, 31, 1280, 720, true },
    { "Main", "674d401feca02802dd80880000030008000003019078c18cb0", 77, 31, 1280, 720, true },
    { "cropped, BT.709", "67640028acd940780227a9b016a02020280000030008000003019078c18cb0", 100, 40, 1918, 1078,
      true },
    { "full range", "6764001facd9405005bb016c800000030080000019078c18cb", 100, 31, 1280, 720, false },
    { "another transfer", "6764001facd9405005bb016a021602800000030080000019078c18cb", 100, 31, 1280, 720, false },
    { "samples that are not square", "6764001facd9405005bb0e1000000300100000030320f1831960", 100, 31, 1280, 720,
      false },
    { "small, without colours", "6764001eacd940a02ff97011000003000100000300320f162d96", 100, 30, 640, 360, false },
    { "level 5.1", "67640033acd9405005bb011000000300100000030320f1831960", 100, 51, 1280, 720, false },
    { "interlaced", "67640028acd94078044fde0220000003002000000643e2c5b2c0", 0, 0, 0, 0, false },
    { "4:2:2", "677a001fbcd9405005bb011000000300100000030320f1831960", 0, 0, 0, 0, false },
    { "Baseline", "6742c01fd9005005bb011000000300100000030320f1832480", 0, 0, 0, 0, false },
};

static size_t unhex(const char *text, uint8_t *ret)
{
    size_t n = 0;

    for (; text[0] && text[1]; text += 2) {
        char digits[3] = { text[0], text[1], 0 };

        ret[n++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

static void what_a_set_says_is_read(void **state)
{
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        const struct known *k = &sets[i];
        struct avc_picture p;
        uint8_t sps[64];
        int r = avc_read_sps(sps, unhex(k->sps, sps), &p);

        if (r != (k->width ? 0 : -1))
            fail_msg("%s: answered %d", k->what, r);
        if (r == 0 && (p.profile != k->profile || p.level != k->level || p.width != k->width ||
                       p.height != k->height || avc_is_plain(&p) != k->plain))
            fail_msg("%s: read as %ux%u, profile %u, level %u, plain %d", k->what, p.width, p.height, p.profile,
                     p.level, avc_is_plain(&p));
    }
}

/* Up to the size nothing can be missing; no change leads astray. */
static void cuts_and_flips_are_survived(void **state)
{
    uint8_t sps[64];
    size_t len = unhex(sets[0].sps, sps);
    struct avc_picture p;

    for (size_t n = 0; n < 11; n++)
        assert_int_equal(avc_read_sps(sps, n, &p), -1);
    for (size_t bit = 0; bit < len * 8; bit++) {
        sps[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (avc_read_sps(sps, len, &p) == 0)
            assert_true(p.width && p.height && p.width <= 8192 && p.height <= 8192);
        sps[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(avc_read_sps(sps, 257, &p), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_set_says_is_read),
        cmocka_unit_test(cuts_and_flips_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
