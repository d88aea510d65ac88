"""Sizes and paddings of `upfirdn2d`."""

from collections.abc import Sequence

from torch import Tensor

Pair = tuple[int, int]  # x, y
Sides = tuple[int, int, int, int]  # x0, x1, y0, y1


def filtered_size(
    x: Tensor, taps: Sequence[int], up: Pair, down: Pair, sides: Sides
) -> tuple[int, int]:
    """Height and width of the result for a filter of `taps` (y, x)."""
    width = (x.shape[3] * up[0] + sides[0] + sides[1] - taps[1]) // down[0] + 1
    height = (x.shape[2] * up[1] + sides[2] + sides[3] - taps[0]) // down[1] + 1
    return height, width


def adjoint_sides(
    x: Tensor, y: Tensor, taps: Sequence[int], up: Pair, down: Pair, sides: Sides
) -> Sides:
    """The padding with which the op, its factors exchanged and its filter turned, takes a gradient
    of `y` to one of `x`."""
    result: list[int] = []
    for axis in (0, 1):
        size_in, size_out, before = x.shape[3 - axis], y.shape[3 - axis], sides[2 * axis]
        after = (size_in - 1) * up[axis] - size_out * down[axis] + before + 1
        result += [taps[1 - axis] - 1 - before, after]
    return result[0], result[1], result[2], result[3]
