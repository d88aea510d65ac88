"""Which pixels a stroke, an outline or a shape covers, in integers alone: docs/drawing.md.

Whatever runs in the browser draws the same pixels by the same arithmetic. All shapes come down to
events: at this pixel of this row, the winding number changes by so much.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from smis_core.drawing.operations import (
    UNIT,
    Box,
    Ellipse,
    Ints,
    Landmark,
    Painting,
    Polygon,
    Rectangle,
    Stroke,
)

Mask: TypeAlias = npt.NDArray[np.bool_]
_Events: TypeAlias = tuple[Ints, Ints, npt.NDArray[np.int16]]  # rows, columns, changes

_PAIRS = 1 << 14
"""Stamps times rows that are held in memory at once."""


def rasterise(
    operation: Painting,
    shape: tuple[int, int],
) -> tuple[Box, Mask] | None:
    """The pixels that an operation covers, whatever is painted there.

    Args:
        operation: a ``Stroke``, ``Polygon``, ``Rectangle``, ``Ellipse`` or ``Landmark``.
        shape: height and width of the map in pixels.

    Returns:
        A box within the map and a bool mask of its size, or None if no pixel is covered.

    Raises:
        TypeError: the operation depends on what is painted (bucket, mirror …).
    """
    events: Iterator[_Events] | None
    if isinstance(operation, Stroke):
        low = operation.points - operation.sizes[:, None] // 2 - UNIT
        high = operation.points + operation.sizes[:, None] // 2 + UNIT
        box = _box(low.min(axis=0), high.max(axis=0), shape)
        form = _round if operation.brush == "round" else _square
        points, sizes = operation.points.astype(np.int64), operation.sizes.astype(np.int64)
        events = None if box is None else form(points, sizes, box)
    elif isinstance(operation, Landmark):
        dot = Stroke(
            index=operation.index,
            points=operation.at[None],
            sizes=np.full(1, operation.size, dtype=np.int32),
        )
        return rasterise(dot, shape)
    elif isinstance(operation, Polygon):
        points = operation.points.astype(np.int64)
        box = _box(points.min(axis=0), points.max(axis=0), shape)
        events = None if box is None else iter([_outline(points, box)])
    elif isinstance(operation, (Rectangle, Ellipse)):
        pixels = np.sort(operation.points.astype(np.int64) // UNIT, axis=0)
        box = _box(pixels[0] * UNIT, pixels[1] * UNIT, shape)
        shape_of = _ellipse if isinstance(operation, Ellipse) else _rectangle
        events = None if box is None else iter([shape_of(pixels, box)])
    else:
        raise TypeError(
            "rasterise: a stroke, polygon, rectangle, ellipse or landmark was wanted, got "
            f"{type(operation).__name__}; use apply"
        )
    if box is None or events is None:
        return None
    return trimmed(box, _wound(events, box))


def trimmed(box: Box, mask: Mask) -> tuple[Box, Mask] | None:
    """The smallest box around what is covered; None if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    inner = Box(
        box.top + int(top), box.left + int(left), box.top + int(bottom), box.left + int(right)
    )
    return inner, mask[top:bottom, left:right]


