/* Records and samples of codecs beside H.264: as x265 and SVT-AV1 write them, cut, changed, and out of place. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "actors/transcode/boxes.h"
#include "actors/transcode/media/av1.h"

static const uint8_t hevc_record[] = {
    0x01, 0x01, 0x60, 0x00, 0x00, 0x00, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3c, 0xf0, 0x00, 0xfc, 0xfd,
    0xf8, 0xf8, 0x00, 0x00, 0x0f, 0x03, 0xa0, 0x00, 0x01, 0x00, 0x18, 0x40, 0x01, 0x0c, 0x01, 0xff, 0xff,
    0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x95, 0x98,
    0x09, 0xa1, 0x00, 0x01, 0x00, 0x2e, 0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00,
    0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0xa0, 0x0d, 0x88, 0x0f, 0x1c, 0x9e, 0x59, 0x59, 0xa4, 0x93,
    0x2b, 0xc0, 0x5a, 0x80, 0x80, 0x80, 0x82, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0x78,
    0x10, 0xa2, 0x00, 0x01, 0x00, 0x07, 0x44, 0x01, 0xc1, 0x72, 0xb4, 0x22, 0x40
};
static const uint8_t av1_record[] = { 0x81, 0x00, 0x0c, 0x00, 0x0a, 0x0e, 0x00, 0x00, 0x00, 0x04,
                                      0x3e, 0xa7, 0xbc, 0x02, 0xf8, 0x10, 0x10, 0x10, 0x10, 0x40 };

static const struct known {
    enum picture_codec codec;
    struct bytes record;
    const char *name;
} all[] = { { PICTURE_CODEC_HEVC, { hevc_record, sizeof(hevc_record) }, "hvc1.1.6.L60.90" },
            { PICTURE_CODEC_AV1, { av1_record, sizeof(av1_record) }, "av01.0.00M.08" } };
enum { ALL = sizeof(all) / sizeof(*all) };

static void a_record_is_what_its_configuration_makes(void **state)
{
    for (size_t i = 0; i < ALL; i++) {
        const struct coding *coding = coding_of(all[i].codec);
        struct buf config = { 0 }, again = { 0 };
        char name[CODEC_NAME_MOST];

        assert_true(coding->read_record(all[i].record, &config));
        assert_true(coding->put_record(buf_bytes(&config), &again));
        assert_true(bytes_equal(buf_bytes(&again), all[i].record));
        assert_true(coding->name(buf_bytes(&config), 426, 240, name));
        assert_string_equal(name, all[i].name);
        assert_false(coding->name(buf_bytes(&config), 426, 242, name));
        assert_false(coding->name(buf_bytes(&config), 424, 240, name));
        buf_free(&config);
        buf_free(&again);
    }
}

/* Whatever is accepted is of our kind: another profile, depth or sampling is not. */
static void what_is_cut_or_of_another_kind_is_refused(void **state)
{
    for (size_t i = 0; i < ALL; i++) {
        const struct coding *coding = coding_of(all[i].codec);

        for (size_t len = 0; len < all[i].record.len; len++) {
            struct buf config = { 0 };

            assert_false(coding->read_record(bytes_of(all[i].record.data, len), &config));
            buf_free(&config);
        }
    }
    for (size_t bit = 0; bit < sizeof(hevc_record) * 8; bit++) {
        uint8_t record[sizeof(hevc_record)];
        struct buf config = { 0 };
        char name[CODEC_NAME_MOST];

        memcpy(record, hevc_record, sizeof(record));
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (coding_of(PICTURE_CODEC_HEVC)->read_record(bytes_of(record, sizeof(record)), &config) &&
            coding_of(PICTURE_CODEC_HEVC)->name(buf_bytes(&config), 426, 240, name))
            assert_memory_equal(name, "hvc1.1.", 7);
        buf_free(&config);
    }
}

