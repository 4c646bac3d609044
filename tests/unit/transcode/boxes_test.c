#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "actors/transcode/boxes.h"

static const uint8_t parameter_sets[] = { 0, 0, 0, 5, 0x67, 0x64, 0x00, 0x1f, 0xac,
                                          0, 0, 0, 4, 0x68, 0xeb, 0xe3, 0xcb };
static const uint8_t aac_lc[] = { 0x11, 0x90 };
static const uint8_t idr[] = { 0, 0, 0, 3, 0x65, 1, 2 }, p_slice[] = { 0, 0, 0, 2, 0x41, 3 },
                     sps_inside[] = { 0, 0, 0, 2, 0x67, 3 };

static const struct cmaf_track video = { .video = true,
                                         .timescale = 25,
                                         .sample_duration = 1,
                                         .width = 320,
                                         .height = 180,
                                         .config = parameter_sets,
                                         .config_len = sizeof(parameter_sets) };
static const struct cmaf_track audio = {
    .timescale = 48000, .sample_duration = 1024, .channels = 2, .config = aac_lc, .config_len = sizeof(aac_lc)
};

struct built {
    struct buf bytes;
    uint64_t at;
};

/* A GOP of n samples, the first an IDR. */
static void add_gop(struct built *b, unsigned n, const uint8_t *first, size_t first_len)
{
    struct cmaf_sample samples[16];

    assert_true(n <= 16);
    for (unsigned i = 0; i < n; i++)
        samples[i] = (struct cmaf_sample) { p_slice, sizeof(p_slice), i == 1 ? 2 : -1, false };
    samples[0] = (struct cmaf_sample) { first, first_len, 0, true };
    cmaf_fragment(&video, 1, b->at, samples, n, &b->bytes);
    b->at += n;
}

static int check(const struct buf *bytes, uint64_t start, uint32_t gop, struct boxes_segment *ret)
{
    const char *why = NULL;
    int r = boxes_check_segment(buf_bytes(bytes), &video, start, gop, ret, &why);

    assert_true(r == 0 ? !why : why && *why);
    return r;
}

static void what_the_writer_makes_is_accepted(void **state)
{
    struct built b = { .at = 100 };
    struct boxes_segment is;

    add_gop(&b, 10, idr, sizeof(idr));
    add_gop(&b, 10, idr, sizeof(idr));
    add_gop(&b, 3, idr, sizeof(idr));
    assert_int_equal(check(&b.bytes, 100, 10, &is), 0);
    assert_int_equal(is.samples, 23);
    assert_int_equal(is.n, 3);
    assert_int_equal(is.gops[0].offset, 0);
    assert_memory_equal(b.bytes.data + is.gops[1].offset + 4, "moof", 4);
    assert_memory_equal(b.bytes.data + is.gops[1].offset + is.gops[1].iframe_bytes - sizeof(idr), idr,
                        sizeof(idr));
    buf_free(&b.bytes);
}

static void a_gap_in_time_is_refused(void **state)
{
    struct built b = { .at = 100 };
    struct boxes_segment is;

    add_gop(&b, 10, idr, sizeof(idr));
    assert_int_equal(check(&b.bytes, 101, 10, &is), -1);
    b.at++;
    add_gop(&b, 10, idr, sizeof(idr));
    assert_int_equal(check(&b.bytes, 100, 10, &is), -1);
    buf_free(&b.bytes);
}

static void a_gop_of_another_length_is_refused(void **state)
{
    struct built longer = { 0 }, shorter = { 0 };
    struct boxes_segment is;

    add_gop(&longer, 11, idr, sizeof(idr));
    assert_int_equal(check(&longer.bytes, 0, 10, &is), -1);
    add_gop(&shorter, 9, idr, sizeof(idr));
    assert_int_equal(check(&shorter.bytes, 0, 10, &is), 0);
    add_gop(&shorter, 10, idr, sizeof(idr)); /* a short one in the middle */
    assert_int_equal(check(&shorter.bytes, 0, 10, &is), -1);
    buf_free(&longer.bytes);
    buf_free(&shorter.bytes);
}

static void a_gop_that_begins_with_no_idr_is_refused(void **state)
{
    struct built b = { 0 };
    struct boxes_segment is;

    add_gop(&b, 10, p_slice, sizeof(p_slice));
    assert_int_equal(check(&b.bytes, 0, 10, &is), -1);
    buf_free(&b.bytes);
}

static void parameter_sets_inside_samples_are_refused(void **state)
{
    struct built b = { 0 };
    struct boxes_segment is;

    add_gop(&b, 10, sps_inside, sizeof(sps_inside));
    assert_int_equal(check(&b.bytes, 0, 10, &is), -1);
    buf_free(&b.bytes);
}

static void every_cut_is_refused(void **state)
{
    struct built b = { 0 };
    struct boxes_segment is;
    const char *why;

    add_gop(&b, 5, idr, sizeof(idr));
    for (size_t len = 0; len < b.bytes.len; len++)
        assert_int_equal(boxes_check_segment(bytes_of(b.bytes.data, len), &video, 0, 5, &is, &why), -1);
    buf_put(&b.bytes, "", 1);
    assert_int_equal(check(&b.bytes, 0, 5, &is), -1);
    buf_free(&b.bytes);
}

