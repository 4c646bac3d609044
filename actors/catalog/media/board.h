/* board - the storyboard of a video: small pictures of it at even distances, as tiles of a few images. What of it is made
 * where follows from the plan, as all else does; its pictures are those that begin the GOPs of the smallest rung. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actors/catalog/media/plan.h"
#include "schemas/wire/buf.h"

enum {
    BOARD_SIDE = 160,  /* pixels of a tile's longer side */
    BOARD_SIDE_N = 10, /* tiles beside and above each other */
    BOARD_SIDE_LEAST = 16,
    BOARD_MOST = 200, /* tiles of a video, about: MEDIA 1.4 */
};

struct board {
    uint32_t width, height; /* of a tile */
    uint32_t columns, rows; /* of an image */
    uint32_t count;         /* tiles in all */
    uint32_t images;
    uint64_t interval; /* frames of the grid from tile to tile */
};

/* False while the length is not known, and for sound alone. */
bool board_plan(const struct plan *plan, struct board *ret);

/* "sb-000.jpg" */
void board_name(uint32_t image, char ret[32]);

/* WebVTT that says which tile is when: what pages read. */
void board_vtt(struct buf *out, const struct board *board, const struct grid *grid);
