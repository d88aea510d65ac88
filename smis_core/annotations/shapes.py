"""Outlines and points of annotation files as pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from smis_core.images import MAX_SIDE

Mask = npt.NDArray[np.bool_]
Points = Sequence[tuple[float, float]]


def checked_size(name: str, width: Any, height: Any) -> tuple[int, int]:
    """(width, height) as a file states them; ValueError where they are none."""
    for side in (width, height):
        if type(side) is not int or not 1 <= side <= MAX_SIDE:
            raise ValueError(
                f"{name}: a picture of 1 to {MAX_SIDE} pixels a side was wanted, got "
                f"{width!r} x {height!r}"
            )
    return width, height


def checked_points(name: str, points: Any, at_least: int) -> list[tuple[float, float]]:
    """(x, y) pairs; ValueError where they are none, or too few."""
    try:
        found = [(float(x), float(y)) for x, y in points]
    except (TypeError, ValueError):
        raise ValueError(f"{name}: a list of (x, y) was wanted, got {str(points)[:60]}") from None
    if len(found) < at_least:
        raise ValueError(f"{name}: at least {at_least} points were wanted, got {len(found)}")
    if not all(math.isfinite(v) and abs(v) <= 4 * MAX_SIDE for point in found for v in point):
        raise ValueError(f"{name}: a point lies far outside any picture: {found[:4]}")
    return found


def filled(size: tuple[int, int], points: Points) -> Mask:
    """Pixels of a polygon, [H, W]."""
    return _drawn(size, lambda pen: pen.polygon([*points], fill=1))


def stroked(size: tuple[int, int], points: Points, width: int) -> Mask:
    """Pixels of a line, [H, W]."""
    return _drawn(size, lambda pen: pen.line([*points], fill=1, width=width))


def dotted(size: tuple[int, int], points: Points, radius: float) -> Mask:
    """Pixels of points, [H, W]: at least the one in which each lies."""

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for x, y in points:
            pen.point((int(x), int(y)), fill=1)
            if radius >= 1:
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)

    return _drawn(size, draw)


def pasted(size: tuple[int, int], inside: Mask, corner: tuple[int, int]) -> Mask:
    """Pixels of a smaller mask whose upper left corner lies at (x, y), [H, W]."""
    picture = Image.new("1", size)
    picture.paste(Image.fromarray(inside), corner)
    return np.array(picture)


def _drawn(size: tuple[int, int], draw: Any) -> Mask:
    picture = Image.new("1", size)
    draw(ImageDraw.Draw(picture))
    return np.array(picture)
