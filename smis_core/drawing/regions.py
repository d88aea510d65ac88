"""Moving, mirroring and copying what is painted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from smis_core.drawing.floods import flood
from smis_core.drawing.operations import Box, Bucket, CopyFrom, Mirror, MoveRegion, Points, Polygon
from smis_core.drawing.rasteriser import Mask, rasterise, trimmed
from smis_core.images import UInt8Array
from smis_core.labels import UNPAINTED

_FAR = 1 << 14
"""Steps to nowhere: more than from one corner of the largest map to the other."""

_BAND = 32
"""Lines that are looked at together."""


def region(
    indices: UInt8Array,  # [H, W]
    points: Points,  # int32 [N, 2]
) -> tuple[Box, Mask] | None:
    """What ``MoveRegion`` would pick up, so that a front end can show it.

    Args:
        indices: the map.
        points: one position: the connected pixels of its class; an outline: all painted pixels
            within it.

    Returns:
        Its box and which pixels of that belong to it; None where nothing is painted.
    """
    if len(points) == 1:
        found = flood(Bucket(index=UNPAINTED, at=points[0]), indices)
    else:
        found = rasterise(Polygon(index=UNPAINTED, points=points), indices.shape)
    if found is None:
        return None
    box, mask = found
    return trimmed(box, mask & (indices[box.slices] != UNPAINTED))


def close(
    indices: UInt8Array,  # [H, W], changed
    box: Box,
    hole: Mask,  # of the box's size
) -> None:
    """Close a hole in the map: each of its pixels takes the nearest other pixel's index.

    Nearest in steps from side to side; of several the lowest index.
    """
    height, width = indices.shape
    # No nearest pixel lies farther away than the ring around the box.
    ring = Box(
        max(box.top - 1, 0),
        max(box.left - 1, 0),
        min(box.bottom + 1, height),
        min(box.right + 1, width),
    )
    missing = np.zeros((ring.bottom - ring.top, ring.right - ring.left), dtype=bool)
    top, left = box.top - ring.top, box.left - ring.left
    missing[top : top + hole.shape[0], left : left + hole.shape[1]] = hole
    pixels = indices[ring.slices]
    if missing.all():
        pixels[:] = UNPAINTED
        return
    height, width = pixels.shape
    steps = np.where(missing, np.int16(_FAR), np.int16(0))
    for left in range(0, width, _BAND):
        columns = np.s_[:, left : left + _BAND]
        _sweep(pixels[columns].T, steps[columns].T)
    for top in range(0, height, _BAND):
        _sweep(pixels[top : top + _BAND], steps[top : top + _BAND])


def _sweep(
    pixels: UInt8Array,  # [N, L], changed
    steps: npt.NDArray[np.int16],  # [N, L], changed
) -> None:
    """From both ends of each line: a pixel takes what its neighbour has, if that is nearer."""
    # One number says how far and what: the least of two is the nearer one.
    offers = 256 * steps.astype(np.int32) + pixels
    away = 256 * np.arange(offers.shape[1], dtype=np.int32)
    right = np.minimum.accumulate(offers - away, axis=1) + away
    left = np.minimum.accumulate((offers + away)[:, ::-1], axis=1)[:, ::-1] - away
    np.minimum(right, left, out=right)
    pixels[:], steps[:] = right & 255, np.minimum(right >> 8, _FAR)


def moved(indices: UInt8Array, operation: MoveRegion) -> tuple[Box, UInt8Array, Mask | None] | None:
    """A box, its pixels after the move, and the pixels that were picked up."""
    picked = region(indices, operation.points)
    if picked is None:
        return None
    box, mask = picked
    result = indices.copy()
    if operation.beneath is None:
        close(result, box, mask)
    else:
        result[box.slices][mask] = operation.beneath
    target = operation.target
    seen = Box(
        max(target.top, 0),
        max(target.left, 0),
        min(target.bottom, indices.shape[0]),
        min(target.right, indices.shape[1]),
    )
    dirty = box
    if seen.top < seen.bottom and seen.left < seen.right:
        rows = _sampled(seen.top, seen.bottom, target.top, target.bottom, mask.shape[0])
        columns = _sampled(seen.left, seen.right, target.left, target.right, mask.shape[1])
        chosen = np.ix_(rows, columns)
        np.copyto(result[seen.slices], indices[box.slices][chosen], where=mask[chosen])
        dirty = box.union(seen)
    exempt = np.zeros((dirty.bottom - dirty.top, dirty.right - dirty.left), dtype=bool)
    top, left = box.top - dirty.top, box.left - dirty.left
    exempt[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return dirty, result[dirty.slices], exempt


def mirrored(indices: UInt8Array, operation: Mirror) -> UInt8Array:
    """The whole map with left and right exchanged, or with one half on both sides."""
    table = np.arange(256, dtype=np.uint8)
    for one, other in operation.pairs:
        table[one], table[other] = other, one
    flipped: UInt8Array = table[indices[:, ::-1]]
    half = indices.shape[1] // 2
    if operation.half is None or half == 0:
        return flipped
    result = indices.copy()
    taken = slice(-half, None) if operation.half == "left" else slice(None, half)
    result[:, taken] = flipped[:, taken]
    return result


def copied(indices: UInt8Array, operation: CopyFrom, masks: Mapping[str, UInt8Array]) -> UInt8Array:
    """The map with pixels of another mask in it."""
    source = masks.get(operation.source)
    if source is None:
        there = ", ".join(masks) or "none"
        raise ValueError(f"copy: no mask {operation.source[:64]!r}; there are: {there}")
    if source.shape != indices.shape:
        raise ValueError(
            f"copy: a mask of {list(indices.shape)} was wanted, {operation.source!r} has "
            f"{list(source.shape)}; bring it to that size first (LabelMap.resized)"
        )
    wanted = source != UNPAINTED
    if operation.classes is not None:
        wanted = np.isin(source, np.array(operation.classes, dtype=np.uint8))
    if len(operation.points):
        found = rasterise(Polygon(index=UNPAINTED, points=operation.points), indices.shape)
        inside = np.zeros(indices.shape, dtype=bool)
        if found is not None:
            inside[found[0].slices] = found[1]
        wanted &= inside
    return np.where(wanted, source, indices)


def _sampled(
    first: int, last: int, low: int, high: int, count: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which of ``count`` pixels stretched over low … high - 1 lies at first … last - 1."""
    steps = np.arange(first, last, dtype=np.int64) - low
    return (2 * steps + 1) * count // (2 * (high - low))
