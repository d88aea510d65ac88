"""Bringing label maps to another size without losing what a person painted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

_Indices = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float32]
_UNPAINTED = 255


def enlarge(
    indices: _Indices,  # [H, H]
    size: int,  # more than H
) -> _Indices:
    """Smooth outlines at ``[size, size]``: no steps where an edge is slanted.

    Each class's plane is blurred by one old pixel, and the largest value takes the new pixel: wide
    enough to see where an edge runs, and too wide for strokes, dots and sharp corners. Where
    `shrink` would not give an old pixel back, the planes are interpolated instead (cubic
    convolution: Keys, 1981), which shows steps but keeps a one-pixel stroke whole; around it too,
    because the pixel may be the end of a stroke.
    """
    side = indices.shape[0]
    position = (np.arange(size) + 0.5) * side / size
    place = position.astype(np.int64)
    nearest = indices[place[:, None], place]
    present = np.unique(indices)
    sigma = size / side
    blurred = _strongest(
        ndimage.gaussian_filter((nearest == label).astype(np.float32), sigma, mode="nearest")
        for label in present
    )
    lost = shrink(present[blurred], side) != indices
    lost = ndimage.binary_dilation(lost, np.ones((3, 3)))
    kernel = _cubic(position - 0.5)
    interpolated = _strongest(_interpolated(indices == label, *kernel) for label in present)
    enlarged: _Indices = present[np.where(lost[place[:, None], place], interpolated, blurred)]
    return enlarged


def _strongest(planes: Iterator[_Floats]) -> _Ints:  # each [S, S]
    """Which plane is the largest where, the first of equals: [S, S]."""
    # One by one: a stack of all classes at the largest size would not fit into memory.
    best = next(planes)
    winner = np.zeros(best.shape, dtype=np.int64)
    for order, plane in enumerate(planes, start=1):
        ahead = plane > best
        best[ahead], winner[ahead] = plane[ahead], order
    return winner


def _cubic(
    position: npt.NDArray[np.float64],  # [S], of the new pixels' centres between the old ones'
) -> tuple[_Ints, _Floats]:
    """The four old pixels around each new one, and their weights: [4, S]."""
    taps = np.floor(position).astype(np.int64) + np.arange(-1, 3)[:, None]
    distance = np.abs(position - taps)
    inner = 1 - 2.5 * distance**2 + 1.5 * distance**3
    outer = 2 - 4 * distance + 2.5 * distance**2 - 0.5 * distance**3
    return taps, np.where(distance < 1, inner, outer).astype(np.float32)


def _interpolated(
    plane: npt.NDArray[np.bool_],  # [H, H]
    taps: _Ints,  # [4, S]
    weights: _Floats,  # [4, S]
) -> _Floats:
    """The plane at [S, S]."""
    taps = taps.clip(0, plane.shape[0] - 1)
    # Sums instead of a matrix product, which would wake the threads of BLAS for next to nothing.
    tall = (weights[:, :, None] * plane[taps]).sum(axis=0)
    grown: _Floats = np.zeros((taps.shape[1], taps.shape[1]), dtype=np.float32)
    for tap, weight in zip(taps, weights, strict=True):
        grown += weight * tall[:, tap]
    return grown


def shrink(
    indices: _Indices,  # [H, H], H > size
    size: int,
) -> _Indices:
    """Majority of each new pixel, then pixels of their own for parts that vanished.

    A part is thick where a square as large as a new pixel fits into it: the majority keeps it,
    and what lies within half a new pixel of it is the rounding of its edge. The rest is a stroke,
    a tip or a dot: the new pixels with most of it are given to it, until all of it is within a
    third of one. (With a half there, every other pixel of a stroke would do; with nothing, a
    stroke on the border of two pixels would take both.) The classes that cover least come last
    and so have the last word.
    """
    height = indices.shape[0]
    position = (np.arange(height) + 0.5) * size / height
    cell = position.astype(np.int64)
    classes, counts = _count(indices, cell, size)
    area = counts.sum(axis=(1, 2))
    area[classes == _UNPAINTED] = np.iinfo(np.int64).max
    rare_first = np.argsort(area, kind="stable")
    # argmax takes the first of equals, so that a tie falls to the rarer class, paper last.
    winner = rare_first[np.argmax(counts[rare_first], axis=0)]
    remaining = np.bincount(winner.ravel(), minlength=len(classes))
    thin = _thin(indices, math.ceil(height / size))
    rows, columns = np.nonzero(thin)
    thin_class = indices[rows, columns]
    for label in rare_first[::-1]:
        mine = thin_class == classes[label]
        if classes[label] != _UNPAINTED and mine.any():
            pixels = np.stack([position[rows[mine]], position[columns[mine]]])
            _keep(int(label), pixels, counts[label], winner, remaining)
    shrunk: _Indices = classes[winner]
    return shrunk


def _thin(
    indices: _Indices,  # [H, H]
    side: int,  # in pixels
) -> npt.NDArray[np.bool_]:
    """Where no square of this side that is all of one class covers the pixel: [H, H]."""
    low = ndimage.minimum_filter(indices, side, mode="nearest")
    high = ndimage.maximum_filter(indices, side, mode="nearest")
    # Even windows are off centre; the second pass leans the other way.
    origin = -1 if side % 2 == 0 else 0
    thick = ndimage.maximum_filter((low == high).view(np.uint8), side, origin=origin)
    thin: npt.NDArray[np.bool_] = thick == 0
    return thin


def _count(
    indices: _Indices,  # [H, H]
    cell: _Ints,  # [H], the new pixel of each row or column
    size: int,
) -> tuple[_Indices, _Ints]:
    """The classes present, and how many pixels of each lie in each new pixel: [C, S, S]."""
    present = np.flatnonzero(np.bincount(indices.ravel(), minlength=256)).astype(np.uint8)
    order = np.zeros(256, dtype=np.int64)
    order[present] = np.arange(len(present)) * size
    starts = np.searchsorted(cell, np.arange(size + 1))
    # Band by band: one pass over the whole map would hold eight bytes for each of its pixels.
    bands = [
        np.bincount(
            (order[indices[start:end]] + cell).ravel(), minlength=len(present) * size
        ).reshape(len(present), size)
        for start, end in pairwise(starts)
    ]
    return present, np.stack(bands, axis=1)


def _keep(
    label: int,
    pixels: npt.NDArray[np.float64],  # [2, P], its thin parts: rows and columns in new pixels
    counts: _Ints,  # [S, S], all of its pixels
    winner: _Ints,  # [S, S], changed
    remaining: _Ints,  # [classes], new pixels that each class has won, changed
) -> None:
    size = winner.shape[0]
    cells = pixels.astype(np.int64)
    cells = cells[0] * size + cells[1]
    thick = counts > np.bincount(cells, minlength=size * size).reshape(size, size)
    own = np.pad((winner == label) & thick, 1)
    lost = np.zeros(size * size, dtype=bool)
    lost[cells[_far(pixels, own, 1 / 2)]] = True
    order = np.argsort(cells, kind="stable")
    order = order[lost[cells[order]]]
    found, starts = np.unique(cells[order], return_index=True)
    members = np.split(pixels[:, order], starts[1:], axis=1)
    for index in sorted(range(len(found)), key=lambda i: -members[i].shape[1]):
        row, column = divmod(int(found[index]), size)
        loser = winner[row, column]
        if not _far(members[index], own, 1 / 3).any():
            continue
        # The last pixel of another class is not taken: everything painted stays visible.
        if loser == label or remaining[loser] > 1:
            winner[row, column] = label
            remaining[loser] -= 1
            remaining[label] += 1
            own[row + 1, column + 1] = True


def _far(
    pixels: npt.NDArray[np.float64],  # [2, P]
    own: npt.NDArray[np.bool_],  # [S + 2, S + 2]
    reach: float,  # in new pixels, at most 1/2
) -> npt.NDArray[np.bool_]:
    """Which pixels lie farther than reach from every new pixel of their class: [P]."""
    cells = pixels.astype(np.int64)
    within = pixels - cells
    row, column = cells + 1
    beside_row, beside_column = cells + 1 + (within > 1 - reach) - (within < reach)
    near = own[row, column] | own[beside_row, column]
    near |= own[row, beside_column] | own[beside_row, beside_column]
    far: npt.NDArray[np.bool_] = ~near
    return far
