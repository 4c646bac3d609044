/* The file that is made of fragments: what a reader of its tables finds is what the fragments hold, wherever it begins to read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "actors/transcode/media/cmaf.h"
#include "data/isobmff/box.h"
#include "data/isobmff/mp4.h"

enum { FRAGMENTS = 3, GOP = 4 };

static const uint8_t avc[] = { 0, 0, 0, 8, 0x67, 0x64, 0, 0x1f, 1, 2, 3, 4, 0, 0, 0, 3, 0x68, 5, 6 },
                     aac[] = { 0x11, 0x90 };

/* A rendition: an init, fragments one after the other in two segments, their table, and every sample in order. */
struct rendition {
    struct cmaf_track track;
    struct buf init, segments[2], table, samples;
    size_t sizes[FRAGMENTS * GOP], samples_n;
};

static struct rendition pictures, sound;

static void make(struct rendition *r, unsigned seed)
{
    static const unsigned counts[FRAGMENTS] = { GOP, GOP, GOP - 1 };
    struct cmaf_sample samples[GOP];
    uint8_t data[GOP][64];

    assert_int_equal(cmaf_init(&r->track, &r->init), 0);
    for (unsigned f = 0; f < FRAGMENTS; f++) {
        struct buf *segment = &r->segments[f / 2];
        struct mp4_fragment row = { .segment = 1 + f / 2, .offset = (uint32_t)segment->len, .samples = counts[f] };

        for (unsigned i = 0; i < counts[f]; i++) {
            size_t len = 10 + (seed * 7 + f * 5 + i * 3) % 50;

            memset(data[i], (int)(seed + f * GOP + i), len);
            samples[i] = (struct cmaf_sample) { data[i], len, (int32_t)(i % 3) - 1, i == 0 };
            buf_put(&r->samples, data[i], len);
            r->sizes[r->samples_n++] = len;
        }
        cmaf_fragment(&r->track, f + 1, (uint64_t)f * GOP * r->track.sample_duration, samples, counts[f], segment);
        row.bytes = (uint32_t)segment->len - row.offset;
        mp4_put_row(&r->table, &row);
    }
}

static int setup(void **state)
{
    pictures.track = (struct cmaf_track) { .video = true,
                                           .timescale = 25,
                                           .sample_duration = 1,
                                           .width = 320,
                                           .height = 180,
                                           .config = avc,
                                           .config_len = sizeof(avc) };
    sound.track = (struct cmaf_track) {
        .timescale = 48000, .sample_duration = 1024, .channels = 2, .config = aac, .config_len = sizeof(aac)
    };
    make(&pictures, 1);
    make(&sound, 100);
    return 0;
}

static int teardown(void **state)
{
    struct rendition *all[] = { &pictures, &sound };

    for (size_t i = 0; i < 2; i++) {
        buf_free(&all[i]->init);
        buf_free(&all[i]->segments[0]);
        buf_free(&all[i]->segments[1]);
        buf_free(&all[i]->table);
        buf_free(&all[i]->samples);
    }
    return 0;
}

static struct mp4 *open_both(void)
{
    struct mp4_track tracks[] = { { buf_bytes(&pictures.init), buf_bytes(&pictures.table) },
                                  { buf_bytes(&sound.init), buf_bytes(&sound.table) } };
    const char *why;
    struct mp4 *mp4 = mp4_open(tracks, 2, &why);

    assert_non_null(mp4);
    return mp4;
}

/* Bytes of the file, as whoever sends it would gather them. */
static void read_file(const struct mp4 *mp4, uint64_t from, uint8_t *to, size_t len)
{
    while (len > 0) {
        struct mp4_part part = mp4_part_at(mp4, from);
        const struct rendition *r = part.track ? &sound : &pictures;
        const struct buf *segment = &r->segments[part.fragment.segment ? part.fragment.segment - 1 : 0];
        uint64_t skip = from - part.at;
        size_t n = part.len - skip < len ? (size_t)(part.len - skip) : len;
        uint8_t made[256];

        assert_true(part.at <= from && skip < part.len);
        if (part.source == MP4_TEXT) {
            memcpy(to, part.text + skip, n);
        } else if (part.source == MP4_MEDIA) {
            assert_true(part.from + part.len <= segment->len);
            memcpy(to, segment->data + part.from + skip, n);
        } else {
            assert_true(part.len <= sizeof(made));
            assert_true(mp4_entries(
                mp4, &part, bytes_of(segment->data + part.fragment.offset, mp4_head_size(mp4, &part)), made));
            memcpy(to, made + skip, n);
        }
        from += n;
        to += n;
        len -= n;
    }
}

