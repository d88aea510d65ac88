"""Where poured paint runs: up to other classes, or up to the edges of a picture."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from smis_core.drawing.operations import UNIT, Box, Bucket, Ints, SmartFill
from smis_core.drawing.rasteriser import Mask, trimmed
from smis_core.images import UInt8Array

_EDGE_REACH = 3
"""Pixels by which a smart fill goes on into an edge: half of what the gradient blurs it to."""

_SPECK = (2 * _EDGE_REACH + 1) ** 2
"""Calm spots of fewer pixels between edges are texture, not regions of their own."""

_OPEN, _MINE, _OTHERS, _NARROW = 1, 2, 3, 4
"""What a pixel is while paint runs: undecided, painted, another region's, too narrow. 0 is a wall.

One byte a pixel, because maps of 4096 x 4096 are filled too."""

_BAND = 16
"""Rows that are looked up at once: numpy's index arrays cost eight bytes a pixel."""

_State: TypeAlias = npt.NDArray[np.uint8]
_Numbers: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.int32]


def edge_strength(
    picture: UInt8Array,  # [H, W, 3]
) -> UInt8Array:
    """How strong an edge each pixel of a picture lies on, for ``SmartFill``.

    Sobel's gradient in integers: per channel |gx| + |gy| over 8, the largest of the channels.

    Args:
        picture: uint8 ``[H, W, 3]``, of the map's size.

    Returns:
        uint8 ``[H, W]``, 0 (flat) to 255.

    Raises:
        ValueError: the picture is no such array.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            f"picture: uint8 [H, W, 3] was wanted, got {picture.dtype} {list(picture.shape)}"
        )
    height, width, _ = picture.shape
    strongest = np.zeros((height, width), dtype=np.uint8)
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        rows = np.arange(top - 1, bottom + 1).clip(0, height - 1)
        for channel in range(3):
            levels = np.pad(picture[rows, :, channel].astype(np.int16), [(0, 0), (1, 1)], "edge")
            down = levels[:-2] + 2 * levels[1:-1] + levels[2:]
            across = levels[:, :-2] + 2 * levels[:, 1:-1] + levels[:, 2:]
            strength = np.abs(down[:, 2:] - down[:, :-2]) + np.abs(across[2:] - across[:-2])
            band = strongest[top:bottom]
            np.maximum(band, (strength >> 3).astype(np.uint8), out=band)
    return strongest


def flood(
    operation: Bucket,
    indices: UInt8Array,  # [H, W]
    edges: UInt8Array | None = None,  # [H, W], for a SmartFill
) -> tuple[Box, Mask] | None:
    """The pixels that poured paint reaches, or None if it is poured outside of the map.

    Args:
        operation: a ``Bucket`` or ``SmartFill``.
        indices: the map.
        edges: what ``edge_strength`` says about the picture underneath.

    Raises:
        ValueError: a ``SmartFill`` without edges of the map's size.
    """
    column, row = (int(each) // UNIT for each in operation.at)
    if not (0 <= row < indices.shape[0] and 0 <= column < indices.shape[1]):
        return None
    if not isinstance(operation, SmartFill):
        state = _connected(indices == indices[row, column], row, column, operation.gap)
        return _cut(state == _MINE)
    if edges is None or edges.shape != indices.shape:
        raise ValueError(
            "smart fill: a picture of the map's size underneath was wanted, got "
            f"{'none' if edges is None else list(edges.shape)}; show one or use the bucket"
        )
    row, column = _calmest(edges, row, column)
    most = max(operation.tolerance, int(edges[row, column]))
    state = _connected(edges <= most, row, column, operation.gap)
    _into_edges(state)
    return _cut(state == _MINE)


def _cut(mask: Mask) -> tuple[Box, Mask] | None:
    return trimmed(Box(0, 0, *mask.shape), mask)


def _connected(level: Mask, row: int, column: int, gap: int) -> _State:
    """What is connected to a pixel, side by side, and the other level pixels."""
    side = _widest(level, row, column, gap + 1)
    if side == 1:
        return _parted(level, row, column)
    wide = _opened(level, side)
    state = _parted(wide, row, column)
    state[level & ~wide] = _NARROW
    del wide
    # Corners and dead ends belong to the only side they touch; openings are shared out between
    # their two sides.
    labels, count = _numbered(state == _NARROW)
    touches_mine = _touching(labels, count, state, _MINE)
    touches_others = _touching(labels, count, state, _OTHERS)
    fate = np.full(count + 1, _OTHERS, dtype=np.uint8)
    fate[touches_mine] = _MINE
    fate[touches_mine & touches_others] = _OPEN
    _settle(state, _NARROW, labels, fate)
    del labels
    _share(state, rounds=side)
    state[state == _OPEN] = _OTHERS
    return state


def _numbered(mask: Mask) -> tuple[_Numbers, int]:
    """Which connected piece each pixel belongs to, from 1, and how many there are."""
    try:
        return ndimage.label(mask, output=np.uint16)  # type: ignore[no-any-return]
    except RuntimeError:  # More of them than 16 bits can count.
        return ndimage.label(mask)  # type: ignore[no-any-return]


def _parted(level: Mask, row: int, column: int) -> _State:
    labels, _ = _numbered(level)
    mine = labels == labels[row, column]
    del labels
    state = level * np.uint8(_OTHERS)
    state[mine] = _MINE
    return state


def _settle(
    state: _State,  # changed
    code: int,
    labels: _Numbers,
    fate: npt.NDArray[np.uint8],  # by label
) -> None:
    """Give the pixels of a code the code of their component."""
    for top in range(0, len(state), _BAND):
        band = state[top : top + _BAND]
        chosen = band == code
        band[chosen] = fate[labels[top : top + _BAND][chosen]]


def _touching(labels: _Numbers, count: int, state: _State, code: int) -> Mask:
    """Which narrow components have a pixel beside one of a code, by label."""
    found = np.zeros(count + 1, dtype=bool)
    for top in range(0, len(state), _BAND):
        # One row more, so that bands see each other.
        band, numbers = state[top : top + _BAND + 1], labels[top : top + _BAND + 1]
        for axis in (0, 1):
            here, number = np.moveaxis(band, axis, 0), np.moveaxis(numbers, axis, 0)
            found[number[1:][(here[1:] == _NARROW) & (here[:-1] == code)]] = True
            found[number[:-1][(here[:-1] == _NARROW) & (here[1:] == code)]] = True
    return found


def _widest(level: Mask, row: int, column: int, most: int) -> int:
    """The side of the largest level square, up to a limit, that covers a pixel."""
    for side in range(most, 1, -1):
        top, left = row - side + 1, column - side + 1
        window = level[max(top, 0) : row + side, max(left, 0) : column + side]
        if min(window.shape) >= side and _eroded(window, side).any():
            return side
    return 1


def _eroded(level: Mask, side: int) -> Mask:
    """Where squares of this side, by their top left pixels, are level: [H - side + 1, …]."""
    for axis in (0, 1):
        level = np.moveaxis(level, axis, 0)
        reached = 1
        while reached < side:
            shift = min(reached, side - reached)
            level = level[:-shift] & level[shift:]
            reached += shift
        level = np.moveaxis(level, 0, axis)
    return level


def _opened(level: Mask, side: int) -> Mask:
    """The union of all level squares of this side. Beyond the map nothing is level."""
    corners = np.pad(_eroded(level, side), side - 1)
    opened: Mask = ~_eroded(~corners, side)
    return opened


def _calmest(edges: UInt8Array, row: int, column: int) -> tuple[int, int]:
    """The weakest edge within two pixels: a click seldom hits the pixel that was meant."""
    top, left = max(row - 2, 0), max(column - 2, 0)
    window = edges[top : row + 3, left : column + 3]
    down, right = np.unravel_index(int(window.argmin()), window.shape)
    return top + int(down), left + int(right)


def _into_edges(
    state: _State,  # changed
) -> None:
    """The region gets its share of the edges around it, and the specks within."""
    labels, count = _numbered(state == _OTHERS)
    pixels = np.zeros(count + 1, dtype=np.int64)
    for row in labels:
        numbers, repeated = np.unique(row, return_counts=True)
        pixels[numbers] += repeated
    fate = np.where(pixels >= _SPECK, _OTHERS, 0).astype(np.uint8)
    _settle(state, _OTHERS, labels, fate)
    del labels
    for top in range(0, len(state), _BAND):
        first = max(top - _EDGE_REACH, 0)
        mine = np.pad(state[first : top + _BAND + _EDGE_REACH] == _MINE, _EDGE_REACH)
        near = ~_eroded(~mine, 2 * _EDGE_REACH + 1)[top - first :]
        band = state[top : top + _BAND]
        band[near[: len(band)] & (band == 0)] = _OPEN
    _share(state, rounds=_EDGE_REACH)


def _share(
    state: _State,  # changed
    *,
    rounds: int,
) -> None:
    """Both sides grow into what is open by one pixel a round; mine wins where both arrive."""
    # The rim is a wall, so that neighbours are found by adding to flat positions.
    walled = np.pad(state, 1)
    flat, width = walled.reshape(-1), walled.shape[1]
    waiting: Ints = np.flatnonzero(flat == _OPEN)
    for _ in range(rounds):
        won, lost = np.zeros((2, len(waiting)), dtype=bool)
        for beside in (-width, -1, 1, width):
            around = flat[waiting + beside]
            won |= around == _MINE
            lost |= around == _OTHERS
        lost &= ~won
        if not (won.any() or lost.any()):
            break
        flat[waiting[won]] = _MINE
        flat[waiting[lost]] = _OTHERS
        waiting = waiting[~(won | lost)]
    state[:] = walled[1:-1, 1:-1]
