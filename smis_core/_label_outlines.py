"""Label maps as SVG: exact outlines along the edges of pixels, and back."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt

from smis_core._palette import UNPAINTED, Palette
from smis_core.images import MAX_SIDE, UInt8Array

_HEAD = re.compile(r'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 (\d{1,5}) (\d{1,5})"')
_PALETTE = re.compile(r"<desc>(.*?)</desc>", re.DOTALL)
_PATH = re.compile(r'<path data-index="(\d{1,3})"[^>]* d="([^"]*)"')
_MOVE = re.compile(r"([MHV])(\d{1,5})(?: (\d{1,5}))?|(Z)")
_MARKUP = (("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def to_svg(
    indices: UInt8Array,  # [H, W]
    palette: Palette,
) -> str:
    """One path for each class, of rectangular steps, so that nothing is rounded."""
    height, width = indices.shape
    paths = []
    for label in palette.classes:
        loops = _loops(indices == label.index)
        if loops:
            paths.append(
                f'<path data-index="{label.index}" fill="#{bytes(label.colour).hex()}" '
                f'fill-rule="evenodd" d="{"".join(loops)}"><title>{escape(label.name)}</title>'
                "</path>\n"
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'shape-rendering="crispEdges" aria-label={quoteattr(palette.name)}>\n'
        f"<desc>{escape(palette.to_json())}</desc>\n{''.join(paths)}</svg>\n"
    )


def from_svg(text: str) -> tuple[UInt8Array, Palette]:
    """Indices and palette of what ``to_svg`` wrote; ValueError for anything else.

    It is read as text of that one form, not as XML, so that entities and links do nothing.
    """
    head, described = _HEAD.match(text), _PALETTE.search(text)
    if head is None or described is None:
        raise ValueError("an SVG written by LabelMap.save was wanted, this is another one")
    width, height = (int(each) for each in head.groups())
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError(f"sides of 1 to {MAX_SIDE} were wanted, got {width} x {height}")
    record = described[1]
    for escaped, plain in _MARKUP:
        record = record.replace(escaped, plain)
    palette = Palette.from_json(record)
    indices = np.full((height, width), UNPAINTED, dtype=np.uint8)
    for found in _PATH.finditer(text):
        index = int(found[1])
        palette.by_index(index)
        indices[_filled(found[2], height, width)] = index
    return indices, palette


def _loops(mask: npt.NDArray[np.bool_]) -> list[str]:
    """Closed outlines as path data, the region always on the same hand."""
    padded = np.pad(mask, 1).astype(np.int8)
    # Each boundary pixel side as an arrow: along the top to the right, along the bottom back.
    across = np.diff(padded, axis=0)[:, 1:-1]
    down = np.diff(padded, axis=1)[1:-1]
    arrows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in np.argwhere(across > 0).tolist():
        arrows.setdefault((column, row), []).append((column + 1, row))
    for row, column in np.argwhere(across < 0).tolist():
        arrows.setdefault((column + 1, row), []).append((column, row))
    for row, column in np.argwhere(down > 0).tolist():
        arrows.setdefault((column, row + 1), []).append((column, row))
    for row, column in np.argwhere(down < 0).tolist():
        arrows.setdefault((column, row), []).append((column, row + 1))
    loops = []
    while arrows:
        start = next(iter(arrows))
        loops.append(_loop(arrows, start))
    return loops


def _loop(arrows: dict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]) -> str:
    corners = [start]
    here = start
    while True:
        ends = arrows[here]
        there = ends.pop()
        if not ends:
            del arrows[here]
        if len(corners) > 1 and _in_line(corners[-2], corners[-1], there):
            corners[-1] = there
        else:
            corners.append(there)
        here = there
        if here == start:
            break
    parts = [f"M{start[0]} {start[1]}"]
    for (x0, _), (x1, y1) in pairwise(corners[:-1]):
        parts.append(f"V{y1}" if x0 == x1 else f"H{x1}")
    return "".join(parts) + "Z"


def _in_line(one: tuple[int, int], two: tuple[int, int], three: tuple[int, int]) -> bool:
    return one[0] == two[0] == three[0] or one[1] == two[1] == three[1]


def _filled(data: str, height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels within steps along pixel edges, even-odd: each upright edge turns its row."""
    turns = np.zeros((height, width + 1), dtype=np.int8)
    x = y = start_x = start_y = 0

    def upright(to: int) -> None:
        low, high = min(y, to), max(y, to)
        if x > width or high > height:
            raise ValueError("an outline leaves the map; the file is damaged")
        turns[low:high, x] ^= 1

    for found in _MOVE.finditer(data):
        step, first, second, close = found.groups()
        if close:
            upright(start_y)
            x, y = start_x, start_y
        elif step == "M" and second is not None:
            x, y = start_x, start_y = int(first), int(second)
        elif step == "H":
            x = int(first)
        elif step == "V":
            upright(int(first))
            y = int(first)
    inside: npt.NDArray[np.bool_] = np.bitwise_xor.accumulate(turns, axis=1)[:, :-1] == 1
    return inside