static uint8_t *whole(const struct mp4 *mp4)
{
    uint8_t *file = malloc(mp4_size(mp4));

    assert_non_null(file);
    read_file(mp4, 0, file, mp4_size(mp4));
    return file;
}

static struct box_cursor enter(struct box_cursor c, const char *type)
{
    struct box box;

    assert_true(box_find(c, type, &box));
    return box.body;
}

/* The samples that the tables of a trak name, one after the other. */
static void follow(struct box_cursor stbl, const uint8_t *file, const struct rendition *r)
{
    struct box_cursor stsc = enter(stbl, "stsc"), stsz = enter(stbl, "stsz"), co64 = enter(stbl, "co64");
    uint32_t rows, chunks, first[8], count[8];
    size_t sample = 0, at = 0;

    box_expect(&stsc, 4, 0);
    rows = (uint32_t)box_take(&stsc, 4);
    assert_int_equal(rows, 2); /* the last is shorter than the others */
    for (uint32_t i = 0; i < rows; i++) {
        first[i] = (uint32_t)box_take(&stsc, 4);
        count[i] = (uint32_t)box_take(&stsc, 4);
        box_expect(&stsc, 4, 1);
    }
    box_expect(&stsz, 8, 0);
    box_expect(&stsz, 4, r->samples_n);
    box_expect(&co64, 4, 0);
    chunks = (uint32_t)box_take(&co64, 4);
    assert_int_equal(chunks, FRAGMENTS);
    for (uint32_t c = 1, row = 0; c <= chunks; c++) {
        const uint8_t *p = file + box_take(&co64, 8);

        while (row + 1 < rows && first[row + 1] <= c)
            row++;
        for (uint32_t i = 0; i < count[row]; i++) {
            size_t size = (size_t)box_take(&stsz, 4);

            assert_int_equal(size, r->sizes[sample++]);
            assert_memory_equal(p, r->samples.data + at, size);
            p += size;
            at += size;
        }
    }
    assert_int_equal(sample, r->samples_n);
    assert_true(box_done(&stsc) && box_done(&stsz) && box_done(&co64));
}

static void its_tables_lead_to_every_sample(void **state)
{
    struct mp4 *mp4 = open_both();
    uint8_t *file = whole(mp4);
    struct box_cursor top = box_cursor_of(bytes_of(file, mp4_size(mp4))), moov;
    struct box box, trak;

    assert_true(box_next(&top, &box) && box_is(&box, "ftyp"));
    assert_true(box_next(&top, &box) && box_is(&box, "moov"));
    moov = box.body;
    assert_true(box_next(&top, &box) && box_is(&box, "mdat"));
    assert_true(box_done(&top));
    box_enter(&moov, "mvhd");
    for (size_t i = 0; i < 2; i++) {
        assert_true(box_next(&moov, &trak) && box_is(&trak, "trak"));
        follow(enter(enter(enter(trak.body, "mdia"), "minf"), "stbl"), file, i ? &sound : &pictures);
    }
    assert_true(box_done(&moov));
    free(file);
    mp4_close(&mp4);
}

