#include "actors/catalog/media/board.h"

#include <stdio.h>

/* Of a strip the tiles are wider than it is: an image of less is none that a run may be asked for. */
static uint32_t board_even(double side)
{
    uint32_t even = (uint32_t)(side / 2 + 0.5) * 2;
    return even < BOARD_SIDE_LEAST ? BOARD_SIDE_LEAST : even;
}

bool board_plan(const struct plan *plan, struct board *ret)
{
    uint64_t frames = plan->grid.frames, step, tiles;
    if (!plan->has_video || !frames)
        return false;
    const struct ladder_rung *rung = &plan->ladder.rungs[plan->ladder.rungs_n - 1];
    double shrink = (double)BOARD_SIDE / (rung->width > rung->height ? rung->width : rung->height);
    step = (frames + (uint64_t)plan->grid.gop * BOARD_MOST - 1) / ((uint64_t)plan->grid.gop * BOARD_MOST);
    *ret = (struct board) { .width = board_even(rung->width * shrink),
                            .height = board_even(rung->height * shrink),
                            .interval = step * plan->grid.gop };
    tiles = (frames + ret->interval - 1) / ret->interval;
    ret->count = (uint32_t)tiles;
    ret->columns = tiles < BOARD_SIDE_N ? ret->count : BOARD_SIDE_N;
    ret->rows = (ret->count + ret->columns - 1) / ret->columns;
    ret->rows = ret->rows < BOARD_SIDE_N ? ret->rows : BOARD_SIDE_N;
    ret->images = (ret->count + ret->columns * ret->rows - 1) / (ret->columns * ret->rows);
    return true;
}

void board_name(uint32_t image, char ret[32])
{
    snprintf(ret, 32, "sb-%03u.jpg", image);
}

static void board_time(struct buf *out, uint64_t ms)
{
    buf_printf(out, "%02llu:%02llu:%02llu.%03llu", (unsigned long long)(ms / 3600000),
               (unsigned long long)(ms / 60000 % 60), (unsigned long long)(ms / 1000 % 60),
               (unsigned long long)(ms % 1000));
}

void board_vtt(struct buf *out, const struct board *board, const struct grid *grid)
{
    uint32_t page = board->columns * board->rows;
    buf_put_text(out, "WEBVTT\n");
    for (uint32_t i = 0; i < board->count; i++) {
        uint64_t end = (i + 1) * board->interval;
        uint32_t on_page = i % page;
        char name[32];
        board_name(i / page, name);
        buf_put_text(out, "\n");
        board_time(out, grid_ms(grid, i * board->interval));
        buf_put_text(out, " --> ");
        board_time(out, grid_ms(grid, end < grid->frames ? end : grid->frames));
        buf_printf(out, "\n%s#xywh=%u,%u,%u,%u\n", name, on_page % board->columns * board->width,
                   on_page / board->columns * board->height, board->width, board->height);
    }
}