def _box(low: Ints, high: Ints, shape: tuple[int, int]) -> Box | None:
    """The pixels from one position to another, both included, that lie in the map."""
    height, width = shape
    left, top = (int(each) // UNIT for each in low)
    right, bottom = (int(each) // UNIT + 1 for each in high)
    box = Box(max(top, 0), max(left, 0), min(bottom, height), min(right, width))
    return box if box.top < box.bottom and box.left < box.right else None


def _wound(events: Iterator[_Events], box: Box) -> Mask:
    """Where the winding number is not zero."""
    height, width = box.bottom - box.top, box.right - box.left
    # Each segment or edge changes it by one at most, and there are fewer than 2 ** 15.
    winding = np.zeros((height, width + 1), dtype=np.int16)
    for rows, columns, changes in events:
        place = (rows - box.top) * (width + 1) + (columns - box.left).clip(0, width)
        np.add.at(winding.reshape(-1), place, changes)
    np.cumsum(winding, axis=1, dtype=np.int16, out=winding)
    mask: Mask = winding[:, :-1] != 0
    return mask


def _spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Which interval each number of all intervals comes from, and the number."""
    counts = (last - first + 1).clip(0)
    owner = np.repeat(np.arange(len(first)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(len(owner)) - (ends - counts - first)[owner]


def _spans(rows: Ints, left: Ints, right: Ints) -> _Events:
    """Events of pixels left to right - 1."""
    some = left < right
    rows, left, right = rows[some], left[some], right[some]
    ones = np.ones(len(rows), dtype=np.int16)
    return np.tile(rows, 2), np.concatenate([left, right]), np.concatenate([ones, -ones])


def _segments(points: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Each piece's ends as x, y and size: two arrays [S, 3]."""
    path = np.column_stack([points, sizes])
    moved = np.concatenate([[True], (np.diff(path, axis=0) != 0).any(axis=1)])
    path = path[moved]
    return (path, path) if len(path) == 1 else (path[:-1], path[1:])


def _merged(
    slots: int,
    start: Ints,  # [S], the first slot of each segment
    first: Ints,  # [S], the row of that slot
    parts: list[tuple[Ints, Ints, Ints, Ints]],  # segments, rows, left, right (first beyond)
    clipped: tuple[int, int],
) -> _Events:
    """For each segment and row, one span from the smallest left to the largest right."""
    left = np.full(slots, np.iinfo(np.int64).max)
    right = np.full(slots, np.iinfo(np.int64).min)
    row_of = np.zeros(slots, dtype=np.int64)
    low, high = clipped
    for owner, rows, begin, end in parts:
        slot = start[owner] + rows - first[owner]
        row_of[slot] = rows
        np.minimum.at(left, slot, begin)
        np.maximum.at(right, slot, end)
    return _spans(row_of, left.clip(low, high), right.clip(low, high))


def _round(points: Ints, sizes: Ints, box: Box) -> Iterator[_Events]:
    begin, end = _segments(points, sizes)
    step = np.maximum(UNIT // 2, np.minimum(begin[:, 2], end[:, 2]) >> 5)
    length = np.abs(end - begin)[:, :2].max(axis=1)
    count = np.maximum(-(-length // step), 1)
    rows = np.maximum(begin[:, 2], end[:, 2]) // UNIT + 3
    for chosen in _batches((count + 1) * np.minimum(rows, box.bottom - box.top)):
        yield _stamped(begin[chosen], end[chosen], count[chosen], box)


def _batches(costs: Ints) -> Iterator[slice]:
    total = np.cumsum(costs)
    start = 0
    while start < len(costs):
        spent = int(total[start - 1]) if start else 0
        stop = max(int(np.searchsorted(total, spent + _PAIRS)), start + 1)
        yield slice(start, stop)
        start = stop


def _stamped(begin: Ints, end: Ints, count: Ints, box: Box) -> _Events:
    """Discs along each segment, and the pixels under their centres."""
    segment, number = _spread(np.zeros_like(count), count)
    steps = count[segment][:, None]
    moved = (2 * number[:, None] * (end - begin)[segment] + steps) // (2 * steps)
    x, y, size = (begin[segment] + moved).T
    row, column = y // UNIT, x // UNIT
    seen = (row >= box.top) & (row < box.bottom)
    dots = (segment[seen], row[seen], column[seen], column[seen] + 1)
    # A disc in units of 1/32 pixel, so that its radius is a whole number.
    first = np.where(size > UNIT, -((size + 16 - 2 * y) // 32), row)
    last = np.where(size > UNIT, (2 * y + size - 16) // 32, row)
    first, last = first.clip(box.top, box.bottom), last.clip(box.top - 1, box.bottom - 1)
    ends = np.cumsum(count + 1)
    starts = ends - count - 1
    segment_first = np.minimum.reduceat(first, starts)
    segment_last = np.maximum.reduceat(last, starts)
    slots = (segment_last - segment_first + 1).clip(0)
    stamp, rows = _spread(first, np.where(size > UNIT, last, first - 1))
    height = 32 * rows + 16 - 2 * y[stamp]
    half = _isqrt(size[stamp] ** 2 - height**2)
    left = -((half + 16 - 2 * x[stamp]) // 32)
    right = (2 * x[stamp] + half - 16) // 32 + 1
    return _merged(
        int(slots.sum()),
        np.cumsum(slots) - slots,
        segment_first,
        [dots, (segment[stamp], rows, left, right)],
        (box.left, box.right),
    )


def _square(points: Ints, sizes: Ints, box: Box) -> Iterator[_Events]:
    begin, end = _segments(points, np.maximum(sizes, UNIT))
    rows = np.minimum(np.abs(end - begin)[:, 1] // UNIT, box.bottom - box.top)
    rows += np.maximum(begin[:, 2], end[:, 2]) // UNIT + 3
    for chosen in _batches(8 * rows):
        yield _swept(begin[chosen], end[chosen], box)


def _swept(begin: Ints, end: Ints, box: Box) -> _Events:
    """The hull of each segment's two squares, in units of 1/32 pixel."""
    corners = [
        np.stack([2 * each[:, 0] + sx * each[:, 2], 2 * each[:, 1] + sy * each[:, 2]], axis=1)
        for each in (begin, end)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    # Upright sides of both squares, then the lines that join their corners.
    pairs = [(0, 1), (2, 3), (4, 5), (6, 7), (0, 4), (1, 5), (2, 6), (3, 7)]
    edges = [_crossings(corners[one], corners[other], box, unit=32) for one, other in pairs]
    top = np.minimum(begin[:, 1] * 2 - begin[:, 2], end[:, 1] * 2 - end[:, 2])
    bottom = np.maximum(begin[:, 1] * 2 + begin[:, 2], end[:, 1] * 2 + end[:, 2])
    first = ((top - 16) // 32 + 1).clip(box.top, box.bottom)
    last = ((bottom - 16) // 32).clip(box.top - 1, box.bottom - 1)
    slots = (last - first + 1).clip(0)
    return _merged(
        int(slots.sum()),
        np.cumsum(slots) - slots,
        first,
        [(owner, rows, columns, columns) for owner, rows, columns, _ in edges],
        (box.left, box.right),
    )


def _outline(points: Ints, box: Box) -> _Events:
    _, rows, columns, turns = _crossings(points, np.roll(points, -1, axis=0), box, unit=UNIT)
    return rows, columns, turns


def _crossings(
    begin: Ints,  # [E, 2]
    end: Ints,  # [E, 2]
    box: Box,
    *,
    unit: int,  # of a pixel
) -> tuple[Ints, Ints, Ints, npt.NDArray[np.int16]]:
    """Where edges cross the middles of rows: edge, row, first pixel right of it, direction."""
    down = begin[:, 1] < end[:, 1]
    upper = np.where(down[:, None], begin, end)
    lower = np.where(down[:, None], end, begin)
    half = unit // 2
    first = ((upper[:, 1] - half) // unit + 1).clip(box.top, box.bottom)
    last = ((lower[:, 1] - half) // unit).clip(box.top - 1, box.bottom - 1)
    edge, rows = _spread(first, last)
    fall = (lower - upper)[:, 1][edge]
    run = (lower - upper)[:, 0][edge]
    below = unit * rows + half - upper[:, 1][edge]
    columns = ((upper[:, 0][edge] - half) * fall + below * run) // (unit * fall) + 1
    turns = np.where(down, 1, -1).astype(np.int16)[edge]
    return edge, rows, columns, turns


def _rectangle(pixels: Ints, box: Box) -> _Events:
    rows = np.arange(box.top, box.bottom)
    return _spans(rows, np.full_like(rows, box.left), np.full_like(rows, box.right))


def _ellipse(
    pixels: Ints,  # [2, 2], the first and last column and row
    box: Box,
) -> _Events:
    wide, high = (int(each) for each in pixels[1] - pixels[0] + 1)
    middle_x, middle_y = (int(each) for each in pixels.sum(axis=0))
    rows = np.arange(box.top, box.bottom)
    half = wide * _isqrt((high**2 - (2 * rows - middle_y) ** 2) << 16) // (high << 8)
    return _spans(rows, -((half - middle_x) // 2), (middle_x + half) // 2 + 1)


def _isqrt(values: Ints) -> Ints:
    """The largest integers whose squares are not larger; exact below 2 ** 52."""
    roots: Ints = np.sqrt(values.astype(np.float64)).astype(np.int64)
    return roots