static void times_and_keyframes_are_those_of_the_fragments(void **state)
{
    struct mp4 *mp4 = open_both();
    uint8_t *file = whole(mp4);
    struct box_cursor moov = enter(box_cursor_of(bytes_of(file, mp4_size(mp4))), "moov"), mdia, stbl, c;

    mdia = enter(enter(moov, "trak"), "mdia");
    c = enter(mdia, "mdhd");
    box_skip(&c, 20);
    assert_int_equal(box_take(&c, 4), 25);
    assert_int_equal(box_take(&c, 8), pictures.samples_n);
    stbl = enter(enter(mdia, "minf"), "stbl");
    c = enter(stbl, "ctts");
    box_expect(&c, 4, 1u << 24);
    box_expect(&c, 4, pictures.samples_n);
    for (size_t i = 0; i < pictures.samples_n; i++) {
        box_expect(&c, 4, 1);
        assert_int_equal((int32_t)box_take(&c, 4), (int32_t)(i % GOP % 3) - 1);
    }
    assert_true(box_done(&c));
    c = enter(stbl, "stss");
    box_expect(&c, 4, 0);
    box_expect(&c, 4, FRAGMENTS);
    for (uint32_t f = 0; f < FRAGMENTS; f++)
        box_expect(&c, 4, 1 + f * GOP);
    assert_true(box_done(&c));
    free(file);
    mp4_close(&mp4);
}

static void it_reads_the_same_wherever_one_begins(void **state)
{
    struct mp4 *mp4 = open_both();
    uint8_t *file = whole(mp4), some[29];

    for (uint64_t at = 0; at + sizeof(some) <= mp4_size(mp4); at++) {
        read_file(mp4, at, some, sizeof(some));
        assert_memory_equal(some, file + at, sizeof(some));
    }
    free(file);
    mp4_close(&mp4);
}

static void one_track_is_enough(void **state)
{
    struct mp4_track only = { buf_bytes(&sound.init), buf_bytes(&sound.table) };
    const char *why;
    struct mp4 *mp4 = mp4_open(&only, 1, &why);

    assert_non_null(mp4);
    assert_null(mp4_open(&only, 0, &why));
    assert_non_null(why);
    mp4_close(&mp4);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct mp4_track good = { buf_bytes(&pictures.init), buf_bytes(&pictures.table) }, bad = good;
    uint8_t table[FRAGMENTS * MP4_ROW];
    const char *why;

    for (size_t len = 0; len < good.init.len; len++) {
        bad.init.len = len;
        assert_null(mp4_open(&bad, 1, &why));
    }
    bad = good;
    for (size_t len = 0; len < good.table.len; len++) {
        bad.table.len = len;
        struct mp4 *mp4 = mp4_open(&bad, 1, &why);

        assert_int_equal(mp4 != NULL, len && len % MP4_ROW == 0);
        mp4_close(&mp4);
    }
    bad.table = bytes_of(table, sizeof(table));
    for (size_t field = 8; field <= 12; field += 4) { /* no bytes; no samples */
        memcpy(table, good.table.data, sizeof(table));
        memset(table + field, 0, 4);
        assert_null(mp4_open(&bad, 1, &why));
    }
}

static void a_head_that_is_another_fragments_is_found_out(void **state)
{
    struct mp4 *mp4 = open_both();
    uint8_t made[256], head[256];

    for (uint64_t at = 0; at < mp4_size(mp4);) {
        struct mp4_part part = mp4_part_at(mp4, at);
        size_t size = mp4_head_size(mp4, &part);

        at = part.at + part.len;
        if ((part.source != MP4_SIZES && part.source != MP4_OFFSETS) || part.track)
            continue;
        memcpy(head, pictures.segments[part.fragment.segment - 1].data + part.fragment.offset, size);
        assert_true(mp4_entries(mp4, &part, bytes_of(head, size), made));
        for (size_t len = 0; len < size - 8; len++) /* the last 8 are mdat's */
            assert_false(mp4_entries(mp4, &part, bytes_of(head, len), made));
        head[91] ^= 1; /* how many samples its trun has */
        assert_false(mp4_entries(mp4, &part, bytes_of(head, size), made));
    }
    mp4_close(&mp4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_tables_lead_to_every_sample),
        cmocka_unit_test(times_and_keyframes_are_those_of_the_fragments),
        cmocka_unit_test(it_reads_the_same_wherever_one_begins),
        cmocka_unit_test(one_track_is_enough),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_head_that_is_another_fragments_is_found_out),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
