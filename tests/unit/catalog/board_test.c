/* Storyboards as plans: how many tiles of what size, and that a page finds each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/catalog/media/board.h"
#include "actors/catalog/media/mpd.h"

static const struct {
    uint64_t frames;
    uint32_t gop, width, height; /* of the smallest rung */
    struct board board;
} boards[] = {
    { 1, 50, 426, 240, { 160, 90, 1, 1, 1, 1, 50 } },
    { 250, 50, 426, 240, { 160, 90, 5, 1, 5, 1, 50 } },
    { 251, 50, 240, 426, { 90, 160, 6, 1, 6, 1, 50 } },
    { 1250, 50, 320, 240, { 160, 120, 10, 3, 25, 1, 50 } },
    { 10000, 50, 426, 240, { 160, 90, 10, 10, 200, 2, 50 } },
    { 10001, 50, 426, 240, { 160, 90, 10, 10, 101, 2, 100 } },
    { 12 * 3600 * 60, 120, 426, 240, { 160, 90, 10, 10, 200, 2, 12960 } },
    { 300, 150, 800, 20, { 160, 16, 2, 1, 2, 1, 150 } },
    { 25, 50, 16, 4096, { 16, 160, 1, 1, 1, 1, 50 } },
};

static struct plan plan_of(size_t i)
{
    struct plan plan = { .has_video = true, .grid = { 25, 1, boards[i].gop, boards[i].frames } };
    plan.ladder.rungs_n = 2;
    plan.ladder.rungs[1].width = boards[i].width;
    plan.ladder.rungs[1].height = boards[i].height;
    return plan;
}

static void tiles_are_few_and_even(void **state)
{
    for (size_t i = 0; i < sizeof(boards) / sizeof(*boards); i++) {
        struct plan plan = plan_of(i);
        struct board board;
        assert_true(board_plan(&plan, &board));
        assert_memory_equal(&board, &boards[i].board, sizeof(board));
        assert_true(board.count <= BOARD_MOST && (board.count - 1) * board.interval < boards[i].frames);
    }
    assert_false(
        board_plan(&(struct plan) { .has_video = true, .grid = { 25, 1, 50, 0 } }, &(struct board) { 0 }));
    assert_false(board_plan(&(struct plan) { .grid = { 1, 2, 1, 30 } }, &(struct board) { 0 }));
}

static void a_page_finds_each_tile(void **state)
{
    struct plan plan = plan_of(5);
    struct board board;
    struct buf out = { 0 };
    assert_true(board_plan(&plan, &board));
    board_vtt(&out, &board, &plan.grid);
    const char *all = buf_text(&out);
    assert_non_null(strstr(all, "WEBVTT\n\n00:00:00.000 --> 00:00:04.000\nsb-000.jpg#xywh=0,0,160,90\n"));
    assert_non_null(strstr(all, "\n00:00:44.000 --> 00:00:48.000\nsb-000.jpg#xywh=160,90,160,90\n"));
    assert_non_null(strstr(all, "\n00:06:40.000 --> 00:06:40.040\nsb-001.jpg#xywh=0,0,160,90\n"));
    buf_free(&out);
}

static void the_mpd_says_how_they_are_tiled(void **state)
{
    static const struct hls_segment segments[] = { { 1, 250, 50000 } };
    static const struct hls_rendition video = { .dir = "v/h264-240",
                                                .codec = "avc1.640015",
                                                .timescale = 25,
                                                .segments = segments,
                                                .segments_n = 1,
                                                .width = 426,
                                                .height = 240,
                                                .fps_num = 25,
                                                .fps_den = 1 };
    struct hls_set set = { .video = &video, .video_n = 1, .board = &boards[1].board, .board_bytes = 12500 };
    struct buf out = { 0 };
    mpd_write(&out, &set);
    const char *all = buf_text(&out);
    assert_non_null(
        strstr(all, "media=\"img/sb-$Number%03d$.jpg\" timescale=\"25\" duration=\"250\" startNumber=\"0\""));
    assert_non_null(strstr(all, "bandwidth=\"10001\" width=\"800\" height=\"90\""));
    assert_non_null(strstr(all, "value=\"5x1\""));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_few_and_even),
        cmocka_unit_test(a_page_finds_each_tile),
        cmocka_unit_test(the_mpd_says_how_they_are_tiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