/* Only the sequence number, offsets of presentation and what the pictures hold may change without being noticed. */
static void most_flips_are_noticed_and_none_leads_astray(void **state)
{
    struct built b = { 0 };
    unsigned noticed = 0;

    add_gop(&b, 5, idr, sizeof(idr));
    for (size_t bit = 0; bit < b.bytes.len * 8; bit++) {
        struct boxes_segment is;
        const char *why;

        b.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (boxes_check_segment(buf_bytes(&b.bytes), &video, 0, 5, &is, &why) < 0)
            noticed++;
        else
            assert_true(is.n == 1 && is.samples == 5 && is.gops[0].iframe_bytes <= b.bytes.len);
        b.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(noticed > b.bytes.len * 8 * 6 / 10);
    buf_free(&b.bytes);
}

static void an_init_is_what_its_configuration_makes(void **state)
{
    struct buf init = { 0 }, sound = { 0 };
    const char *why = NULL;
    char codec[CODEC_NAME_MOST];

    assert_int_equal(cmaf_init(&video, &init), 0);
    assert_int_equal(boxes_check_init(buf_bytes(&init), &video, codec, &why), 0);
    assert_string_equal(codec, "avc1.64001f");
    assert_int_equal(cmaf_init(&audio, &sound), 0);
    assert_int_equal(boxes_check_init(buf_bytes(&sound), &audio, codec, &why), 0);
    assert_string_equal(codec, "mp4a.40.2");
    assert_int_equal(boxes_check_init(buf_bytes(&sound), &video, codec, &why), -1);
    for (size_t i = 0; i < init.len; i++) {
        struct cmaf_track other = video;

        init.data[i] ^= 0x10;
        if (boxes_check_init(buf_bytes(&init), &other, codec, &why) ==
            0) /* the parameter sets themselves may differ */
            assert_true(memmem(init.data, i, "avcC", 4) != NULL);
        init.data[i] ^= 0x10;
    }
    buf_put(&init, "", 1);
    assert_int_equal(boxes_check_init(buf_bytes(&init), &video, codec, &why), -1);
    buf_free(&init);
    buf_free(&sound);
}

static void an_init_of_another_size_is_refused(void **state)
{
    struct cmaf_track planned = video;
    struct buf init = { 0 };
    const char *why = NULL;
    char codec[CODEC_NAME_MOST];

    assert_int_equal(cmaf_init(&video, &init), 0);
    planned.width = 322;
    assert_int_equal(boxes_check_init(buf_bytes(&init), &planned, codec, &why), -1);
    buf_free(&init);
}

/* The sizes that a stranger's parameter set tells are the planned ones. */
static void a_copied_init_says_what_was_planned(void **state)
{
    static const uint8_t sets[] = { 0,    0,    0,    26,   0x67, 0x64, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05,
                                    0xbb, 0x01, 0x10, 0,    0,    3,    0, 0x10, 0,    0,    3,    0x03, 0x20,
                                    0xf1, 0x83, 0x19, 0x60, 0,    0,    0, 4,    0x68, 0xeb, 0xe3, 0xcb };
    struct cmaf_track track = video;
    struct buf init = { 0 };
    const char *why = NULL;
    char codec[CODEC_NAME_MOST];

    track.width = 1280;
    track.height = 720;
    track.config = sets;
    track.config_len = sizeof(sets);
    assert_int_equal(cmaf_init(&track, &init), 0);
    assert_int_equal(boxes_check_init(buf_bytes(&init), &track, codec, &why), 0);
    assert_int_equal(boxes_check_copied(buf_bytes(&init), &track, &why), 0);
    track.width = 1920;
    assert_int_equal(boxes_check_copied(buf_bytes(&init), &track, &why), -1);
    buf_free(&init);
    assert_int_equal(cmaf_init(&video, &init), 0);
    assert_int_equal(boxes_check_copied(buf_bytes(&init), &video, &why), -1);
    buf_free(&init);
}

static void a_jpeg_has_its_size_and_its_end(void **state)
{
    static const uint8_t good[] = { 0xff, 0xd8, 0xff, 0xe0, 0,    4,    1, 2, 0xff, 0xc0, 0, 9, 8,    0,   90,
                                    0,    160,  3,    1,    0xff, 0xda, 0, 3, 0,    9,    9, 9, 0xff, 0xd9 };
    const char *why = NULL;

    assert_int_equal(boxes_check_jpeg(bytes_of(good, sizeof(good)), 160, 90, &why), 0);
    assert_int_equal(boxes_check_jpeg(bytes_of(good, sizeof(good)), 90, 160, &why), -1);
    for (size_t len = 0; len < sizeof(good); len++)
        assert_int_equal(boxes_check_jpeg(bytes_of(good, len), 160, 90, &why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_writer_makes_is_accepted),
        cmocka_unit_test(a_gap_in_time_is_refused),
        cmocka_unit_test(a_gop_of_another_length_is_refused),
        cmocka_unit_test(a_gop_that_begins_with_no_idr_is_refused),
        cmocka_unit_test(parameter_sets_inside_samples_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(most_flips_are_noticed_and_none_leads_astray),
        cmocka_unit_test(an_init_is_what_its_configuration_makes),
        cmocka_unit_test(an_init_of_another_size_is_refused),
        cmocka_unit_test(a_copied_init_says_what_was_planned),
        cmocka_unit_test(a_jpeg_has_its_size_and_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
