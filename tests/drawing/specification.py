"""docs/drawing.md written out pixel by pixel in Python's own integers."""

import math
from itertools import pairwise

import numpy as np

from smis_core.drawing import Ellipse, Polygon, Rectangle, Stroke, rasterise


def ceil(a, b):
    return -((-a) // b)


def crossings(a, b, unit):
    """Row, first column right of the edge, direction."""
    if a[1] == b[1]:
        return
    turn = 1 if a[1] < b[1] else -1
    (xa, ya), (xb, yb) = (a, b) if turn == 1 else (b, a)
    half = unit // 2
    for row in range((ya - half) // unit + 1, (yb - half) // unit + 1):
        top = (xa - half) * (yb - ya) + (unit * row + half - ya) * (xb - xa)
        yield row, top // (unit * (yb - ya)) + 1, turn


def round_segment(a, b, add):
    step = max(8, min(a[2], b[2]) // 32)
    count = max(1, ceil(max(abs(b[0] - a[0]), abs(b[1] - a[1])), step))
    for k in range(count + 1):
        x, y, s = (p + (2 * k * (q - p) + count) // (2 * count) for p, q in zip(a, b, strict=True))
        add(y // 16, x // 16, x // 16 + 1)
        if s > 16:
            for row in range(ceil(2 * y - s - 16, 32), (2 * y + s - 16) // 32 + 1):
                half = math.isqrt(s * s - (32 * row + 16 - 2 * y) ** 2)
                add(row, ceil(2 * x - half - 16, 32), (2 * x + half - 16) // 32 + 1)


def square_segment(a, b, add):
    a, b = ((x, y, max(s, 16)) for x, y, s in (a, b))

    def corner(end, sx, sy):
        return 2 * end[0] + sx * end[2], 2 * end[1] + sy * end[2]

    edges = [(corner(end, sx, -1), corner(end, sx, 1)) for end in (a, b) for sx in (-1, 1)]
    edges += [(corner(a, sx, sy), corner(b, sx, sy)) for sx in (-1, 1) for sy in (-1, 1)]
    for edge in edges:
        for row, column, _ in crossings(*edge, 32):
            add(row, column, column)


def covered(operation, shape):
    """bool [H, W]."""
    mask = np.zeros(shape, dtype=bool)

    def span(row, left, right):
        if 0 <= row < shape[0]:
            mask[row, max(left, 0) : max(right, 0)] = True

    if isinstance(operation, Stroke):
        path = []
        for (x, y), size in zip(operation.points.tolist(), operation.sizes.tolist(), strict=True):
            if not path or path[-1] != (x, y, size):
                path.append((x, y, size))
        for a, b in list(pairwise(path)) or [(path[0], path[0])]:
            rows = {}

            def add(row, left, right, rows=rows):
                low, high = rows.get(row, (left, right))
                rows[row] = (min(low, left), max(high, right))

            (round_segment if operation.brush == "round" else square_segment)(a, b, add)
            for row, (left, right) in rows.items():
                span(row, left, right)
    elif isinstance(operation, Polygon):
        winding = np.zeros(shape, dtype=int)
        corners = [tuple(each) for each in operation.points.tolist()]
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            for row, column, turn in crossings(a, b, 16):
                if 0 <= row < shape[0]:
                    winding[row, max(column, 0) :] += turn
        mask = winding != 0
    else:
        (c0, r0), (c1, r1) = np.sort(operation.points // 16, axis=0).tolist()
        wide, high = c1 - c0 + 1, r1 - r0 + 1
        for row in range(r0, r1 + 1):
            if isinstance(operation, Rectangle):
                span(row, c0, c1 + 1)
            else:
                half = wide * math.isqrt((high**2 - (2 * row - r0 - r1) ** 2) * 65536)
                half //= 256 * high
                span(row, ceil(c0 + c1 - half, 2), (c0 + c1 + half) // 2 + 1)
    return mask


def painted(operation, shape):
    """What the package covers, bool [H, W]."""
    mask = np.zeros(shape, dtype=bool)
    found = rasterise(operation, shape)
    if found is not None:
        box, inside = found
        mask[box.slices] = inside
    return mask


def random_shape(rng, height, width, *, index=1, **guards):
    """A stroke, outline or shape, in and around a map."""
    margin = int(rng.choice([20, 200, 3000]))
    most = int(rng.choice([20, 60, 400, 3000]))
    count = int(rng.integers(1, 9))

    def places(number):
        found = rng.integers(-margin, 16 * max(height, width) + margin, (number, 2))
        return found // 16 * 16 + rng.choice([0, 8]) if rng.random() < 0.3 else found

    kind = rng.choice(["round", "square", "polygon", "rectangle", "ellipse"])
    if kind in ("round", "square"):
        sizes = rng.integers(1, most, count)
        return Stroke(index=index, points=places(count), sizes=sizes, brush=str(kind), **guards)
    if kind == "polygon":
        return Polygon(index=index, points=places(count), **guards)
    form = Rectangle if kind == "rectangle" else Ellipse
    return form(index=index, points=places(2), **guards)
