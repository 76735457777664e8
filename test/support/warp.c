#include "test/support/warp.h"

#include <criterion/criterion.h>

#include "test/support/board.h"

struct warp_board *warp_board_open(void)
{
    struct warp_board *board = board_open(HOURGLASS_WARP_SHIM, sizeof(*board));

    cr_assert_not_null(board);
    return board;
}

void warp_board_close(struct warp_board *board)
{
    board_close(board, sizeof(*board));
}