static void an_init_of_each_codec_is_written_and_read(void **state)
{
    for (size_t i = 0; i < ALL; i++) {
        struct cmaf_track track = { .video = true,
                                    .codec = all[i].codec,
                                    .timescale = 25,
                                    .sample_duration = 1,
                                    .width = 426,
                                    .height = 240 };
        struct buf config = { 0 }, init = { 0 };
        const char *why = NULL;
        char codec[CODEC_NAME_MOST];

        assert_true(coding_of(all[i].codec)->read_record(all[i].record, &config));
        track.config = config.data;
        track.config_len = config.len;
        assert_int_equal(cmaf_init(&track, &init), 0);
        assert_int_equal(boxes_check_init(buf_bytes(&init), &track, codec, &why), 0);
        assert_string_equal(codec, all[i].name);
        track.codec = PICTURE_CODEC_H264;
        assert_int_equal(boxes_check_init(buf_bytes(&init), &track, codec, &why), -1);
        buf_free(&config);
        buf_free(&init);
    }
}

#define SAMPLE(...) bytes_of((const uint8_t[]) { __VA_ARGS__ }, sizeof((const uint8_t[]) { __VA_ARGS__ }))

static void a_picture_to_begin_with_is_where_one_is_due_and_nowhere_else(void **state)
{
    const struct coding *hevc = coding_of(PICTURE_CODEC_HEVC), *av1 = coding_of(PICTURE_CODEC_AV1);
    struct bytes idr = SAMPLE(0, 0, 0, 3, 0x28, 0x01, 0xaf), trail = SAMPLE(0, 0, 0, 3, 0x02, 0x01, 0xd0),
                 cra = SAMPLE(0, 0, 0, 3, 0x2a, 0x01, 0xaf),
                 sets = SAMPLE(0, 0, 0, 2, 0x40, 0x01, 0, 0, 0, 3, 0x28, 0x01, 0xaf);
    struct bytes key = SAMPLE(0x0a, 0x01, 0x00, 0x32, 0x02, 0x10, 0x00), inter = SAMPLE(0x32, 0x02, 0x30, 0x00),
                 hidden_key = SAMPLE(0x32, 0x02, 0x00, 0x00), shown_again = SAMPLE(0x1a, 0x01, 0x88),
                 delimiter = SAMPLE(0x12, 0x00, 0x32, 0x02, 0x10, 0x00),
                 header_later = SAMPLE(0x32, 0x02, 0x30, 0x00, 0x0a, 0x01, 0x00),
                 unsized = SAMPLE(0x30, 0x10, 0x00), longer = SAMPLE(0x32, 0x03, 0x10, 0x00);

    assert_true(hevc->check_sample(idr, true) && !hevc->check_sample(idr, false));
    assert_true(hevc->check_sample(trail, false) && !hevc->check_sample(trail, true));
    assert_false(hevc->check_sample(cra, true)); /* what follows may refer to what lies before it */
    assert_false(hevc->check_sample(sets, true));
    assert_true(av1->check_sample(key, true) && !av1->check_sample(key, false));
    assert_true(av1->check_sample(inter, false) && !av1->check_sample(inter, true));
    assert_true(av1->check_sample(shown_again, false) && !av1->check_sample(shown_again, true));
    assert_false(av1->check_sample(hidden_key, true));
    assert_false(av1->check_sample(delimiter, true) || av1->check_sample(header_later, false));
    assert_false(av1->check_sample(unsized, true) || av1->check_sample(longer, true));
    assert_false(av1->check_sample(bytes_of("", 0), false) || hevc->check_sample(bytes_of("", 0), false));
    assert_int_equal(av1_delimiter(delimiter), 2);
    assert_int_equal(av1_delimiter(key), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_what_its_configuration_makes),
        cmocka_unit_test(what_is_cut_or_of_another_kind_is_refused),
        cmocka_unit_test(an_init_of_each_codec_is_written_and_read),
        cmocka_unit_test(a_picture_to_begin_with_is_where_one_is_due_and_nowhere_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
